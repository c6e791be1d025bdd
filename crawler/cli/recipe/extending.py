"""`crawlery recipe new --extends`: a recipe that leaves to a parent what it can, tried on the site while it is written.

A few pages are fetched as the recipe would crawl them. Those that give something become its tests. Of a parent that
leaves its page type to its children (`sitemap-only`) the fields are proposed from the first pages it leads to.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.cli.pages import headers_of
from crawler.cli.recipe.survey import MAX_PAGES
from crawler.egress.single_page import FetchFailed
from crawler.errors import InputError, PageError, RecipeError
from crawler.recipe.diagnose import diagnose
from crawler.recipe.extract import extract_page, start_requests
from crawler.recipe.loader import load_recipe_text, parent_version
from crawler.recipe.model import PageInput
from crawler.recipe.propose import Draft, item_fields, page_lines, sample_of
from crawler.recipe.recording import snapshot_name, test_entry
from crawler.recipe.values import MISSING, is_missing
from crawler.recipe.yaml_writer import flow, quoted, scalar, with_test

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from crawler.cli.recipe.survey import Surveyor
    from crawler.egress.single_page import Fetched
    from crawler.recipe.diagnose import Diagnosis
    from crawler.recipe.diagnostics import Problem
    from crawler.recipe.model import PageRequest, Recipe

#: Pages with rows that are looked at.
_WITH_ROWS = 3
#: Links of one page that are followed: the first, the last and those in the middle differ most.
_LINKS = 4
_PROBE = "http://probe.invalid/page"
#: What stands in for the page type that a parent leaves to its children, until its fields are known.
_STAND_IN = """pages: {page: {item: product, fields: {url: {response: url}}}}
items: {product: {version: 1, fields: {url: {type: string, format: uri}}}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """A page, as the recipe sees it."""

    input: PageInput
    found: Diagnosis


@dataclass(frozen=True, kw_only=True, slots=True)
class Extended:
    """A recipe that extends a parent: its text with tests, and the pages that they need, by file name."""

    text: str
    snapshots: Mapping[str, bytes]
    looked: tuple[Looked, ...]


@dataclass(slots=True)
class _Walk:
    """Pages in the order in which they are worth looking at: page types that nobody has seen, then rows."""

    surveyor: Surveyor
    recipe: Recipe
    inputs: Mapping[str, Any]
    waiting: list[PageRequest]
    looked: list[Looked] = field(default_factory=list)
    seen: Counter[str | None] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)

    def run(self) -> list[Looked]:
        """The pages that were looked at; the first one must be there.

        Raises:
            FetchFailed: the first page cannot be fetched.
            PageError: ditto, or it is none.
        """
        rows = 0
        while self.waiting and len(self.asked) < MAX_PAGES and rows < _WITH_ROWS:
            self.waiting.sort(key=lambda request: self.seen[request.page])  # stable: else in the order of the pages
            request = self.waiting.pop(0)
            if request.url in self.asked:
                continue
            first = not self.asked
            self.asked.add(request.url)
            self.seen[request.page] += 1
            try:
                rows += self._look(request)
            except (FetchFailed, PageError) as error:
                if first:
                    raise
                console.note(f"left out {error}")
        return self.looked

    def _look(self, request: PageRequest) -> bool:
        """Looks at one page; whether it has rows."""
        fetched = self._fetched(request)
        page_input = PageInput(
            request=request,
            url=fetched.url,
            body=fetched.body,
            status=fetched.status,
            headers=fetched.headers,
            inputs=self.inputs,
        )
        if request.sitemap is not None:
            self._wait_for(extract_page(self.recipe, page_input).requests)
            return False
        found = diagnose(self.recipe, page_input)
        if found.result is None:
            raise PageError(f"{fetched.url}: {found.error}")
        self._wait_for(found.result.requests)
        self.looked.append(Looked(input=page_input, found=found))
        return bool(found.result.rows)

    def _fetched(self, request: PageRequest) -> Fetched:
        url = request.url if not self.looked and len(self.asked) == 1 else self.surveyor.allowed(request.url)
        headers = headers_of(self.recipe, request.page, self.inputs) if request.page and not request.sitemap else {}
        fetched = self.surveyor.fetcher.get(
            url, headers={**headers, **dict(request.headers)}, method=request.method, body=request.body
        )
        if fetched.status >= 400:
            raise PageError(f"{fetched.url} answers with status {fetched.status}")
        console.note(f"looked at {fetched.url} ({len(fetched.body):,} bytes)")
        return fetched

    def _wait_for(self, requests: tuple[PageRequest, ...]) -> None:
        step = max(1, (len(requests) - 1) // (_LINKS - 1))
        self.waiting += [*requests[::step][:_LINKS], *requests[-1:]]


def extended(surveyor: Surveyor, target: Path, *, parent: str, url: str) -> Extended:
    """A recipe for `target` that extends `parent` and begins at `url`.

    Raises:
        CommandFailed: there is no such parent, or it has no address to begin with.
        FetchFailed: the first page cannot be fetched.
        PageError: it is no page.
    """
    name, _, major = parent.partition("@")
    extends = f"{name}@{major or (parent_version(name, target.parent) or '1').partition('.')[0]}"
    head = _Head(name=target.stem, extends=extends, url=url)
    recipe, draws = _loaded(head.text({}), target)
    key = _address_input(recipe, extends)
    value = _begin(recipe, key, url)
    given = {key: value}
    try:
        inputs = recipe.inputs.resolve(given)
        starts = start_requests(recipe, inputs)
    except InputError as error:
        raise CommandFailed(f"{extends} cannot begin at {url}: {error}") from error
    looked = _Walk(surveyor, recipe, inputs, starts[:1]).run()
    text = head.text(given)
    if draws:
        text += _own_page(looked, url)
    recipe = _load(text, target)
    item = next(iter(recipe.items))
    text += f"exports:\n  - {flow({'name': target.stem, 'item': item, 'format': 'csv'})}\n"
    return _with_tests(text, target, looked)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    """What every child says."""

    name: str
    extends: str
    url: str

    def text(self, given: Mapping[str, str]) -> str:
        """The recipe's first lines."""
        lines = [
            "schema_version: 1",
            f"name: {scalar(self.name)}",
            'version: "0.1.0"',
            f"description: {quoted(f'Made from {self.url}: look at its rows before you rely on them')}",
            f"extends: {self.extends}",
        ]
        if given:
            lines += ["inputs:", *(f"  {key}: {flow({'default': value})}" for key, value in given.items())]
        return "\n".join(lines) + "\n"


def _loaded(text: str, target: Path) -> tuple[Recipe, bool]:
    """The child as it is, or, of a parent that leaves its page type open, with a stand-in; and whether it has one."""
    try:
        return load_recipe_text(text, name=str(target), path=target), False
    except RecipeError as error:
        with suppress(RecipeError):
            return load_recipe_text(text + _STAND_IN, name=str(target), path=target), True
        raise CommandFailed(_first_problem(error.problems)) from error


def _load(text: str, target: Path) -> Recipe:
    try:
        return load_recipe_text(text, name=str(target), path=target)
    except RecipeError as error:
        raise CommandFailed(_first_problem(error.problems)) from error


def _first_problem(problems: Iterable[Problem]) -> str:
    problem = next(iter(problems))
    return f"{problem.path}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")


def _address_input(recipe: Recipe, extends: str) -> str:
    """The input that says where the site is."""
    addresses = [name for name, spec in recipe.inputs.fields.items() if spec.format == "uri"]
    needed = [name for name in addresses if recipe.inputs.fields[name].default is MISSING]
    if not addresses:
        raise CommandFailed(f"{extends} has no input for an address (`format: uri`): write the recipe by hand")
    return (needed or addresses)[0]


def _begin(recipe: Recipe, key: str, url: str) -> str:
    """What of the URL the parent wants: the page itself, or the site, below which it knows where to begin."""
    parts = urlsplit(url)
    try:
        begins = [request.url for request in start_requests(recipe, recipe.inputs.resolve({key: _PROBE}))]
    except InputError:
        begins = []
    if _PROBE not in begins:
        return f"{parts.scheme}://{parts.netloc}"
    if any(start.sitemap is not None for start in recipe.start) and parts.path in ("", "/"):
        return urljoin(url, "/robots.txt")
    return url


def _own_page(looked: list[Looked], url: str) -> str:
    """The page type that the parent leaves open, as the pages show it."""
    samples = []
    for one in looked[:_WITH_ROWS]:
        try:
            samples.append(sample_of(one.input))
        except PageError as error:
            console.note(f"left out {error}")
    if not samples:
        raise CommandFailed(f"{url}: it leads to no page of which fields could be proposed")
    fields, told = item_fields(samples)
    if not fields:
        raise CommandFailed(f"{samples[0].input.url}: found nothing that could be a field")
    priced = any(one.name == "price" for one in fields)
    draft = Draft(
        name="",
        url=url,
        item="product" if priced else "article",
        sources=told.sources,
        fields=fields,
        required=frozenset(one.name for one in fields if one.name == "name" and MISSING not in one.values),
    )
    return "\n".join(page_lines(draft, page="page")) + "\n"


def _with_tests(text: str, target: Path, looked: list[Looked]) -> Extended:
    """The recipe with a test of each page that gives something, one for each page type that gives links."""
    recipe = _load(text, target)
    snapshots: dict[str, bytes] = {}
    kept: list[Looked] = []
    lists: set[str] = set()
    for one in looked:
        found = diagnose(recipe, one.input)  # the page type may have fields by now
        result = found.result
        if result is None or result.outcome != "ok" or result.rejects:
            continue
        if not result.rows and (found.page in lists or not (result.requests or result.next)):
            continue
        lists |= set() if result.rows else {found.page}
        name = snapshot_name(one.input.url, found.page, found.kind)
        if name in snapshots:
            continue
        snapshots[name] = one.input.body
        kept.append(Looked(input=one.input, found=found))
        text = with_test(text, test_entry(recipe, one.input, result, snapshot=name, inputs={}))
    return Extended(text=text, snapshots=snapshots, looked=tuple(kept))


def show(made: Extended) -> None:
    """What the recipe finds on the pages that were looked at."""
    to = console.out()
    rows = [row for one in made.looked if one.found.result is not None for row in one.found.result.rows]
    for one in made.looked:
        result = one.found.result
        if result is not None and result.requests:
            console.line(to, (f"{one.found.page:<12}", "bold"), f"{console.plural(len(result.requests), 'link')}")
    if not rows:
        console.line(to, ("no rows ", "yellow"), "on the pages that were looked at; try others with `recipe try`")
        return
    names = list(dict.fromkeys(name for row in rows for name, value in row.values.items() if not is_missing(value)))
    left = max(map(len, names))
    console.line(to, "")
    for name in names:
        values = [value for row in rows if not is_missing(value := row.values.get(name, MISSING))]
        about = f"  in {len(values)} of {len(rows)}" if len(rows) > 1 else ""
        console.line(to, (f"  {name:<{left}}  ", "bold"), console.shown(values[0], 60), (about, "dim"))
