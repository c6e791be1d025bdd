"""The texts of a large page, which are put together once and then cut out.

The text of an element is read by walking through it. Where a selector matches elements inside each other, that walks
through the innermost ones once for each that they lie in: seconds on a page of 80,000 elements, 400 deep, and no bound
on characters ends it where they are empty. After as many steps as a few large elements take, the whole page is walked
through once, and each text is a slice of what was found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from crawler.recipe.text import (
    BLOCKS,
    BREAK,
    HIDDEN,
    collect,
    lines,
    squeezed,
    string_of,
    text_nodes,
    texts_among,
    tree_text,
    tree_text_nodes,
    visible_text,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from lxml.etree import _Element
    from selectolax.lexbor import LexborNode

NodeT = TypeVar("NodeT")

#: So many nodes are looked at for one text after the other, before the whole page is walked through: less than 10 ms.
FREE_NODES: Final = 20_000

#: So many strings are asked of lexbor, which takes up to 6 ms for one and does not tell how many nodes it looked at.
FREE_STRINGS: Final = 100


class _Slices:
    """Texts in document order, and which of them lie in which element.

    Attributes:
        visible: they are what a reader sees, with breaks between lines; else all texts that there are.
        as_nodes: what each text node says by itself.
    """

    def __init__(self, *, visible: bool = False, as_nodes: bool = False) -> None:
        self.visible = visible
        self.as_nodes = as_nodes
        self.texts: list[str] = []
        self.spans: dict[Hashable, slice] = {}

    def add(self, text: str | None) -> None:
        if text and (not self.as_nodes or (text := squeezed(text))):
            self.texts.append(text)

    def add_break(self) -> None:
        """One that follows another says nothing, so that there are no more of them than texts."""
        if self.visible and self.texts and self.texts[-1] is not BREAK:
            self.texts.append(BREAK)


class PageTexts(ABC, Generic[NodeT]):
    """Of one page, whose tree stays as it is. What is no part of that tree is read as it is elsewhere."""

    def __init__(self, top: NodeT) -> None:
        self._top = top
        self._free = FREE_NODES
        self._lines: _Slices | None = None
        self._nodes: _Slices | None = None

    @abstractmethod
    def visible(self, node: NodeT) -> str:
        """The visible text of an element, in lines."""

    @abstractmethod
    def nodes(self, node: NodeT) -> list[str]:
        """Each text node below an element on its own, those of white space only left out."""

    @abstractmethod
    def _walk(self, root: NodeT, found: _Slices, hidden: list[NodeT]) -> None:
        """Add the texts in `root`. Where only visible ones are wanted, what hides its own goes to `hidden` instead."""

    def _all_lines(self) -> _Slices:
        if self._lines is None:
            self._lines = _Slices(visible=True)
            roots = [self._top]
            for root in roots:  # what is hidden comes behind the rest, for those who ask for nothing else
                self._walk(root, self._lines, roots)
        return self._lines

    def _all_nodes(self) -> _Slices:
        if self._nodes is None:
            self._nodes = _Slices(as_nodes=True)
            self._walk(self._top, self._nodes, [])
        return self._nodes


class LexborTexts(PageTexts["LexborNode"]):
    """Of lexbor's tree, whose elements are told apart by their address."""

    def __init__(self, top: LexborNode) -> None:
        super().__init__(top)
        self._free_strings = FREE_STRINGS
        self._strings: _Slices | None = None

    def visible(self, node: LexborNode) -> str:
        """See `text.visible_text`."""
        child = node.first_child
        if child is None or (child.is_text_node and child.next is None):
            return visible_text(node)
        if self._free > 0:
            parts: list[str] = []
            self._free -= collect(node, parts)
            return lines("".join(parts))
        found = self._all_lines()
        span = found.spans.get(node.mem_id)
        return visible_text(node) if span is None else lines("".join(found.texts[span]))

    def nodes(self, node: LexborNode) -> list[str]:
        """See `text.text_nodes`."""
        if self._free > 0:
            inner = list(node.traverse(include_text=True))
            self._free -= len(inner)
            return texts_among(inner)
        found = self._all_nodes()
        span = found.spans.get(node.mem_id)
        return text_nodes(node) if span is None else found.texts[span]

    def string(self, node: LexborNode) -> str:
        """See `text.string_of`."""
        self._free_strings -= 1
        if self._free_strings >= 0:
            return string_of(node)
        found = self._strings
        if found is None:
            found = self._strings = _Slices()
            self._walk(self._top, found, [])
        span = found.spans.get(node.mem_id)
        return string_of(node) if span is None else "".join(found.texts[span])

    def _walk(self, root: LexborNode, found: _Slices, hidden: list[LexborNode]) -> None:
        texts, visible = found.texts, found.visible
        begun = len(texts)
        open_elements: list[tuple[LexborNode | None, int, int, bool]] = []
        child = root.first_child
        while child is not None or open_elements:
            if child is None:
                child, address, start, is_block = open_elements.pop()
                found.spans[address] = slice(start, len(texts))
                if is_block:
                    found.add_break()
                continue
            tag = child.tag or ""
            if tag == "-text":
                found.add(child.text_content)
            elif tag == "br":
                found.add_break()
            elif visible and tag in HIDDEN:
                hidden.append(child)
            elif child.is_element_node:
                is_block = tag in BLOCKS
                if is_block:
                    found.add_break()
                open_elements.append((child.next, child.mem_id, len(texts), is_block))
                child = child.first_child
                continue
            child = child.next
        found.spans[root.mem_id] = slice(begun, len(texts))


class TreeTexts(PageTexts["_Element"]):
    """Of lxml's HTML tree, whose elements somebody holds: they are told apart as objects."""

    def visible(self, node: _Element) -> str:
        """See `text.tree_text`."""
        if not len(node):
            return tree_text(node)
        found = self._all_lines()
        span = found.spans.get(node)
        return tree_text(node) if span is None else lines("".join(found.texts[span]))

    def nodes(self, node: _Element) -> list[str]:
        """See `text.tree_text_nodes`."""
        found = self._all_nodes()
        span = found.spans.get(node)
        return tree_text_nodes(node) if span is None else found.texts[span]

    def _walk(self, root: _Element, found: _Slices, hidden: list[_Element]) -> None:
        texts, visible = found.texts, found.visible
        begun = len(texts)
        found.add(root.text)
        open_elements: list[tuple[_Element, int, bool]] = []
        iterators = [iter(root)]
        while iterators:
            child = next(iterators[-1], None)
            if child is None:
                iterators.pop()
                if open_elements:
                    closed, start, is_block = open_elements.pop()
                    found.spans[closed] = slice(start, len(texts))
                    if is_block:
                        found.add_break()
                    found.add(closed.tail)
                continue
            tag: object = child.tag
            if not isinstance(tag, str):
                found.add(child.tail)
            elif visible and tag in HIDDEN:
                hidden.append(child)
                found.add(child.tail)
            else:
                is_block = tag in BLOCKS or tag == "br"
                if is_block:
                    found.add_break()
                open_elements.append((child, len(texts), is_block))
                found.add(child.text)
                iterators.append(iter(child))
        found.spans[root] = slice(begun, len(texts))
