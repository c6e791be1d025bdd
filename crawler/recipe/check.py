"""Runs a recipe's own tests: saved pages in, differences out.

A test names a saved page, its URL and what must come out of it. Nothing here fetches, prints or writes: the command
line shows the differences, a service may send them. What `expect` may say:

    FIELD: value            the field of the first row; `null` = missing; a map needs only the keys it names
    FIELD: {count: 6}       the number of members of a list
    rows: 20                rows accepted; also a list of rows, or {count:, first:, last:}
    follow: {PAGE: 20}      links found to a page type; also a list of URLs, or {count:, first:, last:}
    next: URL               the next page of the list; `null` = there is none
    rejects: 1              rows refused; none unless it is said
    outcome: dropped        ok | dropped | empty | blocked
"""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import CrawleryError, InputError, PageBlocked, PageError
from crawler.recipe.extract import page_type
from crawler.recipe.model import PageInput, PageRequest, PageResult
from crawler.recipe.saved_pages import saved_headers
from crawler.recipe.values import MISSING, Value, is_missing
from crawler.recipe.whole_page import whole_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.model import Recipe, RecipeTest
    from crawler.recipe.whole_page import Answer

#: What `expect` says about the page rather than about a field of its first row.
PAGE_KEYS: Final = ("rows", "follow", "next", "rejects", "outcome")

#: Saved pages above this are refused: no page that a crawl would accept is larger.
MAX_SNAPSHOT_BYTES: Final = 32 * 1024 * 1024

_LIST_KEYS: Final = frozenset({"count", "first", "last"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One place where a page gave something else than its test expects. `MISSING` = nothing is there."""

    path: str  # "price", "variants[2].sku", "follow.book"
    expected: Value
    actual: Value
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of one test. It passed if there is neither an error nor a difference."""

    test: RecipeTest
    differences: tuple[Difference, ...] = ()
    error: str = ""  # why the page could not be judged at all
    checked: int = 0  # expectations compared
    elapsed_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the page gave all that was expected."""
        return not self.error and not self.differences


def run_tests(recipe: Recipe) -> tuple[Verdict, ...]:
    """Runs every test of the recipe, in the order of the file."""
    return tuple(run_test(recipe, test) for test in recipe.tests)


def run_test(recipe: Recipe, test: RecipeTest) -> Verdict:
    """Runs one test. A page that cannot be read or extracted is an error of the verdict, never an exception."""
    begun = time.perf_counter()
    try:
        result = extract_snapshot(recipe, test)
    except SnapshotUnreadable as error:
        return Verdict(test=test, error=str(error), elapsed_s=time.perf_counter() - begun)
    except InputError as error:
        return Verdict(test=test, error=f"inputs: {error}", elapsed_s=time.perf_counter() - begun)
    except PageBlocked as error:
        if "outcome" not in test.expect:
            return Verdict(test=test, error=f"PageBlocked: {error}", elapsed_s=time.perf_counter() - begun)
        result = PageResult(page=test.page, outcome="blocked")
    except PageError as error:
        return Verdict(test=test, error=f"{type(error).__name__}: {error}", elapsed_s=time.perf_counter() - begun)
    differences = tuple(differences_of(recipe, test.expect, result))
    return Verdict(test=test, differences=differences, checked=len(test.expect), elapsed_s=time.perf_counter() - begun)


class SnapshotUnreadable(CrawleryError):
    """The saved page of a test is not there, lies outside the recipe's folder, or is too large."""


def extract_snapshot(recipe: Recipe, test: RecipeTest, *, trace: bool = False) -> PageResult:
    """What the saved page of a test gives.

    Raises:
        SnapshotUnreadable: there is no such file in the recipe's folder.
        InputError: the test's inputs do not fit the recipe.
        PageError: the page is not what the recipe was written for.
    """
    return whole_page(recipe, snapshot_input(recipe, test), saved_answers(recipe, test), trace=trace)


def snapshot_input(recipe: Recipe, test: RecipeTest) -> PageInput:
    """The saved page of a test as the engine takes it.

    Raises:
        SnapshotUnreadable: there is no such file in the recipe's folder.
        InputError: the test's inputs do not fit the recipe.
    """
    request = PageRequest(url=test.url, page=test.page, carried=test.carried)
    return PageInput(
        request=request,
        url=test.url,
        body=snapshot_body(recipe, test.snapshot),
        status=test.status,
        headers=saved_headers(test.content_type, test.date),
        inputs=recipe.inputs.resolve(test.inputs),
    )


def saved_answers(recipe: Recipe, test: RecipeTest) -> Answer:
    """The answers to follow-up requests that a test has saved. Raises SnapshotUnreadable when one is asked for."""

    def answer(request: PageRequest) -> PageInput | None:
        name = test.answers.get(request.url)
        if name is None:
            return None
        body, headers = snapshot_body(recipe, name), saved_headers(None, test.date)
        return PageInput(request=request, url=request.url, body=body, headers=headers)

    return answer


def snapshot_body(recipe: Recipe, name: str) -> bytes:
    """The bytes of a saved page.

    Raises:
        SnapshotUnreadable: it is not there, lies outside the recipe's folder, or is too large.
    """
    folder = recipe.snapshot_dir
    if folder is None:
        raise SnapshotUnreadable(f"{name}: a recipe without a file has no saved pages")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SnapshotUnreadable(f"{name} lies outside {folder}/, where the saved pages of this recipe belong")
    try:
        if path.stat().st_size > MAX_SNAPSHOT_BYTES:
            raise SnapshotUnreadable(f"{path} is larger than {MAX_SNAPSHOT_BYTES // 1024 // 1024} MiB")
        return path.read_bytes()
    except OSError as error:
        raise SnapshotUnreadable(f"{path}: {error.strerror or error}; `crawlery recipe record` saves a page") from error


# --- differences -----------------------------------------------------------------------------------------------------


def differences_of(recipe: Recipe, expect: Mapping[str, Any], result: PageResult) -> Iterator[Difference]:
    """Every difference between `expect` and what a page gave, page first, then fields in the order of `expect`."""
    if result.rejects and "rejects" not in expect:
        for reject in result.rejects:
            for reason in reject.reasons:
                note = f"{reason.rule}: {reason.message}"
                yield Difference(path=f"rejected: {reason.field}", expected=MISSING, actual=MISSING, note=note)
    first = result.rows[0].values if result.rows else {}
    has_item = recipe.pages[result.page].item is not None
    for name, expected in expect.items():
        if name in PAGE_KEYS:
            yield from _page_differences(recipe, name, expected, result)
        elif not has_item:
            note = f"page type {result.page} has no item, so no fields; it can expect {', '.join(PAGE_KEYS)}"
            yield Difference(path=name, expected=expected, actual=MISSING, note=note)
        elif not result.rows:
            yield Difference(path=name, expected=expected, actual=MISSING, note="the page gave no row")
        else:
            yield from value_differences(name, expected, first.get(name))


def _page_differences(recipe: Recipe, name: str, expected: Any, result: PageResult) -> Iterator[Difference]:
    if name == "rows":
        yield from _listed(name, expected, [row.values for row in result.rows])
    elif name == "rejects":
        yield from _listed(name, expected, [reject.values for reject in result.rejects])
    elif name == "next":
        yield from value_differences(name, expected, None if result.next is None else result.next.url)
    elif name == "outcome":
        yield from value_differences(name, expected, result.outcome)
    else:
        links = links_by_page(recipe, result)
        wanted = expected if isinstance(expected, dict) else {}
        if not isinstance(expected, dict):
            note = "write it as `follow: {PAGE: number of links}`"
            yield Difference(path=name, expected=expected, actual=_counts(links), note=note)
        for page, number in wanted.items():
            yield from _listed(f"follow.{page}", number, links.get(page, []))


def links_by_page(recipe: Recipe, result: PageResult) -> dict[str, list[str]]:
    """URLs of the links found, by the page type they lead to; "?" for a link that fits no page type."""
    links: dict[str, list[str]] = {}
    for request in result.requests:
        links.setdefault(_page_name(recipe, request), []).append(request.url)
    return links


def _page_name(recipe: Recipe, request: PageRequest) -> str:
    if request.page is not None:
        return request.page
    try:
        return page_type(recipe, PageInput(request=request, url=request.url, body=b"")).name
    except PageError:
        return "?"


def _counts(links: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {page: len(urls) for page, urls in links.items()}


def _listed(path: str, expected: Any, actual: list[Any]) -> Iterator[Difference]:
    """A list against a number, a list, or {count, first, last}."""
    if isinstance(expected, int) and not isinstance(expected, bool):
        expected = {"count": expected}
    if isinstance(expected, dict) and expected and expected.keys() <= _LIST_KEYS:
        if "count" in expected and expected["count"] != len(actual):
            yield Difference(path=path, expected={"count": expected["count"]}, actual={"count": len(actual)})
        for key, index in (("first", 0), ("last", -1)):
            if key in expected:
                yield from value_differences(f"{path}.{key}", expected[key], actual[index] if actual else None)
    else:
        yield from value_differences(path, expected, actual)


def value_differences(path: str, expected: Any, actual: Value) -> Iterator[Difference]:
    """Where two values differ. Numbers compare by value, text after NFC, maps by the keys that are expected."""
    if is_missing(expected) or is_missing(actual):
        if is_missing(expected) != is_missing(actual):
            shown = (MISSING if is_missing(expected) else expected, MISSING if is_missing(actual) else actual)
            yield Difference(path=path, expected=shown[0], actual=shown[1])
    elif isinstance(actual, list):
        yield from _list_differences(path, expected, actual)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            yield from value_differences(f"{path}.{key}", value, actual.get(key))
    elif not _same(expected, actual):
        note = ""
        if str(expected) == str(actual):
            note = f"expected {_kind(expected)}, got {_kind(actual)}"
        yield Difference(path=path, expected=expected, actual=actual, note=note)


def _list_differences(path: str, expected: Any, actual: list[Any]) -> Iterator[Difference]:
    if isinstance(expected, dict) and expected and expected.keys() <= _LIST_KEYS:
        yield from _listed(path, expected, actual)
    elif not isinstance(expected, list):
        yield Difference(path=path, expected=expected, actual=actual, note="a list was found")
    else:
        if len(expected) != len(actual):
            yield Difference(path=path, expected={"count": len(expected)}, actual={"count": len(actual)})
        for index, value in enumerate(expected):
            found = actual[index] if index < len(actual) else None
            yield from value_differences(f"{path}[{index}]", value, found)
        for index in range(len(expected), len(actual)):
            yield Difference(path=f"{path}[{index}]", expected=MISSING, actual=actual[index])


def _same(expected: Any, actual: Value) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, str) and isinstance(actual, str):
        return unicodedata.normalize("NFC", expected) == unicodedata.normalize("NFC", actual)
    if isinstance(actual, Decimal) and isinstance(expected, str):
        # Exact decimals are written as text in a recipe, since YAML would read 1290.00 as a float.
        try:
            return Decimal(expected) == actual
        except InvalidOperation:
            return False
    numbers = (int, float, Decimal)
    if isinstance(expected, numbers) and isinstance(actual, numbers):
        return Decimal(str(expected)) == Decimal(str(actual))
    return bool(expected == actual)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float | Decimal) else "text" if isinstance(value, str) else "a value"
