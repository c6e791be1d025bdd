"""Gets one page for a recipe, from the site or from a file, as a crawl would ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from crawler.cli import console
from crawler.cli.fetch import fetcher_for
from crawler.cli.groups import CommandFailed
from crawler.cli.logging_in import Shown, log_in
from crawler.egress.single_page import MAX_BYTES, FetchFailed
from crawler.errors import InputError, PageError
from crawler.recipe.check import saved_answers
from crawler.recipe.extract import start_requests
from crawler.recipe.model import PageInput, PageRequest, RecipeTest
from crawler.recipe.saved_pages import saved_headers
from crawler.recipe.values import is_missing
from crawler.recipe.whole_page import no_answer, whole_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from crawler.egress.single_page import Fetched, PageFetcher
    from crawler.recipe.model import PageResult, Recipe

#: URL of a saved page of which nobody said where it came from.
UNKNOWN_URL = "http://localhost/"

#: Follow-up requests that are made to show one page.
MAX_ANSWERS = 10


class GottenPage(Struct, frozen=True, kw_only=True):
    """A page, and the type it is taken for (`why` says how that was found)."""

    input: PageInput
    page: str
    why: str
    fetched: Fetched | None = None  # None: it came from a file
    answers: Answers | None = None  # to follow-up requests


class Answers:
    """Answers to follow-up requests: from the site, or saved ones.

    Attributes:
        given: what came, by URL.
        left_out: requests that were one too many.
    """

    def __init__(
        self,
        recipe: Recipe,
        inputs: Mapping[str, Any],
        source: PageFetcher | RecipeTest | None,
        shown: Shown | None = None,
    ) -> None:
        """`source`: who fetches them, or the test that has saved them; None: there are none. `shown`: as whom."""
        self._recipe = recipe
        self._inputs = inputs
        self._source = source
        self._shown = shown or Shown()
        self.given: dict[str, PageInput] = {}
        self.left_out = 0

    def __call__(self, request: PageRequest) -> PageInput | None:
        """The answer to a request; None if there is none."""
        if self._source is None:
            return None
        if isinstance(self._source, RecipeTest):
            return saved_answers(self._recipe, self._source)(request)
        if len(self.given) >= MAX_ANSWERS:
            self.left_out += 1
            return None
        headers = {**headers_of(self._recipe, request.page or "", self._inputs), **dict(request.headers)}
        headers |= self._shown.headers(request.url)
        try:
            fetched = self._source.get(request.url, headers=headers, method=request.method, body=request.body)
        except FetchFailed as error:
            console.note(f"{request.url}: {error}")
            return None
        if fetched.status >= 400:
            console.note(f"{request.url}: status {fetched.status}")
            return None
        answer = PageInput(
            request=request, url=fetched.url, body=fetched.body, status=fetched.status, headers=fetched.headers
        )
        self.given[request.url] = answer
        return answer


def is_url(target: str) -> bool:
    """Whether a person means a URL, not a file."""
    return target.startswith(("http://", "https://"))


def get_page(
    recipe: Recipe,
    target: str,
    *,
    inputs: Mapping[str, Any],
    page: str | None = None,
    url: str | None = None,
    fetcher: PageFetcher | None = None,
) -> GottenPage:
    """The page at a URL or in a file, with its type.

    Args:
        recipe: the plan.
        target: URL or file.
        inputs: resolved inputs.
        page: its type; None = guessed.
        url: of a file: where it came from.
        fetcher: for URLs; by default one that takes `target` for a place that the person may have to themselves.

    Raises:
        CommandFailed: no such file, no such page type, or a type that cannot be guessed.
        FetchFailed: the page could not be fetched.
    """
    if page is not None and page not in recipe.pages:
        raise CommandFailed(f"{recipe.name} has no page type {page!r}; there are {', '.join(recipe.pages)}")
    if is_url(target):
        if url is not None:
            raise CommandFailed("--url is for files: it says where a saved page came from")
        return _from_site(recipe, target, inputs, page, fetcher or fetcher_for(target))
    return _from_file(recipe, Path(target), inputs, page, url)


def _from_site(
    recipe: Recipe, url: str, inputs: Mapping[str, Any], page: str | None, fetcher: PageFetcher
) -> GottenPage:
    request = _start_of(recipe, inputs, url) or PageRequest(url=url, page=None)
    guessed = page or request.page or _by_match(recipe, url)
    headers = {**(headers_of(recipe, guessed, inputs) if guessed else {}), **dict(request.headers)}
    shown = log_in(recipe, inputs, fetcher) if _is_behind_a_login(recipe, guessed) else Shown()
    headers |= shown.headers(url)
    fetched = fetcher.get(url, headers=headers, method=request.method, body=request.body)
    page_input = PageInput(
        request=PageRequest(url=url, page=page, method=request.method, headers=request.headers, body=request.body),
        url=fetched.url,
        body=fetched.body,
        status=fetched.status,
        headers=fetched.headers,
        inputs=inputs,
    )
    return replace(_typed(recipe, page_input, request.page, fetched), answers=Answers(recipe, inputs, fetcher, shown))


def _is_behind_a_login(recipe: Recipe, page: str | None) -> bool:
    kinds = recipe.pages.values() if page is None else [recipe.pages[page]]
    return recipe.session is not None and any(kind.session for kind in kinds)


def _from_file(recipe: Recipe, path: Path, inputs: Mapping[str, Any], page: str | None, url: str | None) -> GottenPage:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CommandFailed(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
        body = path.read_bytes()
    except OSError as error:
        hint = "; a URL begins with http:// or https://" if "." in str(path) and not path.exists() else ""
        raise CommandFailed(f"{path}: {(error.strerror or str(error)).lower()}{hint}") from error
    test = next((test for test in recipe.tests if test.snapshot == path.name), None)
    if url is None:
        url = test.url if test is not None else UNKNOWN_URL
        if test is None:
            console.note(f"the page's own URL is not known, {url} is assumed; --url says it")
    known = test.page if test is not None else None
    headers = saved_headers(test.content_type, test.date) if test is not None else {}
    request = PageRequest(url=url, page=page, carried=test.carried if test is not None else {})
    page_input = PageInput(request=request, url=url, body=body, headers=headers, inputs=inputs)
    return replace(_typed(recipe, page_input, known), answers=Answers(recipe, inputs, test))


def _typed(recipe: Recipe, page_input: PageInput, known: str | None, fetched: Fetched | None = None) -> GottenPage:
    """The page with the type that was asked for, or else guessed."""
    asked = page_input.request.page
    name, why = guess_page(recipe, page_input, known) if asked is None else (asked, "as asked")
    return GottenPage(input=_as(page_input, name), page=name, why=why, fetched=fetched)


def _as(page_input: PageInput, page: str) -> PageInput:
    return replace(page_input, request=replace(page_input.request, page=page))


def guess_page(recipe: Recipe, page_input: PageInput, known: str | None = None) -> tuple[str, str]:
    """The page type of a page, and why it is that one.

    Where neither the recipe nor `match` decides, every page type is run on the page: what a page gives says better what
    it is than what page types there are.

    Args:
        recipe: the plan.
        page_input: the page; the type in its request does not count.
        known: what the recipe itself says of this page.

    Raises:
        CommandFailed: it cannot be told.
    """
    if known is not None:
        return known, "the recipe says so"
    matching = _by_match(recipe, page_input.url)
    if matching is not None:
        return matching, "by its match"
    if len(recipe.pages) == 1:
        return next(iter(recipe.pages)), "the only page type"
    results = {name: _result(recipe, _as(page_input, name)) for name in recipe.pages}
    found = {name: _worth(recipe, result) for name, result in results.items() if result is not None}
    best = max(found, key=lambda name: found[name], default=None)  # the first in the recipe, if several are as good
    if best is not None and found[best] > _NOTHING:
        return best, f"{_gives(found[best], results[best])}; --page says otherwise"
    with_item = [page.name for page in recipe.pages.values() if page.item is not None]
    if len(with_item) == 1:
        return with_item[0], "none gives anything here, and this is the only page type with an item"
    raise CommandFailed(f"which page type is {page_input.url}? Say it with --page: {', '.join(recipe.pages)}")


#: Worths, as `_worth` counts: the kind of what a page gives, and how much of it.
_ROWS, _REJECTS, _LINKS = 3, 2, 1
_NOTHING = (0, 0)


def _result(recipe: Recipe, page_input: PageInput) -> PageResult | None:
    try:
        return whole_page(recipe, page_input, no_answer)
    except PageError:  # it is not of this type
        return None


def _worth(recipe: Recipe, result: PageResult) -> tuple[int, int]:
    """How well a page type fits a page, to compare."""
    if result.rows:
        return _ROWS, sum(value is not None for row in result.rows for value in row.values.values())
    # A product without its price is still a product, even if links to related products make it look like a list.
    whole = [len(row.values) for row in result.rejects if 2 * len(row.values) >= len(recipe.items[row.item].fields)]
    if whole:
        return _REJECTS, sum(whole)
    links = len(result.requests) + (result.next is not None)
    return (_LINKS, links) if links else _NOTHING


def _gives(worth: tuple[int, int], result: PageResult | None) -> str:
    if result is None:
        raise AssertionError("a page that failed is never the best")
    if worth[0] == _ROWS:
        return f"it gives {console.plural(len(result.rows), 'row')} here"
    if worth[0] == _REJECTS:
        return f"it gives {console.plural(len(result.rejects), 'row')} here, rejected"
    if result.requests:
        return f"it finds {console.plural(len(result.requests), 'link')} here"
    return "it finds a next page here"


def _by_match(recipe: Recipe, url: str) -> str | None:
    fitting = [page.name for page in recipe.pages.values() if any(pattern.search(url) for pattern in page.match)]
    return fitting[0] if len(fitting) == 1 else None


def _start_of(recipe: Recipe, inputs: Mapping[str, Any], url: str) -> PageRequest | None:
    """The start request for that URL, which may be a POST or have headers of its own."""
    try:
        starts = start_requests(recipe, inputs)
    except InputError:
        return None
    pages = (request for request in starts if request.sitemap is None)
    return next((request for request in pages if request.url.rstrip("/") == url.rstrip("/")), None)


def headers_of(recipe: Recipe, page: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a recipe sends for pages of a type; those without a value are left out."""
    scopes: dict[str, Mapping[str, Any]] = {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}}
    rendered = {name: template.render(scopes) for name, template in recipe.pages[page].fetch.headers.items()}
    return {name: str(value) for name, value in rendered.items() if not is_missing(value)}
