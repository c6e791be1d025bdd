"""Selectors on lexbor's tree: which of them lexbor may match as a whole, and how the others are put together.

lexbor sees what stands above a row, and backtracks; where either could matter compounds are matched one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.recipe.css_match import select
from crawler.recipe.text import visible_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectolax.lexbor import LexborNode

    from crawler.recipe.css_tree import Complex, Compound


class LexborEngine:
    """What selectors and table look-up need of a tree."""

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
    if native is not None and (len(selector.compounds) == 1 or (not row and selector.backtracks < 2)):
        return lambda node: node.css(native)
    if native is not None and set(selector.combinators) == {" "}:
        return _descent(selector)
    return lambda node: select(ENGINE, selector, node)


def _descent(selector: Complex) -> Callable[[LexborNode], list[LexborNode]]:
    """As `select`, for compounds that stand inside each other, while each but the last matches one element."""
    first, *others = (compound.lexbor for compound in selector.compounds)

    def find(node: LexborNode) -> list[LexborNode]:
        found = node.css(first)
        for text in others:
            if len(found) != 1:
                return select(ENGINE, selector, node) if found else found
            [root] = found
            found = root.css(text)
            if found and found[0].mem_id == root.mem_id:
                del found[0]
        return found

    return find
