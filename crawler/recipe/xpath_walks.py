"""Ways through lexbor's tree as XPath goes them: along siblings, upwards, to texts. All work is counted.

What is found is in the order of the axis, and never more than it was asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from crawler.recipe.query_error import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selectolax.lexbor import LexborNode

    from crawler.recipe.css_lexbor import Columns

#: Elements and texts that one evaluation may look at, about 0.2 us each; fifty characters count like one.
MAX_VISITS: Final = 3_000_000
_CHARACTERS: Final = 50

#: An element or a text.
Item: TypeAlias = "LexborNode | str"


#: All evaluations on a page together: many rows may each go a long way.
MAX_VISITS_OF_A_PAGE: Final = 40_000_000


@dataclass(slots=True)
class Family:
    """The elements that lie directly in one, for those who ask again: rows that look at each other.

    `places` are theirs, by `mem_id`; `named` those of each name, and of all under `*`.
    """

    children: list[LexborNode]
    places: dict[int, int]
    named: dict[str, list[int]]

    @classmethod
    def of(cls, parent: LexborNode) -> Family:
        """Reads them."""
        children = [child for child in parent.iter() if child.is_element_node]
        family = cls(children, {child.mem_id: place for place, child in enumerate(children)}, {})
        family.named["*"] = list(range(len(children)))
        for place, child in enumerate(children):
            family.named.setdefault(child.tag or "", []).append(place)
        return family


class Whole(Protocol):
    """What an expression needs of the page.

    Attributes:
        families: of elements that were asked twice, by `mem_id`; None of those that were asked once.
        visits_left: to all evaluations on the page.
    """

    families: dict[int, Family | None]
    visits_left: int

    @property
    def top(self) -> LexborNode:
        """The root element."""

    @property
    def string_of(self) -> Callable[[LexborNode], str]:
        """What reads all that is written in an element."""

    def ordinal(self, node: LexborNode) -> int:
        """The number of an element in document order."""


@dataclass(slots=True)
class At:
    """Where an expression is evaluated: an element of a page, and the rows that it is one of.

    `text` is the expression, for a message. `inside` are the elements that hold what a selector finds.
    """

    node: LexborNode
    whole: Whole
    text: str
    rows: Columns | None = None
    left: int = MAX_VISITS
    inside: dict[str, set[int]] | None = None

    def spend(self, visits: int) -> None:
        """Raises QueryFailed when too much has been looked at."""
        self.left -= visits
        self.whole.visits_left -= visits
        if self.left < 0 or self.whole.visits_left < 0:
            raise QueryFailed(
                f"`xpath: {self.text}` could take seconds on this page, and is given up; begin with what is rare,"
                " such as an id or a class"
            )


def _children(node: LexborNode, at: At, name: str, most: int) -> list[LexborNode]:
    family = _family(node, at)
    if family is None:
        return _along(node.first_child, "next", at, name, most)
    places = family.named.get(name, [])
    return _members(family, places[:most] if most else places, at)


def _after(node: LexborNode, at: At, name: str, most: int) -> list[LexborNode]:
    family = _family(node.parent, at)
    if family is None:
        return _along(node.next, "next", at, name, most)
    places = family.named.get(name, [])
    start = bisect_right(places, family.places[node.mem_id])
    return _members(family, places[start : start + most] if most else places[start:], at)


def _before(node: LexborNode, at: At, name: str, most: int) -> list[LexborNode]:
    family = _family(node.parent, at)
    if family is None:
        return _along(node.prev, "prev", at, name, most)
    places = family.named.get(name, [])
    end = bisect_left(places, family.places[node.mem_id])
    return _members(family, places[max(0, end - most) if most else 0 : end][::-1], at)


def _family(parent: LexborNode | None, at: At) -> Family | None:
    """What lies in an element; None for one that is asked for the first time, since most are asked once."""
    if parent is None or not parent.is_element_node:
        return None
    families, key = at.whole.families, parent.mem_id
    if key not in families:
        families[key] = None
        return None
    family = families[key]
    if family is None:
        family = families[key] = Family.of(parent)
        at.spend(len(family.children))
    return family


def _members(family: Family, places: Sequence[int], at: At) -> list[LexborNode]:
    at.spend(1 + len(places) // 2)
    return [family.children[place] for place in places]


def _along(sibling: LexborNode | None, way: Literal["next", "prev"], at: At, name: str, most: int) -> list[LexborNode]:
    """An element and its siblings one way, those of a name; `most`: so many of them, if it is not 0."""
    found: list[LexborNode] = []
    passed = 0
    while sibling is not None:
        passed += 1
        if (sibling.tag == name) if name != "*" else sibling.is_element_node:
            found.append(sibling)
            if len(found) == most:
                break
        sibling = sibling.next if way == "next" else sibling.prev
    at.spend(1 + passed // 2)
    return found


def _parent(node: LexborNode, at: At, name: str, _most: int) -> list[LexborNode]:
    return _upwards(node.parent, at, name, 1, steps=1)


def _itself(node: LexborNode, at: At, name: str, _most: int) -> list[LexborNode]:
    return _upwards(node, at, name, 1, steps=1)


def _ancestors(node: LexborNode, at: At, name: str, most: int) -> list[LexborNode]:
    return _upwards(node.parent, at, name, most, steps=0)


def _upwards(node: LexborNode | None, at: At, name: str, most: int, *, steps: int) -> list[LexborNode]:
    """An element and those around it, those of a name; `most` of them and after so many steps, if these are not 0."""
    found: list[LexborNode] = []
    passed = 0
    while node is not None and node.is_element_node:
        passed += 1
        if name in ("*", node.tag):
            found.append(node)
            if len(found) == most:
                break
        if passed == steps:
            break
        node = node.parent
    at.spend(1 + passed)
    return found


WALKS: Final[dict[str, Callable[[LexborNode, At, str, int], list[LexborNode]]]] = {
    "child": _children,
    "parent": _parent,
    "self": _itself,
    "ancestor": _ancestors,
    "following-sibling": _after,
    "preceding-sibling": _before,
}


def outermost(nodes: Sequence[LexborNode], at: At) -> Sequence[LexborNode]:
    """Those of the elements that lie in no other of them. No way up is gone twice."""
    if len(nodes) < 2:
        return nodes
    keys = {node.mem_id for node in nodes}
    known: dict[int, bool] = {}
    found = []
    for node in nodes:
        passed = []
        above = node.parent
        lies_inside = False
        while above is not None:
            key = above.mem_id
            if key in keys:
                lies_inside = True
                break
            if key in known:
                lies_inside = known[key]
                break
            passed.append(key)
            above = above.parent
        at.spend(1 + len(passed))
        known.update(dict.fromkeys(passed, lies_inside))
        if not lies_inside:
            found.append(node)
    return found


# --- texts ------------------------------------------------------------------------------------------------------------


def child_texts(node: LexborNode, at: At) -> list[tuple[int, str]]:
    """The texts that are children of an element, each with its address."""
    child = node.first_child
    if child is not None and child.next is None:  # as most are
        at.spend(1)
        return [(child.mem_id, written(child.text_content))] if child.is_text_node else []
    children = []
    while child is not None:
        children.append(child)
        child = child.next
    return _joined(children, at)


def deep_texts(nodes: Sequence[LexborNode], at: At) -> list[tuple[int, str]]:
    """All texts in the elements, in document order, each with its address."""
    return _joined((text for root in outermost(nodes, at) for text in root.traverse(include_text=True)), at)


def _joined(nodes: Iterable[LexborNode], at: At) -> list[tuple[int, str]]:
    """The texts among the nodes; neighbours are one."""
    found: list[tuple[int, str]] = []
    for node in nodes:
        at.spend(1)
        if not node.is_text_node:
            continue
        before = node.prev
        if before is not None and before.is_text_node and found:
            found[-1] = (found[-1][0], found[-1][1] + written(node.text_content))
        else:
            found.append((node.mem_id, written(node.text_content)))
    return found


def written(text: str | None) -> str:
    """A text or value as it is in lxml's tree: libxml2 reads a carriage return (`&#13;`) as the end of a line."""
    if text is None:
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def text_in(item: Item, at: At) -> str:
    """The string value."""
    if isinstance(item, str):
        return item
    text = written(at.whole.string_of(item))
    at.spend(1 + len(text) // _CHARACTERS)
    return text
