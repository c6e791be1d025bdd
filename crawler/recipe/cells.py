"""The short way to a field: rules that are one CSS selector, or begin with one, read from lexbor's tree.

Most fields of most pages are such rules, and most of them find what they look for. For these the way is laid when a
recipe is loaded, and asks nothing on a page that is known before. Whatever is not usual (a step that fails, a choice
that another alternative wins, a default) is left to `rules`, which begins anew: what a rule means is said there.
"""

from __future__ import annotations

import enum
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, cast

from msgspec import Struct

from crawler.recipe.css_lexbor import finder, shareable, sharing_finder
from crawler.recipe.model import AnyOf, QuerySource, Take
from crawler.recipe.queries import CssQuery, JmesQuery, QueryError, XPathQuery
from crawler.recipe.source_text import source_text
from crawler.recipe.steps import StepFailed, run_steps
from crawler.recipe.text import attribute_of, own_text
from crawler.recipe.tree_scope import MAX_CHARACTERS
from crawler.recipe.values import MISSING, Value, is_missing
from crawler.recipe.xpath import needs_second_tree
from crawler.recipe.xpath_walks import written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from selectolax.lexbor import LexborNode

    from crawler.recipe.css_lexbor import Columns
    from crawler.recipe.css_tree import Complex, CssPart
    from crawler.recipe.documents import Document, Scope
    from crawler.recipe.html_document import HtmlScope
    from crawler.recipe.model import PageInput, RuleNode
    from crawler.recipe.queries import Query
    from crawler.recipe.steps import Step
    from crawler.recipe.xpath_direct import DirectXPath, Find
    from crawler.recipe.xpath_forms import Trail


class Ask(enum.Enum):
    """The type of `ASK`; an enum so that type checkers can narrow on `is ASK`."""

    ASK = "ask"


#: Selectors that go back more often are slow enough on a hostile page without being tried twice.
_MOST_BACKTRACKS: Final = 4

#: Texts that have more characters together are left to `rules`, which bounds them and has to read them again.
_SOON: Final = MAX_CHARACTERS // 8

_NUMBERS: Final = frozenset({int, bool, Decimal})

#: The short way does not lead to the value: ask `rules`.
ASK: Final = Ask.ASK


class CellPage(Protocol):
    """What cells need of the page that they are read on."""

    @property
    def stats(self) -> Counter[str]:
        """Its counters."""

    @property
    def document(self) -> Document:
        """What it was parsed into."""

    @property
    def input(self) -> PageInput:
        """What it came with."""


#: The scope and its element, the rows that it is one of (None: it is the whole page), the page and the field's path in
#: counters; to its value, MISSING or ASK. MISSING is said only where no selector matched anything, and then nothing was
#: counted.
Read: TypeAlias = "Callable[[Scope, LexborNode, Columns | None, CellPage, str], Value]"


class Cell(Struct, frozen=True, kw_only=True):
    """A field of a row. `read` is None where there is no short way; `gap` says why a field is missing that has one."""

    name: str
    rule: RuleNode
    read: Read | None
    gap: str = ""
    moves: bool = False  # to lxml's tree, where that differs
    pick: Callable[[Value], Value] | None = None  # of a JSON value, or ASK


def cells_of(fields: Mapping[str, RuleNode], later: Collection[str]) -> tuple[Cell, ...]:
    """The fields of a row that its page gives, in their order."""
    rules = {name: rule for name, rule in fields.items() if name not in later}
    shared = _shared(take for rule in rules.values() for take in _takes(rule))
    return tuple(_cell(name, rule, shared) for name, rule in rules.items())


def _takes(rule: RuleNode) -> list[Take]:
    return [take for take in (rule.members if isinstance(rule, AnyOf) else (rule,)) if isinstance(take, Take)]


def _shared(takes: Iterable[Take]) -> frozenset[str]:
    """What several of these look for in a page: whole selectors, and what stands before a blank in them."""
    wanted = Counter(
        text
        for take in takes
        if isinstance(take.source, QuerySource) and (selector := _selector_of(take.source.query)) is not None
        for text in shareable(selector)
    )
    return frozenset(text for text, count in wanted.items() if count > 1)


def _selector_of(query: Query) -> Complex | None:
    """The selector that a query is looked for by in the whole page."""
    if isinstance(query, XPathQuery):
        return None if query.direct is None else query.direct.page_selector
    return query.parts[0].selector if isinstance(query, CssQuery) and len(query.parts) == 1 else None


def _cell(name: str, rule: RuleNode, shared: frozenset[str]) -> Cell:
    takes = _takes(rule)
    read = _read(rule, shared)
    if read is None:
        return Cell(name=name, rule=rule, read=None, pick=_pick(rule))
    moves = any(isinstance(take.source, QuerySource) and needs_second_tree(take.source.query) for take in takes)
    return Cell(name=name, rule=rule, read=read, gap=f"{source_text(takes[-1])} matches nothing", moves=moves)


def _pick(rule: RuleNode) -> Callable[[Value], Value] | None:
    """The short way to a text or number that stands under keys; what else may stand there is judged by `rules`."""
    if not isinstance(rule, Take) or not isinstance(rule.source, QuerySource) or not _is_bare(rule):
        return None
    query = rule.source.query
    if not isinstance(query, JmesQuery) or query.expression.keys is None or rule.all or rule.process:
        return None
    keys = query.expression.keys

    def pick(value: Value) -> Value:
        for key in keys:
            if value.__class__ is not dict:
                return ASK
            value = value.get(key)
        if value.__class__ is str:
            return value.strip() or ASK
        return value if value.__class__ in _NUMBERS else ASK

    return pick


def _is_bare(take: Take) -> bool:
    """Whether it reads the row itself, always, and as it is."""
    return not (
        take.from_ is not None
        or take.as_ == "count"
        or take.remove
        or take.when is not None
        or take.request is not None
    )


def _read(rule: RuleNode, shared: frozenset[str]) -> Read | None:
    if isinstance(rule, Take):
        return _of_take(rule, shared)
    if not isinstance(rule, AnyOf) or rule.all or rule.process or rule.when is not None or rule.default is not MISSING:
        return None
    members = [_of_take(member, shared) if isinstance(member, Take) else None for member in rule.members]
    reads = [member for member in members if member is not None]
    return _alternatives(reads) if len(reads) == len(members) > 1 else None


def _alternatives(reads: list[Read]) -> Read:
    def read(scope: Scope, node: LexborNode, rows: Columns | None, page: CellPage, path: str) -> Value:
        for index, member in enumerate(reads):
            value = member(scope, node, rows, page, path)
            if value is ASK:
                return ASK
            if value is not MISSING:
                page.stats[f"recipe/alternative/{path}/{index + 1}"] += 1
                return value
        return MISSING

    return read


def _of_take(take: Take, shared: frozenset[str]) -> Read | None:
    if not isinstance(take.source, QuerySource) or not _is_bare(take):
        return None
    query = take.source.query
    if isinstance(query, XPathQuery):
        return _of_xpath(query, take) if query.direct is None else _of_direct(query.direct, query.text, take, shared)
    if not isinstance(query, CssQuery) or len(query.parts) > 1:
        return None
    selector = query.parts[0].selector
    is_slow = selector.costly or selector.counts_some or selector.backtracks > _MOST_BACKTRACKS
    return None if is_slow else _of_css(query, take, shared)


def _of_direct(direct: DirectXPath, text: str, take: Take, shared: frozenset[str]) -> Read:
    if direct.plain is not None:
        return _of_plain(direct, text, direct.plain, take, shared)
    markup = _html_of if take.as_ == "html" else None
    nothing = MISSING if take.default is MISSING else ASK
    finish = _finished(take)

    def read(scope: Scope, _node: LexborNode, rows: Columns | None, page: CellPage, path: str) -> Value:
        html = cast("HtmlScope", scope)
        try:
            results = direct.results(html.at(text, rows))
        except QueryError:
            return ASK
        if not results:
            return nothing
        one = markup or html.document.visible_text
        found = _within_bounds(value for each in results if (value := each if isinstance(each, str) else one(each)))
        if found is None:
            return ASK
        return finish(found, page, path) if found else nothing

    return read


def _of_plain(direct: DirectXPath, text: str, plain: tuple[Find, Trail], take: Take, shared: frozenset[str]) -> Read:
    """As CSS, which such a path is; but its texts are read one by one."""
    find, trail = plain
    one, name = _html_of if take.as_ == "html" else None, trail.attribute
    if trail.gives == "attribute":
        one = lambda node: written(node.attributes.get(name)).strip()  # noqa: E731
    elif trail.gives == "text":
        one = _only_text
    chosen = _every if take.all else _first
    finish, finish_each = _ending(take), _finished(take)
    nothing = MISSING if take.default is MISSING else ASK
    of_text = trail.gives == "text"
    find_in_page = None if direct.page_selector is None else sharing_finder(direct.page_selector, shared)

    def read(scope: Scope, node: LexborNode, rows: Columns | None, page: CellPage, path: str) -> Value:
        html = cast("HtmlScope", scope)
        document = html.document
        nodes = (
            find(node, document.top, rows)
            if find_in_page is None
            else find_in_page(document.top, document.found_from_top)
        )
        if not nodes:
            return nothing
        if of_text and not all(map(_holds_one, nodes)):
            try:
                found = direct.results(html.at(text, rows))
            except QueryError:
                return ASK
            return finish_each(found, page, path) if found else nothing
        return finish(chosen(nodes, one or document.visible_text), page, path)

    return read


def _holds_one(node: LexborNode) -> bool:
    child = node.first_child
    return child is not None and child.next is None


def _only_text(node: LexborNode) -> str:
    child = node.first_child
    return written(child.text_content).strip() if child is not None and child.is_text_node else ""


def _of_xpath(query: XPathQuery, take: Take) -> Read:
    as_: Literal["text", "html"] = "html" if take.as_ == "html" else "text"
    nothing = MISSING if take.default is MISSING else ASK
    finish = _finished(take)

    def read(scope: Scope, _node: LexborNode, _rows: Columns | None, page: CellPage, path: str) -> Value:
        try:
            found = [value for value in scope.values(query, as_=as_) if value]
        except QueryError:
            return ASK
        return finish(found, page, path) if found else nothing

    return read


def _finished(take: Take) -> Callable[[list[Value], CellPage, str], Value]:
    """What makes the value of texts, none of which is empty."""
    every, process = take.all, _chain(take.process)

    def finish(found: list[Value], page: CellPage, path: str) -> Value:
        value = found if every else found[0]
        if process is not None:
            try:
                value = process(value, page)
            except StepFailed:
                return ASK
            if value is MISSING:
                return ASK
        if not every and len(found) > 1 and any(text != found[0] for text in found):
            page.stats[f"recipe/ambiguous/{path}"] += 1
        return value

    return finish


def _of_css(query: CssQuery, take: Take, shared: frozenset[str]) -> Read:
    part = query.parts[0]
    selector = part.selector
    in_page, in_row = sharing_finder(selector, shared), finder(selector, row=True)
    nothing = MISSING if take.default is MISSING else ASK
    fixed = _text_of(part, take)
    chosen, every, of_nodes = _every if take.all else _first, take.all, part.kind == "texts"
    finish = _ending(take)
    is_plain = not (take.all or take.process or part.kind == "texts")

    def read(scope: Scope, node: LexborNode, rows: Columns | None, page: CellPage, path: str) -> Value:
        document = cast("HtmlScope", scope).document
        if rows is None:
            nodes = in_page(node, document.found)
        else:
            column = rows.find(selector, node)
            nodes = in_row(node) if column is None else column
        if not nodes:
            return nothing
        if of_nodes:
            return finish(_texts(nodes, document.text_nodes, every=every), page, path)
        one = fixed or document.visible_text
        if is_plain and len(nodes) == 1:  # as most fields are: nothing is chosen, made or counted
            return one(nodes[0]) or nothing
        return finish(chosen(nodes, one), page, path)

    return read


def _ending(take: Take) -> Callable[[tuple[Value, bool], CellPage, str], Value]:
    """What makes the value of the one that was chosen, and counts it where there was a choice."""
    nothing = MISSING if take.default is MISSING else ASK
    process = _chain(take.process)

    def finish(choice: tuple[Value, bool], page: CellPage, path: str) -> Value:
        value, ambiguous = choice
        if value is MISSING:
            return nothing
        if value is ASK:
            return ASK
        if process is not None:
            try:
                value = process(value, page)
            except StepFailed:
                return ASK
            if value is MISSING:
                return ASK
        if ambiguous:
            page.stats[f"recipe/ambiguous/{path}"] += 1
        return value

    return finish


def _chain(steps: tuple[Step, ...]) -> Callable[[Value, CellPage], Value] | None:
    """What steps make of a value that is not missing; None without steps. Raises StepFailed."""
    if not steps:
        return None

    def several(value: Value, page: CellPage) -> Value:
        return run_steps(steps, value, base_url=page.document.base_url, now=page.input.answered_at)

    if len(steps) > 1 or steps[0].takes == "list" or steps[0].run_at is not None:
        return several
    run = steps[0].run

    def one(value: Value, page: CellPage) -> Value:
        if isinstance(value, list):
            return several(value, page)
        result = run(value, page.document.base_url)
        return MISSING if is_missing(result) else result

    return one


# What is chosen of elements, with what reads one: the value, and whether there was a choice. ASK: their texts are long
# together, see `bounded`.


def _texts(nodes: Sequence[LexborNode], each: Callable[[LexborNode], list[str]], *, every: bool) -> tuple[Value, bool]:
    found = _within_bounds(text for node in nodes for text in each(node))
    if not found:
        return (ASK if found is None else MISSING), False
    return (found, False) if every else (found[0], any(text != found[0] for text in found))


def _every(nodes: Sequence[LexborNode], one: Callable[[LexborNode], str]) -> tuple[Value, bool]:
    found: list[Value] = []
    characters = 0
    for node in nodes:
        if text := one(node):
            characters += len(text)
            if characters > _SOON:
                return ASK, False
            found.append(text)
    return found or MISSING, False


def _first(nodes: Sequence[LexborNode], one: Callable[[LexborNode], str]) -> tuple[Value, bool]:
    if len(nodes) == 1:  # as most are: it has nothing to choose from, and no more text than the page
        return one(nodes[0]) or MISSING, False
    chosen, ambiguous, characters = "", False, 0
    for node in nodes:
        text = one(node)
        characters += len(text)
        if characters > _SOON:
            return ASK, False
        if not chosen:
            chosen = text
        elif text and text != chosen:
            ambiguous = True
    return chosen or MISSING, ambiguous


def _within_bounds(texts: Iterable[str]) -> list[Value] | None:
    """All of them; None if they are long together."""
    found: list[Value] = []
    characters = 0
    for text in texts:
        characters += len(text)
        if characters > _SOON:
            return None
        found.append(text)
    return found


def _text_of(part: CssPart, take: Take) -> Callable[[LexborNode], str] | None:
    """What is read of one element; "" for nothing. None: what its page takes for its visible text."""
    if part.kind == "own_text":
        return lambda node: own_text(node).strip()
    if part.kind == "attr":
        name = part.attribute
        return lambda node: (attribute_of(node, name) or "").strip()
    if take.as_ == "html":
        return _html_of
    return None


def _html_of(node: LexborNode) -> str:
    return (node.html or "").strip()
