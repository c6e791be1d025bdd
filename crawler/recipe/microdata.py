"""Microdata of an HTML page (`itemscope`, `itemprop`) as nodes like those of JSON-LD: `{"@type": .., "name": ..}`.

Items are made by WHATWG's rules, with one liberty that search engines take, too: `content` counts on any element. A
page can make items refer to each other without end (`itemref`), so that what is read is counted and bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from crawler.recipe.schema_org import own_name
from crawler.recipe.text import visible_text
from crawler.recipe.urls import absolute_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectolax.lexbor import LexborHTMLParser, LexborNode

    from crawler.recipe.values import Value

#: Properties that are read of one page, each as often as an item has it.
MAX_PROPERTIES: Final = 50_000
#: Characters of text that are read of one page: properties may lie in each other, each with the text of all inside.
MAX_TEXT: Final = 8 * 1024 * 1024
#: Names in `itemref` that are looked up on one page.
MAX_REFERENCES: Final = 500
#: How deep items may hold each other.
MAX_DEPTH: Final = 40

#: Where the value of an element stands, if not in its text.
_URL_ATTRIBUTES: Final = {
    **dict.fromkeys(("audio", "embed", "iframe", "img", "source", "track", "video"), "src"),
    **dict.fromkeys(("a", "area", "link"), "href"),
    "object": "data",
}
_VALUE_ATTRIBUTES: Final = {"data": "value", "meter": "value", "time": "datetime"}


class Microdata(Struct, frozen=True, kw_only=True):
    """The items of a page that are no property of another one; `cut` if there was more than may be read."""

    items: tuple[dict[str, Value], ...]
    cut: bool


def read_microdata(
    parser: LexborHTMLParser, *, base_url: str, text_of: Callable[[LexborNode], str] = visible_text
) -> Microdata:
    """All items of a page, in its order. `text_of` reads the visible text of an element."""
    return _Reader(parser, base_url, text_of).read()


class _TooMuch(Exception):
    """A bound was reached; what has been read so far counts."""


class _Reader:
    """Reads one page. Elements are told apart by `mem_id`, which holds as long as the page does."""

    def __init__(self, parser: LexborHTMLParser, base_url: str, text_of: Callable[[LexborNode], str]) -> None:
        self._parser = parser
        self._text_of = text_of
        self._base_url = base_url
        self._scopes: dict[int, int] = {}  # element -> the innermost item around it; 0 = none
        self._items = {node.mem_id for node in parser.css("[itemscope]")}
        self._properties: dict[int, list[LexborNode]] = {}  # item -> elements with itemprop that stand in it
        self._by_id: dict[str, LexborNode] | None = None
        self._left = MAX_PROPERTIES
        self._references_left = MAX_REFERENCES
        self._text_left = MAX_TEXT

    def read(self) -> Microdata:
        made: list[dict[str, Value]] = []
        try:
            for node in self._parser.css("[itemprop]"):
                self._properties.setdefault(self._scope(node), []).append(node)
            for node in self._parser.css("[itemscope]:not([itemprop])"):
                item: dict[str, Value] = {}
                made.append(item)
                self._fill(item, node, ())
        except _TooMuch:
            return Microdata(items=tuple(made), cut=True)
        return Microdata(items=tuple(made), cut=False)

    def _scope(self, node: LexborNode) -> int:
        """The item around an element; 0 = none. Each element is asked once, so that depth costs nothing."""
        path: list[int] = []
        found = 0
        each: LexborNode | None = node
        while each is not None:
            if each.mem_id in self._scopes:
                found = self._scopes[each.mem_id]
                break
            path.append(each.mem_id)
            each = each.parent
            if each is not None and each.mem_id in self._items:
                found = each.mem_id
                break
        for passed in path:
            self._scopes[passed] = found
        return found

    def _fill(self, item: dict[str, Value], node: LexborNode, around: tuple[int, ...]) -> None:
        attributes = node.attributes
        types = [own_name(each) or each for each in (attributes.get("itemtype") or "").split()]
        if types:
            item["@type"] = types[0] if len(types) == 1 else types
        if identity := (attributes.get("itemid") or "").strip():
            item["@id"] = absolute_url(self._base_url, identity) or identity
        around = (*around, node.mem_id)
        for element in self._of_item(node):
            self._left -= 1
            if self._left < 0:
                raise _TooMuch
            value = self._value(element, around)
            if value is None:
                continue
            for written in dict.fromkeys((element.attributes.get("itemprop") or "").split()):
                _add(item, own_name(written) or written, value)

    def _of_item(self, node: LexborNode) -> Iterator[LexborNode]:
        """The elements that are properties of an item: those inside it, then those that `itemref` names."""
        yield from self._properties.get(node.mem_id, ())
        for reference in dict.fromkeys((node.attributes.get("itemref") or "").split()):
            element = self._element(reference)
            if element is None:
                continue
            self._references_left -= 1
            if self._references_left < 0:
                raise _TooMuch
            if "itemprop" in element.attributes:
                yield element
            if element.mem_id not in self._items:
                yield from self._inside(element)

    def _inside(self, element: LexborNode) -> Iterator[LexborNode]:
        """The properties inside an element that are not those of an item in it."""
        scope = self._scope(element)
        for inside in element.css("[itemprop]"):
            self._left -= 1
            if self._left < 0:
                raise _TooMuch
            if inside.mem_id != element.mem_id and self._scope(inside) == scope:
                yield inside

    def _element(self, identity: str) -> LexborNode | None:
        if self._by_id is None:
            self._by_id = {}
            for node in self._parser.css("[id]"):
                self._by_id.setdefault(node.attributes.get("id") or "", node)
        return self._by_id.get(identity)

    def _value(self, node: LexborNode, around: tuple[int, ...]) -> Value:
        """An item, an address, or text; None for an item in itself or too deep, and for nothing."""
        attributes = node.attributes
        if node.mem_id in self._items:
            if node.mem_id in around or len(around) >= MAX_DEPTH:
                return None
            item: dict[str, Value] = {}
            self._fill(item, node, around)
            return item
        tag = node.tag or ""
        written = attributes.get("content")
        if written is None and tag in _URL_ATTRIBUTES:
            link = attributes.get(_URL_ATTRIBUTES[tag])
            return None if not link or not link.strip() else absolute_url(self._base_url, link) or link.strip()
        if written is None:
            written = attributes.get(_VALUE_ATTRIBUTES.get(tag, ""))
        text = self._text_of(node) if written is None and tag != "meta" else (written or "").strip()
        self._text_left -= len(text)
        if self._text_left < 0:
            raise _TooMuch
        return text or None


def _add(item: dict[str, Value], name: str, value: Value) -> None:
    """A property that an item has several times is a list."""
    if name not in item:
        item[name] = value
    elif isinstance(item[name], list):
        item[name].append(value)
    else:
        item[name] = [item[name], value]
