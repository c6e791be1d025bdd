"""Selectors on lexbor's tree: which of them lexbor may match as a whole, and how the others are put together.

lexbor sees what stands above a row, and backtracks; where either could matter compounds are matched one by one.
"""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Final, TypeAlias

from crawler.recipe.css_match import select
from crawler.recipe.css_tree import complex_of, css_string
from crawler.recipe.text import visible_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from selectolax.lexbor import LexborNode

    from crawler.recipe.css_match import Known
    from crawler.recipe.css_tree import Complex, Compound

#: Fewer rows are searched one by one.
_MANY_ROWS: Final = 8


class LexborEngine:
    """What selectors and table look-up need of a tree; `known`: see `css_match.Engine`."""

    def __init__(self, known: Known[LexborNode] | None = None) -> None:
        self.known = known

    def with_text(self, string: str, root: LexborNode) -> list[LexborNode]:
        """The elements in `root`, itself included, that have the string in a text node of their own."""
        return root.css(f":lexbor-contains({css_string(string)})")

    def find(self, compound: Compound, root: LexborNode) -> list[LexborNode]:
        """The elements in `root`, itself included, that match the compound's own simples; in document order."""
        return root.css(compound.lexbor)

    def key(self, node: LexborNode) -> int:
        """The address of the element."""
        return node.mem_id

    def parent(self, node: LexborNode) -> LexborNode | None:
        """The element that holds this one."""
        parent = node.parent
        return parent if parent is not None and parent.is_element_node else None

    def previous(self, node: LexborNode) -> LexborNode | None:
        """The element sibling before this one."""
        previous = node.prev
        while previous is not None and not previous.is_element_node:
            previous = previous.prev
        return previous

    def tag(self, node: LexborNode) -> str:
        """The name, in lower case."""
        return node.tag or ""

    def children(self, node: LexborNode) -> list[LexborNode]:
        """The elements inside, not below each other."""
        return list(node.iter())

    def attribute(self, node: LexborNode, name: str) -> str | None:
        """The attribute's value."""
        return node.attributes.get(name)

    def text(self, node: LexborNode) -> str:
        """Visible text."""
        return visible_text(node)


ENGINE = LexborEngine()


def finder(selector: Complex, *, row: bool) -> Callable[[LexborNode], list[LexborNode]]:
    """What finds the elements that match, in document order, in a `row` or in the whole page."""
    native = selector.native
    if native is not None and (len(selector.compounds) == 1 or (not row and selector.is_soon_found)):
        return methodcaller("css", native)
    if native is not None and set(selector.combinators) == {" "}:
        return _descent(selector)
    return lambda node: select(ENGINE, selector, node)


def _descent(selector: Complex) -> Callable[[LexborNode], list[LexborNode]]:
    """As `select`, for compounds that stand inside each other, while each but the last matches one element."""
    first, *others = (compound.lexbor for compound in selector.compounds)

    def otherwise(node: LexborNode) -> list[LexborNode]:
        return select(ENGINE, selector, node)

    return lambda node: _below(node.css(first), others, node, otherwise)


def _below(
    found: list[LexborNode],
    others: Sequence[str],
    node: LexborNode,
    otherwise: Callable[[LexborNode], list[LexborNode]],
) -> list[LexborNode]:
    """What the other compounds lead to, from what the first ones have found in the node. `otherwise`: from several."""
    for text in others:
        if len(found) != 1:
            return otherwise(node) if found else found
        [root] = found
        found = root.css(text)
        if found and found[0].mem_id == root.mem_id:
            del found[0]
    return found


#: What is known of a page: the elements that these selectors match. They are nobody's to change.
Found: TypeAlias = "dict[str, list[LexborNode]]"


def shareable(selector: Complex) -> list[str]:
    """What fields of a page may have in common with others: the selector's beginnings, the whole one last."""
    if selector.native is None:
        return []
    if set(selector.combinators) <= {" "}:
        return [_beginning(selector, count).native or "" for count in range(1, len(selector.compounds) + 1)]
    return [selector.native]


def sharing_finder(selector: Complex, shared: Collection[str]) -> Callable[[LexborNode, Found], list[LexborNode]]:
    """As `finder` in the whole page, which finds what is `shared` once and keeps it."""
    common = [text for text in shareable(selector) if text in shared]
    if not common:
        find = finder(selector, row=False)
        return lambda node, _known: find(node)
    [*shorter, text] = common
    if text != selector.native:
        count = shareable(selector).index(text) + 1
        begin = sharing_finder(_beginning(selector, count), common)
        others = [compound.lexbor for compound in selector.compounds[count:]]
        otherwise = finder(selector, row=False)
        return lambda node, known: _below(begin(node, known), others, node, otherwise)
    find_anew = sharing_finder(selector, shorter)

    def find_once(node: LexborNode, known: Found) -> list[LexborNode]:
        found = known.get(text)
        if found is None:
            found = known[text] = find_anew(node, known)
        return found

    return find_once


def _beginning(selector: Complex, count: int) -> Complex:
    return complex_of(
        selector.compounds[:count],
        selector.combinators[: count - 1],
        anchored=selector.anchored,
        prefixes=selector.prefixes[:count],
    )


class Columns:
    """Rows that stand beside each other. What a selector finds in each of them is found for all of them at once."""

    def __init__(self, rows: Sequence[LexborNode]) -> None:
        self._rows: set[int] = set()
        self._parent: LexborNode | None = None  # None: they are searched one by one
        self._around: set[int] = set()  # the parent and what is above it
        self._found: dict[str, dict[int, list[LexborNode]] | None] = {}
        parent = rows[0].parent if len(rows) >= _MANY_ROWS else None
        if parent is not None and {getattr(row.parent, "mem_id", 0) for row in rows} == {parent.mem_id}:
            self._parent = self._root = parent
            self._rows = {row.mem_id for row in rows}

    def find(self, selector: Complex, row: LexborNode) -> list[LexborNode] | None:
        """The elements in a row that match, in document order; None where rows are to be searched one by one."""
        if self._parent is None or selector.native is None:
            return None
        try:
            column = self._found[selector.native]
        except KeyError:
            column = self._found[selector.native] = self._column(self._parent, selector, selector.native)
        return None if column is None else column.get(row.mem_id, [])

    def _column(self, parent: LexborNode, selector: Complex, native: str) -> dict[int, list[LexborNode]] | None:
        if not self._sees_rows_only(parent, selector):
            return None
        column: dict[int, list[LexborNode]] = {}
        rows, end = self._rows, parent.mem_id
        for node in parent.css(native):
            above: LexborNode = node
            while (key := above.mem_id) not in rows and key != end:
                above = above.parent  # type: ignore[assignment] # below the parent of the rows
            if key != end:
                column.setdefault(key, []).append(node)
        return column

    def _sees_rows_only(self, parent: LexborNode, selector: Complex) -> bool:
        """Whether nothing around the rows matches what stands before the last compound, and lexbor need not go back."""
        if len(selector.compounds) == 1:
            return True
        if selector.backtracks > 1 or not set(selector.combinators) <= {" ", ">"}:
            return False
        if not self._around:
            around: LexborNode | None = parent
            while around is not None and around.is_element_node:
                self._around.add(around.mem_id)
                self._root, around = around, around.parent
        return all(
            node.mem_id not in self._around
            for compound in selector.compounds[:-1]
            for node in self._root.css(compound.lexbor)
        )


#: A row that stands beside no others.
ALONE: Final = Columns(())
