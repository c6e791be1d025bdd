"""XML pages on lxml: feeds, sitemaps, catalogues. No DTD, no entities, no network; lexbor never sees them.

Namespaces are taken off names on parsing, so that `item > title` and `//item/title` work on RSS and Atom alike.
`media:title` is then a `title`, too. Namespaces that the recipe declares stay: their names have the recipe's prefix,
and names without a prefix are none of them. An attribute with a prefix gives way to one of its name without.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from lxml import etree

from crawler.errors import ParseRefused
from crawler.recipe.css_match import LARGE_ELEMENTS, Known
from crawler.recipe.tree_guard import MAX_ELEMENTS
from crawler.recipe.tree_scope import TreeScope
from crawler.recipe.xpath_cost import shape_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lxml.etree import _Element

    from crawler.recipe.documents import Scope
    from crawler.recipe.encoding import Decoded
    from crawler.recipe.row_files import BrokenRow
    from crawler.recipe.values import Value
    from crawler.recipe.xpath_cost import TreeShape

_INTERNAL_DTD = re.compile(r"<!DOCTYPE[^>\[]*\[")


class XmlDocument:
    """A parsed XML page."""

    __slots__ = ("_ordinals", "_shape", "encoding", "known", "stats", "text", "tree", "url")

    kind: Literal["xml"] = "xml"
    html: Final = False
    texts: Final = None

    def __init__(self, page: Decoded, *, url: str, namespaces: Collection[str] = ()) -> None:
        self.text = page.text
        self.url = url
        self.encoding = page.encoding
        self.stats: dict[str, int] = {}
        self.tree: _Element = _parse(page, frozenset(namespaces))
        self.known = Known(self.tree) if page.text.count("<") > LARGE_ELEMENTS else None
        self._ordinals: dict[_Element, int] | None = None
        self._shape: TreeShape | None = None

    @property
    def root(self) -> Scope:
        """The whole document. Made anew each time: kept, it would be a cycle that only the garbage collector ends."""
        return TreeScope(self, self, self.tree, is_row=False)

    @property
    def base_url(self) -> str:
        """The URL: XML has no `<base>`."""
        return self.url

    def use_xpath(self, *, at_once: bool = True) -> None:
        """Nothing to do: there is one tree."""

    @property
    def moved_late(self) -> bool:
        """Never: there is one tree."""
        return False

    @property
    def broken_rows(self) -> Sequence[BrokenRow]:
        """None: there are no lines that are rows."""
        return ()

    def linked_data(self) -> list[str]:
        """Nothing: only HTML has scripts."""
        return []

    def microdata(self) -> list[dict[str, Value]]:
        """Nothing: only HTML has microdata."""
        return []

    def meta(self, name: str) -> list[str]:  # noqa: ARG002 - the protocol's signature
        """Nothing: only HTML has `<meta>`."""
        return []

    def shape(self) -> TreeShape:
        """What the cost of an XPath depends on."""
        if self._shape is None:
            self._shape = shape_of(self.tree)
        return self._shape

    def bounds(self) -> TreeShape:
        """The same."""
        return self.shape()

    def ordinal(self, element: _Element) -> int:
        """The element's number in document order, from 0."""
        if self._ordinals is None:
            self._ordinals = {each: number for number, each in enumerate(self.tree.iter())}
        return self._ordinals[element]


def _parse(page: Decoded, kept: frozenset[str]) -> _Element:
    text = page.text
    if text.count("<") - text.count("</") > MAX_ELEMENTS:
        raise ParseRefused(f"the page has more than {MAX_ELEMENTS:,} elements")
    if _INTERNAL_DTD.search(text):
        raise ParseRefused("the XML brings a DTD of its own, which is not read; a page like this can be a trap")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = etree.fromstring(page.utf8.lstrip(b"\xef\xbb\xbf \t\r\n"), parser)
    except etree.XMLSyntaxError as error:
        raise ParseRefused(f"no XML: {' '.join(str(error.msg).split())}; `parse: html` reads what is broken") from None
    _without_namespaces(tree, kept)
    return tree


def _without_namespaces(tree: _Element, kept: frozenset[str]) -> None:
    for element in tree.iter(etree.Element):
        namespace, _, local = str(element.tag).rpartition("}")
        if namespace and namespace[1:] not in kept:
            element.tag = local
        for name in [name for name in map(str, element.attrib) if name.startswith("{")]:
            namespace, _, local = name.rpartition("}")
            if namespace[1:] in kept:
                continue
            value = element.attrib.pop(name)
            if local not in element.attrib:
                element.attrib[local] = value
    etree.cleanup_namespaces(tree)
