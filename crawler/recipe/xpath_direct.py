"""XPath of the common forms on lexbor's own tree, with the results that libxml2 gives on a tree like it.

Steps that name elements and their attributes are compiled into one selector, which lexbor finds; what else stands in
brackets is looked at here, element by element. Work is counted: nothing is done twice for each element, and an
expression that would look at too much on a hostile page is given up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from crawler.recipe.css import compile_css
from crawler.recipe.css_lexbor import ENGINE, finder
from crawler.recipe.css_match import select
from crawler.recipe.query_error import QueryError
from crawler.recipe.xpath_forms import (
    Both,
    Either,
    Equal,
    Exists,
    Filled,
    Holds,
    Negated,
    Place,
    Text,
    Trail,
    coarse_css_of,
    css_of,
)
from crawler.recipe.xpath_walks import WALKS, At, Item, child_texts, deep_texts, outermost, text_in, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selectolax.lexbor import LexborNode

    from crawler.recipe.css_lexbor import Columns
    from crawler.recipe.css_tree import Complex
    from crawler.recipe.xpath_forms import Form, Hop, Test

#: Selectors that go back more often take long on a hostile page.
_MOST_BACKTRACKS: Final = 3

#: Blanks of XPath.
_BLANKS: Final = " \t\r\n"
_BLANK_RUN = re.compile(r"[ \t\r\n]+")


class _NotDirect(Exception):
    """The form is one that libxml2 has to evaluate."""


_Holding: TypeAlias = "Callable[[Item, At], bool]"
_Strings: TypeAlias = "Callable[[Item, At], list[str]]"
_String: TypeAlias = "Callable[[Item, At], str]"


class DirectXPath:
    """An expression compiled for lexbor's tree."""

    __slots__ = ("_string", "_ways")

    def __init__(self, form: Form) -> None:
        """Raises _NotDirect."""
        self._string = _string_of(form, whole=True) if isinstance(form, Text) else None
        self._ways = () if isinstance(form, Text) else tuple(_Way(trail) for trail in form)

    @property
    def plain(self) -> tuple[Find, Trail] | None:
        """What finds the elements and the path, if it is one path that says no more than CSS can."""
        if len(self._ways) != 1 or (find := self._ways[0].selector_alone) is None:
            return None
        return find, self._ways[0].trail

    @property
    def page_selector(self) -> Complex | None:
        """What finds its elements in the whole page, if there is nothing to it but that."""
        return self._ways[0].page_selector if self.plain is not None else None

    def results(self, at: At) -> list[Item]:
        """Elements, and texts with their ends stripped, in document order. Empty texts are no results.

        Raises:
            QueryFailed: it would take too long.
        """
        if self._string is not None:
            text = self._string(at.node, at).strip()
            return [text] if text else []
        if len(self._ways) == 1:
            return _filled(self._ways[0].items(at.node, at))
        return _filled(_merged(self._ways, at.node, at))


def direct_of(form: Form | None) -> DirectXPath | None:
    """The form compiled; None where libxml2 has to evaluate it."""
    if form is None:
        return None
    try:
        return DirectXPath(form)
    except (_NotDirect, QueryError):
        return None


def _filled(items: Sequence[Item]) -> list[Item]:
    return [
        item
        for item in (item.strip() if isinstance(item, str) else item for item in items)
        if not isinstance(item, str) or item
    ]


# --- paths ------------------------------------------------------------------------------------------------------------


class _Way:
    """A path. `nodes` are the elements that it leads to or through, `read` is what it gives of them."""

    __slots__ = ("_brackets", "_filters", "_find", "_hops", "_start", "page_selector", "trail")

    def __init__(self, trail: Trail, *, inside: bool = False, one_is_enough: bool = False) -> None:
        """`inside` a predicate it may not look for anything below. Raises _NotDirect."""
        self.trail = trail
        self._start = tuple(_Way(start) for start in trail.start)
        hops = list(trail.hops)
        self._find: Find | None = None
        self.page_selector: Complex | None = None  # set where that is what `_find` looks for, in the whole page
        self._filters: _Brackets = ()
        if hops and hops[0].axis == "descendant" and trail.origin != "root" and not trail.start:
            selector, text, brackets, hops = _first_of(hops)
            self._filters = tuple(_bracket(bracket) for bracket in brackets)
            if trail.origin == "document":
                self._find, self.page_selector = _from_document(selector), selector
            else:
                self._find = _from_node(selector, text, trail.hops[0].name)
        elif trail.origin == "document" and not trail.anywhere:
            raise _NotDirect
        self._hops = tuple(_hop(hop, one_is_enough=one_is_enough and hop is hops[-1]) for hop in hops)
        if inside and (self._find is not None or trail.anywhere or any(hop.axis == "descendant" for hop in hops)):
            raise _NotDirect
        self._brackets = tuple(_bracket(bracket, of_text=True) for bracket in trail.brackets)

    def items(self, node: LexborNode, at: At) -> Sequence[Item]:
        """What the path gives, in document order."""
        nodes = self.nodes(node, at)
        return nodes if self.trail.gives == "element" else self.read(nodes, at)

    @property
    def selector_alone(self) -> Find | None:
        """What finds the elements, if there is nothing to it but a selector."""
        trail = self.trail
        return None if self._filters or self._hops or trail.brackets or trail.anywhere else self._find

    def nodes(self, node: LexborNode, at: At) -> Sequence[LexborNode]:
        trail = self.trail
        if self._start:
            nodes = self._started(node, at)
        elif self._find is not None:
            nodes = _among_siblings(self._find(node, at.whole.top, at.rows), self._filters, at)
        else:
            nodes = [node if trail.origin == "here" else at.whole.top]
        for hop in self._hops:
            if not nodes:
                return nodes
            nodes = hop(nodes, at)
        if trail.anywhere and trail.gives == "attribute":
            nodes = [found for root in outermost(nodes, at) for found in root.css(f"[{trail.attribute}]")]
        return nodes

    def _started(self, node: LexborNode, at: At) -> Sequence[LexborNode]:
        place = self.trail.place
        if place is None:
            raise AssertionError("round brackets are followed by square ones")
        [*ways] = self._start
        found = ways[0].nodes(node, at) if len(ways) == 1 else cast("list[LexborNode]", _merged(ways, node, at))
        last = len(found)
        return [each for number, each in enumerate(found, 1) if place.holds(number, last)]

    def read(self, nodes: Sequence[LexborNode], at: At) -> list[str]:
        """The attributes or texts of the elements that it leads to."""
        trail = self.trail
        if trail.gives == "attribute":
            name = trail.attribute
            return [written(attributes[name]) for node in nodes if name in (attributes := node.attributes)]
        if trail.anywhere:
            found = [text for _, text in deep_texts(nodes, at)]
            return [text for text in found if all(holds(text, at) for holds, _ in self._brackets)]
        kept: list[tuple[int, str]] = []
        for node in nodes:
            texts = child_texts(node, at)
            for holds, place in self._brackets:
                if place is None:
                    texts = [each for each in texts if holds(each[1], at)]
                else:
                    last = len(texts)
                    texts = [each for number, each in enumerate(texts, 1) if place.holds(number, last)]
            kept += texts
        if len(nodes) > 1 and len(kept) > 1 and len(apart := outermost(nodes, at)) < len(nodes):
            known = dict(kept)  # those of elements inside stand between those of the ones around them
            return [known[address] for address, _ in deep_texts(apart, at) if address in known]
        return [text for _, text in kept]


def _merged(ways: Iterable[_Way], node: LexborNode, at: At) -> list[Item]:
    """What several paths give, in document order, each once."""
    found: dict[tuple[int, int], Item] = {}
    for way in ways:
        for each in way.nodes(node, at):
            at.spend(1)
            if way.trail.gives == "element":
                found[at.whole.ordinal(each), -1] = each
            elif way.trail.attribute in (attributes := each.attributes):
                number = list(attributes).index(way.trail.attribute)
                found[at.whole.ordinal(each), number] = written(attributes[way.trail.attribute])
    return [found[key] for key in sorted(found)]


#: What the leading steps lead to, from an element of a page with that root, and the rows that the element is one of.
Find: TypeAlias = "Callable[[LexborNode, LexborNode, Columns | None], Sequence[LexborNode]]"


def _first_of(hops: list[Hop]) -> tuple[Complex, str, tuple[Test | Place, ...], list[Hop]]:
    """One selector for the first steps, as text too, the brackets it leaves open, and the steps that are left."""
    texts: list[str] = []
    rest: tuple[Test | Place, ...] = ()
    taken = 0
    for hop in hops:
        if hop.axis not in ("descendant", "child") or rest:
            break
        compound, rest = _compound(hop)
        texts += [">"] if hop.axis == "child" else []
        texts.append(compound)
        taken += 1
    text = " ".join(texts)
    selector = compile_css(text).parts[0].selector
    if selector.backtracks > _MOST_BACKTRACKS or texts.count("*") > 1:
        raise _NotDirect  # lexbor would have to go back on a hostile page
    return selector, text, rest, hops[taken:]


def _compound(hop: Hop) -> tuple[str, tuple[Test | Place, ...]]:
    """A compound selector for a step, and the brackets that it does not say, or not exactly."""
    text = "" if hop.name == "*" else hop.name
    for number, bracket in enumerate(hop.brackets):
        css = None if isinstance(bracket, Place) else css_of(bracket)
        if css is None:
            if not isinstance(bracket, Place):
                text += coarse_css_of(bracket)
            return text or "*", hop.brackets[number:]
        text += css
    return text or "*", ()


def _from_document(selector: Complex) -> Find:
    find = finder(selector, row=False)
    return lambda _node, top, _rows: find(top)


def _from_node(selector: Complex, text: str, first: str) -> Find:
    """As CSS in a row, for which the row itself may be the first of the elements; for XPath it may not."""
    in_page, in_row = (finder(selector, row=row) for row in (False, True))
    single = len(selector.compounds) == 1
    anchored = compile_css(f":scope {text}", row=True).parts[0].selector

    def find(node: LexborNode, top: LexborNode, rows: Columns | None) -> Sequence[LexborNode]:
        if not single and first in ("*", node.tag):
            return select(ENGINE, anchored, node)
        found = None if rows is None else rows.find(selector, node)
        if found is None:
            found = in_page(node) if node.mem_id == top.mem_id else in_row(node)
        if single and found and found[0].mem_id == node.mem_id:
            return found[1:]
        return found

    return find


# --- steps ------------------------------------------------------------------------------------------------------------

_Brackets: TypeAlias = "tuple[tuple[_Holding, Place | None], ...]"


def _bracket(bracket: Test | Place, *, of_text: bool = False) -> tuple[_Holding, Place | None]:
    if isinstance(bracket, Place):
        return (lambda _item, _at: True), bracket
    return _test_of(bracket, of_text=of_text), None


def _among_siblings(nodes: Sequence[LexborNode], brackets: _Brackets, at: At) -> Sequence[LexborNode]:
    """The elements for which the brackets hold. Places are counted among those with the same parent, all of them."""
    for holds, place in brackets:
        at.spend(len(nodes))
        if place is None:
            nodes = [node for node in nodes if holds(node, at)]
            continue
        parents = [0 if (parent := node.parent) is None else parent.mem_id for node in nodes]
        last: dict[int, int] = {}
        numbers = []
        for parent_id in parents:
            number = last[parent_id] = last.get(parent_id, 0) + 1
            numbers.append(number)
        nodes = [
            node
            for node, number, parent_id in zip(nodes, numbers, parents, strict=True)
            if place.holds(number, last[parent_id])
        ]
    return nodes


_Move: TypeAlias = "Callable[[Sequence[LexborNode], At], Sequence[LexborNode]]"


def _hop(hop: Hop, *, one_is_enough: bool = False) -> _Move:
    """A step from elements, which are in document order, to others."""
    if hop.axis == "descendant":
        return _downwards(hop)
    walk, backwards = WALKS[hop.axis], hop.axis in ("ancestor", "preceding-sibling")
    name, brackets = hop.name, tuple(_bracket(bracket) for bracket in hop.brackets)
    most = brackets[0][1].most if brackets and brackets[0][1] is not None else int(one_is_enough and not brackets)
    counts = any(place is not None for _, place in brackets)

    def from_one(node: LexborNode, at: At) -> list[LexborNode]:
        found = walk(node, at, name, most)
        for holds, place in brackets:
            if place is None:
                found = [each for each in found if holds(each, at)]
            else:
                last = len(found)
                found = [each for number, each in enumerate(found, 1) if place.holds(number, last)]
        return found[::-1] if backwards else found

    def move(nodes: Sequence[LexborNode], at: At) -> Sequence[LexborNode]:
        if len(nodes) == 1:
            return from_one(nodes[0], at)
        if not counts and hop.axis in ("following-sibling", "preceding-sibling"):
            # Of those with the same parent the first one has what all of them have after them.
            ends = {parent.mem_id: node for node in nodes[:: -1 if not backwards else 1] if (parent := node.parent)}
            nodes = list(ends.values())
        found = {each.mem_id: each for node in nodes for each in from_one(node, at)}
        return sorted(found.values(), key=at.whole.ordinal) if len(found) > 1 else list(found.values())

    return move


def _downwards(hop: Hop) -> _Move:
    compound, rest = _compound(hop)
    css = compile_css(compound).parts[0].selector.native or "*"
    brackets = tuple(_bracket(bracket) for bracket in rest)

    def move(nodes: Sequence[LexborNode], at: At) -> Sequence[LexborNode]:
        found: list[LexborNode] = []
        for root in outermost(nodes, at):
            below = root.css(css)
            at.spend(1 + len(below))
            found += below[1:] if below and below[0].mem_id == root.mem_id else below
        return _among_siblings(found, brackets, at)

    return move


# --- brackets and functions -------------------------------------------------------------------------------------------


def _test_of(test: Test, *, of_text: bool) -> _Holding:
    match test:
        case Both(members=members):
            every = [_test_of(member, of_text=of_text) for member in members]
            return lambda item, at: all(holds(item, at) for holds in every)
        case Either(members=members):
            some = [_test_of(member, of_text=of_text) for member in members]
            return lambda item, at: any(holds(item, at) for holds in some)
        case Negated(member=member):
            inner = _test_of(member, of_text=of_text)
            return lambda item, at: not inner(item, at)
        case Exists(path=path):
            return _existence(path, of_text=of_text)
        case Filled(text=text):
            read = _string_of(text, of_text=of_text)
            return lambda item, at: read(item, at) != ""
        case Equal():
            return _equality(test, of_text=of_text)
        case Holds(of=of, text=wanted, begins=begins):
            source = _string_of(of, of_text=of_text)
            if begins:
                return lambda item, at: source(item, at).startswith(wanted)
            return lambda item, at: wanted in source(item, at)


def _equality(test: Equal, *, of_text: bool) -> _Holding:
    wanted, same = test.text, test.same
    if isinstance(test.of, Text):
        read = _string_of(test.of, of_text=of_text)
        return lambda item, at: (read(item, at) == wanted) == same
    strings = _strings_of(test.of, of_text=of_text)
    return lambda item, at: any((string == wanted) == same for string in strings(item, at))


def _existence(path: Trail, *, of_text: bool) -> _Holding:
    hops = path.hops
    if not of_text and len(hops) == 1 and hops[0].axis == "descendant" and path.gives == "element":
        compound, rest = _compound(hops[0])
        if not rest:
            return _holding_one(compile_css(compound).parts[0].selector.native or "*")
    strings = _strings_of(path, of_text=of_text) if of_text or path.gives != "element" else None
    if strings is not None:
        found = strings
        return lambda item, at: bool(found(item, at))
    way = _Way(path, inside=True, one_is_enough=True)
    return lambda item, at: not isinstance(item, str) and bool(way.nodes(item, at))


def _holding_one(css: str) -> _Holding:
    """Whether an element has one inside that the selector finds. It is looked for once, in the whole page."""

    def holds(item: Item, at: At) -> bool:
        if at.inside is None:
            at.inside = {}
        inside = at.inside.get(css)
        if inside is None:
            inside = at.inside[css] = set()
            for node in at.whole.top.css(css):
                at.spend(1)
                above = node.parent
                while above is not None and above.mem_id not in inside:
                    inside.add(above.mem_id)
                    above = above.parent
        return not isinstance(item, str) and item.mem_id in inside

    return holds


def _strings_of(path: Trail, *, of_text: bool, whole: bool = False) -> _Strings:
    """The string values of the nodes that a path leads to. `whole`: outside of brackets, where it may go anywhere."""
    is_plain = not path.hops and not path.start and path.origin == "here" and not path.anywhere
    if path.gives == "element" and is_plain:
        return lambda item, at: [text_in(item, at)]
    if of_text:
        raise _NotDirect
    if path.gives == "attribute" and is_plain:
        name = path.attribute

        def attribute(item: Item, _at: At) -> list[str]:
            attributes = {} if isinstance(item, str) else item.attributes
            return [written(attributes[name])] if name in attributes else []

        return attribute
    way = _Way(path, inside=not whole)
    return lambda item, at: [text_in(each, at) for each in ([] if isinstance(item, str) else way.items(item, at))]


def _string_of(text: Text, *, of_text: bool = False, whole: bool = False) -> _String:
    """A function that gives text."""
    arguments = [_argument(argument, of_text=of_text, whole=whole) for argument in text.arguments]
    first = arguments[0]
    match text.function:
        case "string":
            return first
        case "normalize-space":
            return lambda item, at: _BLANK_RUN.sub(" ", first(item, at).strip(_BLANKS))
        case "concat":
            return lambda item, at: "".join([argument(item, at) for argument in arguments])
        case "substring-before":
            return lambda item, at: _parts(first(item, at), arguments[1](item, at))[0]
        case "substring-after":
            return lambda item, at: _parts(first(item, at), arguments[1](item, at))[1]


def _parts(text: str, cut: str) -> tuple[str, str]:
    """What stands before and after the first place of `cut`; nothing where it is nowhere."""
    if not cut:
        return "", text
    before, found, after = text.partition(cut)
    return (before, after) if found else ("", "")


def _argument(argument: Trail | Text | str, *, of_text: bool, whole: bool) -> _String:
    if isinstance(argument, str):
        return lambda _item, _at: argument
    if isinstance(argument, Text):
        return _string_of(argument, of_text=of_text, whole=whole)
    if argument.gives == "element" and (argument.hops or argument.start) and not of_text:
        way = _Way(argument, inside=not whole)

        def first_element(item: Item, at: At) -> str:
            nodes = () if isinstance(item, str) else way.nodes(item, at)
            return text_in(nodes[0], at) if nodes else ""

        return first_element
    strings = _strings_of(argument, of_text=of_text, whole=whole)
    return lambda item, at: next(iter(strings(item, at)), "")
