"""What a page costs, rule by rule: which engine reads each field, and how long it takes on a page that was saved.

Processor time of this thread, the median of several rounds. Figures depend on the machine and are for comparing rules
of one recipe with each other, never for a test to hold against a limit.
"""

from __future__ import annotations

import functools
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from crawler.recipe.cells import ASK
from crawler.recipe.contract import accept
from crawler.recipe.css_lexbor import ALONE
from crawler.recipe.extract import extract_page, page_context, page_type
from crawler.recipe.model import AnyOf, NodeSource, PrecedingSource, QuerySource, Take, UnionOf
from crawler.recipe.queries import CssQuery, XPathQuery
from crawler.recipe.rules import RowScope, columns_of
from crawler.recipe.source_text import source_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crawler.recipe.cells import Cell
    from crawler.recipe.model import Page, PageInput, Recipe, RuleNode
    from crawler.recipe.rules import PageContext

#: Each figure is the median of so many runs.
ROUNDS: Final = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCost:
    """A field over all rows of a page, in microseconds."""

    name: str
    engines: tuple[str, ...]
    us: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PageCost:
    """A page, in microseconds of processor time. `whole_us` is all of it, with what has no line of its own."""

    page: str
    size_bytes: int
    rows: int
    whole_us: float
    parse_us: float  # decoded, guarded and parsed
    second_tree_us: float | None  # lxml's tree for XPath; None: the page needs none
    moved: bool  # the two trees differ, so that all rules read lxml's
    fields: tuple[FieldCost, ...]
    contract_us: float


def engines_of(rule: RuleNode, kind: str | None) -> tuple[str, ...]:
    """What reads a rule on a page of that kind, each engine once: `css on lexbor`, `xpath on lxml`, `jmespath`, ..."""
    return tuple(dict.fromkeys(_engines(rule, kind)))


def _engines(rule: RuleNode, kind: str | None) -> Iterator[str]:
    if rule.when is not None:
        yield from _engines(rule.when.rule, kind)
    if isinstance(rule, Take):
        yield from _of_take(rule, kind)
    elif isinstance(rule, AnyOf | UnionOf):
        for member in rule.members:
            yield from _engines(member, kind)
    else:
        if rule.each is not None:
            yield from _of_take(rule.each.take, kind)
        for inner in rule.fields.values():
            yield from _engines(inner, kind)


def _of_take(take: Take, kind: str | None) -> Iterator[str]:
    source = take.source
    if isinstance(source, QuerySource):
        if isinstance(source.query, XPathQuery):
            on_lxml = source.query.direct is None or (kind == "xml" and take.from_ is None)
            yield "xpath on lxml" if on_lxml else "xpath on lexbor"
        elif isinstance(source.query, CssQuery):
            yield "css on lxml" if kind == "xml" and take.from_ is None else "css on lexbor"
        else:
            yield "jmespath"
    elif isinstance(source, PrecedingSource):
        yield from _engines(source.value, kind)
    elif isinstance(source, NodeSource):
        yield source.syntax
    else:
        yield source_text(take).partition(":")[0]


def engines_of_page(page: Page) -> dict[str, list[str]]:
    """The engines that the fields and links of a page type need, each with what needs it."""
    found: dict[str, list[str]] = {}
    rules: list[tuple[str, RuleNode]] = []
    if page.rows is not None:
        if page.rows.each is not None:
            rules.append(("each", page.rows.each.take))
        rules.extend(page.rows.fields.items())
    for follow in page.follow:
        rules.extend(("follow", rule) for rule in (follow.links, *([follow.each.take] if follow.each else ())))
    if page.paginate is not None and page.paginate.link is not None:
        rules.append(("paginate", page.paginate.link))
    for name, rule in rules:
        for engine in engines_of(rule, page.parse):
            if name not in found.setdefault(engine, []):
                found[engine].append(name)
    return found


def page_cost(recipe: Recipe, page_input: PageInput, *, rounds: int = ROUNDS) -> PageCost:
    """Run a page and time its parts.

    Raises:
        PageError: as `extract_page`.
    """
    page = page_type(recipe, page_input)
    result = extract_page(recipe, page_input)
    bare = replace(page, xpath_documents=frozenset())
    context = page_context(page, page_input)
    plain = _median(lambda: page_context(bare, page_input), rounds)
    both = _median(lambda: page_context(page, page_input), rounds) if None in page.xpath_documents else None
    scopes = _scopes(page, context)
    rows = [row.values for row in result.rows]
    contract = recipe.items[page.item] if page.item is not None else None
    base_url = context.document.base_url
    return PageCost(
        page=page.name,
        size_bytes=len(page_input.body),
        rows=len(result.rows) + len(result.rejects),
        whole_us=_median(lambda: extract_page(recipe, page_input), rounds),
        parse_us=plain,
        second_tree_us=None if both is None else max(0.0, both - plain),
        moved="recipe/tree_fallback" in result.stats,
        fields=tuple(_fields(page, context, scopes, rounds)),
        contract_us=0.0
        if contract is None
        else _median(lambda: [accept(contract, row, base_url=base_url) for row in rows], rounds),
    )


def _scopes(page: Page, context: PageContext) -> list[RowScope]:
    root = RowScope(context.document.root)
    if page.rows is None:
        return []
    if page.rows.each is None:
        return [root]
    found = context.row_scopes(page.rows.each, root)
    if isinstance(found, str):
        return []
    beside = columns_of(found)
    return [RowScope(scope, beside=beside) for scope in found]


def _fields(page: Page, context: PageContext, scopes: list[RowScope], rounds: int) -> Iterator[FieldCost]:
    if page.rows is None:
        return
    for scope in scopes:  # so that templates see their row, and page sources are parsed
        context.fields(page.rows, scope)
    for cell in page.rows.cells:
        us = _median(functools.partial(_read, context, cell, scopes), rounds)
        yield FieldCost(name=cell.name, engines=engines_of(cell.rule, context.document.kind), us=us)


def _read(context: PageContext, cell: Cell, scopes: list[RowScope]) -> None:
    """A field of all rows, the way a crawl reads it."""
    for at in scopes:
        native = at.scope.native
        beside = at.beside or (ALONE if at.scope.is_row else None)
        if native is None or cell.read is None or cell.read(at.scope, native, beside, context, cell.name) is ASK:
            context.evaluate(cell.rule, at, cell.name)


def _median(run: Callable[[], object], rounds: int) -> float:
    """Microseconds of processor time."""
    took = []
    for _ in range(rounds):
        before = time.thread_time_ns()
        run()
        took.append(time.thread_time_ns() - before)
    return statistics.median(took) / 1000
