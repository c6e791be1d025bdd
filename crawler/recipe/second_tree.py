"""lxml's tree of a page that lexbor has parsed, for XPath: made from lexbor's serialisation, element for element.

libxml2 closes elements by rules older than HTML5 (a <p> ends an <h1>, a <table> ends a <p>). Where that makes its tree
differ, the page is given to it once more with every element under a name that it has no rules for.
"""

from __future__ import annotations

import re
from operator import attrgetter, is_, methodcaller
from typing import TYPE_CHECKING, Final

from lxml import etree

from crawler.recipe.css_match import LARGE_ELEMENTS, Known
from crawler.recipe.page_texts import TreeTexts
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.xpath_cost import bounds_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml.etree import _Element
    from selectolax.lexbor import LexborHTMLParser, LexborNode

    from crawler.recipe.xpath_cost import TreeShape

_VOID: Final = (
    "area|base|basefont|bgsound|br|col|embed|frame|hr|img|input|keygen|link|meta|param|source|track|wbr"  # HTML5's
)
#: Void elements that libxml2 takes for containers.
_UNKNOWN_VOIDS: Final = frozenset({"source", "track", "wbr", "keygen", "bgsound", "embed", "param"})

#: Text that may look like tags and is none.
_RAW: Final = (
    r"<!--.*?-->"
    r"|<(?P<raw>script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext)(?=[\s/>]).*?</(?P=raw)>"
)
#: As lexbor writes them: every attribute with a value in double quotes; a name may hold quotes. `(?!)`: before 3.11.5
#: Python went on where an attribute had failed, instead of where it began (cpython#106052).
_ATTRIBUTES: Final = r"""(?: [^\s/>][^\s/>=]*="[^"]*"|(?!))*+"""
_VOID_TAG = re.compile(rf"{_RAW}|<(?P<void>{'|'.join(sorted(_UNKNOWN_VOIDS))})(?=[\s>]){_ATTRIBUTES}>", re.DOTALL)
_ANY_TAG = re.compile(rf"{_RAW}|<(?P<slash>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<rest>{_ATTRIBUTES})>", re.DOTALL)

#: libxml2 needs these by name to know where it is.
_KEPT: Final = frozenset({"html", "head", "body"})
_PREFIX: Final = "neutral-"
_GETPARENT = methodcaller("getparent")
_PARENT = attrgetter("parent.mem_id")
_VOIDS: Final = frozenset(_VOID.split("|"))


class SecondTree:
    """lxml's tree. `differs` if its elements are not those of lexbor, in order and nesting, whatever was tried."""

    __slots__ = ("_bounds", "_ordinals", "_shape_of_tree", "differs", "elements", "known", "texts", "tree")

    html: Final = True

    def __init__(
        self, parser: LexborHTMLParser, nodes: list[LexborNode], ordinals: Mapping[int, int], *, characters: int
    ) -> None:
        """Raises QueryFailed where libxml2 gives up half-way.

        Args:
            parser: what holds lexbor's tree.
            nodes: its elements in document order.
            ordinals: the number of each of them, by its address.
            characters: of the page.
        """
        self._bounds: TreeShape | None = None
        self._ordinals: dict[_Element, int] | None = None
        self._shape_of_tree: TreeShape | None = None
        shape = _Shape(nodes, ordinals)
        written = _serialised(parser, shape.names)
        self._take(_parse(written))
        self.differs = not shape.fits(self.elements)
        if self.differs:
            plain = self.tree
            neutral = _renamed(_parse(_ANY_TAG.sub(_neutral, written)))
            self._take(plain if neutral is None else neutral)
            self.differs = not shape.fits(self.elements)
            if self.differs and self.tree is not plain:
                self._take(plain)
        if not self.differs:
            self._bounds = bounds_of(self.elements, characters)

    def ordinal(self, element: _Element) -> int:
        """The element's number in document order, from 0."""
        if self._ordinals is None:
            self._ordinals = {each: number for number, each in enumerate(self.elements)}
        return self._ordinals[element]

    def shape(self) -> TreeShape:
        """What the cost of an XPath depends on."""
        if self._shape_of_tree is None:
            self._shape_of_tree = shape_of(self.tree)
        return self._shape_of_tree

    def bounds(self) -> TreeShape:
        """No less than that, and known at once where the trees do not differ."""
        return self.shape() if self._bounds is None else self._bounds

    def _take(self, tree: _Element) -> None:
        self.tree = tree
        self._shape_of_tree = None
        self.elements: list[_Element] = list(tree.iter(etree.Element))
        self._ordinals = None
        is_large = len(self.elements) > LARGE_ELEMENTS
        self.known = Known(tree) if is_large else None
        self.texts = TreeTexts(tree) if is_large else None


class _Shape:
    """The names of lexbor's elements and which lies in which, to hold lxml's against."""

    def __init__(self, nodes: list[LexborNode], ordinals: Mapping[int, int]) -> None:
        self.names = [node.tag or "" for node in nodes]
        #: The number of the element around each, of all but the first, which is <html>.
        self._around = [ordinals.get(address, -1) for address in map(_PARENT, nodes[1:])]

    def fits(self, elements: list[_Element]) -> bool:
        """Whether lxml's elements, in document order, are the same ones in the same places."""
        names = [element.tag for element in elements]
        if names != self.names and names != [name.lower() for name in self.names]:
            return False
        if -1 in self._around or elements[0].getparent() is not None:
            return False
        return all(map(is_, map(_GETPARENT, elements[1:]), map(elements.__getitem__, self._around)))


def _serialised(parser: LexborHTMLParser, names: Collection[str]) -> str:
    """Lexbor's tree as HTML that libxml2 reads alike.

    Templates are empty, because their content is no part of the tree, and void elements that libxml2 takes for
    containers are closed. `names` are those of its elements.
    """
    html = parser.html or ""
    if "template" in names:
        html = _with_empty_templates(html)
    if not _UNKNOWN_VOIDS.isdisjoint(names):
        html = _VOID_TAG.sub(lambda match: match[0] if match["void"] is None else f"{match[0][:-1]}/>", html)
    return html


def _with_empty_templates(html: str) -> str:
    kept, begin, depth = [], 0, 0
    for tag in _ANY_TAG.finditer(html):
        if tag["name"] != "template":
            continue
        if tag["slash"]:
            depth -= 1
            begin = tag.start() if depth == 0 else begin
        else:
            depth += 1
            if depth == 1:
                kept.append(html[begin : tag.end()])
    return "".join([*kept, html[begin:]])


def _neutral(match: re.Match[str]) -> str:
    """The tag under a name that libxml2 has no rules for; void elements closed."""
    name = match["name"]
    if name is None or name in _KEPT:
        return match[0]
    return f"<{match['slash']}{_PREFIX}{name}{match['rest']}{'/' if name in _VOIDS else ''}>"


def _renamed(tree: _Element) -> _Element | None:
    """The tree with its elements' own names again; None if one of them is no name for lxml."""
    try:
        for element in tree.iter(etree.Element):
            tag = str(element.tag)
            if tag.startswith(_PREFIX):
                element.tag = tag[len(_PREFIX) :]
    except ValueError:
        return None
    return tree


def _parse(html: str) -> _Element:
    # The page has passed the guard: its depth and its number of elements are bounded.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    try:
        tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        tree = None
    limits = [entry.message for entry in parser.error_log if entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT]
    if limits or tree is None:
        raise QueryFailed(f"XPath cannot read this page, CSS can: {limits[0] if limits else 'it has no elements'}")
    return tree
