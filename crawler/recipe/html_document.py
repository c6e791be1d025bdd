"""HTML pages: lexbor's tree for CSS, and for XPath a second one that lxml makes of lexbor's serialisation.

Elements cross between the two by their number in document order. Where the trees differ the page goes on wholly on
lxml's, and `recipe/tree_fallback` counts it.
"""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, Literal

from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from crawler.errors import ParseRefused
from crawler.recipe.css_lexbor import ENGINE, LexborEngine
from crawler.recipe.css_match import LARGE_ELEMENTS, Known, select
from crawler.recipe.encoding import Decoded, utf8_of
from crawler.recipe.microdata import read_microdata
from crawler.recipe.page_texts import LexborTexts
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.second_tree import SecondTree
from crawler.recipe.table_cells import cell_under
from crawler.recipe.text import attribute_of, own_text, string_of, text_nodes, visible_text
from crawler.recipe.tree_guard import check_tree
from crawler.recipe.tree_scope import (
    LINK_ATTRIBUTES,
    TreeScope,
    bounded,
    evaluate,
    longest_prefix,
    require_css,
    separable,
)
from crawler.recipe.urls import http_link
from crawler.recipe.xpath import XPathQuery, needs_second_tree
from crawler.recipe.xpath_walks import MAX_VISITS_OF_A_PAGE, At, Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.recipe.css import CssQuery
    from crawler.recipe.css_lexbor import Columns, Found
    from crawler.recipe.css_tree import Complex, CssPart
    from crawler.recipe.documents import Scope
    from crawler.recipe.queries import Query
    from crawler.recipe.row_files import BrokenRow
    from crawler.recipe.values import Value

_META_NAMES: Final = ("name", "property", "itemprop", "http-equiv")
LINKED_DATA_TYPE: Final = "application/ld+json"

#: Text that begins with a part of a table, which HTML drops outside of one.
_BARE_TABLE_PART = re.compile(
    r"(?:\s|<!--.*?-->)*<(?:caption|colgroup|col|thead|tbody|tfoot|tr|td|th)[\s/>]", re.IGNORECASE | re.DOTALL
)
_WHOLE_PAGE = re.compile(r"(?:\s|<!--.*?-->)*<(?:!doctype|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL)


class HtmlDocument:
    """A parsed HTML page. `fragment`: its root is <body>.

    `found` and `found_from_top` are what is known to match in its root, and in the element above all. `visible_text`,
    `text_nodes` and `string_of` read an element as those of `text` do; all elements of a large page in linear time.
    """

    __slots__ = (
        *("_base_url", "_exact", "_meta", "_nodes", "_ordinals", "_parser", "_root", "_second", "_waits"),
        *("engine", "families", "found", "found_from_top", "page", "stats", "string_of", "text_nodes", "top", "url"),
        *("visible_text", "visits_left"),
    )

    kind: Literal["html"] = "html"

    def __init__(self, page: Decoded, *, url: str, fragment: bool = False) -> None:
        """Raises ParseRefused."""
        tags = check_tree(page.html)
        try:
            self._parser = LexborHTMLParser(page.html)
        except (SelectolaxError, MemoryError) as error:
            raise ParseRefused(f"no HTML: {error}") from None
        root = self._parser.body if fragment else self._parser.root
        if root is None:
            raise ParseRefused("the page has no HTML in it")
        self._root = root
        self.top = self._parser.root or root  # the root element, also of a fragment
        self.engine = ENGINE
        self.visible_text, self.text_nodes, self.string_of = visible_text, text_nodes, string_of
        if tags > LARGE_ELEMENTS:
            self.engine, texts = LexborEngine(Known(self.top)), LexborTexts(self.top)
            self.visible_text, self.text_nodes, self.string_of = texts.visible, texts.nodes, texts.string
        self.page = page
        self.url = url
        self.stats: dict[str, int] = {}
        self.families: dict[int, Family | None] = {}
        self.found: Found = {}
        self.found_from_top: Found = {} if fragment else self.found
        self.visits_left = MAX_VISITS_OF_A_PAGE
        self._exact: LexborEngine | None = None
        self._second: SecondTree | str | None = None  # or why there is none
        self._nodes: list[LexborNode] | None = None
        self._ordinals: dict[int, int] = {}
        self._waits = False
        self._base_url: str | None = None
        self._meta: dict[str, list[str]] | None = None

    @classmethod
    def of_fragment(cls, text: str, *, url: str) -> HtmlDocument:
        """Parse text that stands in a <body>; a part of a table is given its table."""
        whole = _WHOLE_PAGE.match(text) is not None
        table = "<table>" if _BARE_TABLE_PART.match(text) else ""
        html = text if whole else f"<!DOCTYPE html><body>{table}{text}"
        return cls(Decoded(text=text, encoding="utf-8", html=utf8_of(html)), url=url, fragment=not whole)

    @property
    def text(self) -> str:
        """The decoded text, before parsing."""
        return self.page.text

    @property
    def encoding(self) -> str:
        """The name of the encoding that it was decoded by."""
        return self.page.encoding

    @property
    def root(self) -> HtmlScope:
        """The whole page. Made anew each time: kept, it would be a cycle that only the garbage collector ends."""
        return HtmlScope(self, self._root, origin=None)

    @property
    def base_url(self) -> str:
        """`<base href>` on the URL, or the URL."""
        if self._base_url is None:
            self._base_url = self.url
            for base in self._parser.tags("base"):  # by its name, which takes lexbor a third less than a selector
                attributes = base.attributes
                if "href" in attributes:
                    # What is no web address at all, such as javascript: or http://[, is no base to browsers either.
                    self._base_url = http_link(self.url, attributes["href"]) or self.url
                    break
        return self._base_url

    def meta(self, name: str) -> list[str]:
        """`content` of each `<meta>` whose name, property, itemprop or http-equiv this is, without case."""
        if self._meta is None:
            self._meta = {}
            for node in self._parser.css("meta[content]"):
                attributes = node.attributes
                content = (attributes.get("content") or "").strip()
                names = {(attributes.get(key) or "").strip().lower() for key in _META_NAMES}
                for each in names - {""} if content else ():
                    self._meta.setdefault(each, []).append(content)
        return list(self._meta.get(name.strip().lower(), ()))

    @property
    def broken_rows(self) -> Sequence[BrokenRow]:
        """None: there are no lines that are rows."""
        return ()

    def linked_data(self) -> list[str]:
        """The text of each `<script type="application/ld+json">`."""
        return [
            node.text()
            for node in self._parser.css("script[type]")
            if (node.attributes.get("type") or "").partition(";")[0].strip().lower() == LINKED_DATA_TYPE
        ]

    def microdata(self) -> list[dict[str, Value]]:
        """The outermost items of the page's microdata; counted where there was more than may be read."""
        found = read_microdata(self._parser, base_url=self.base_url, text_of=self.visible_text)
        if found.cut:
            self.stats["recipe/microdata_cut"] = 1
        return list(found.items)

    @property
    def nodes(self) -> list[LexborNode]:
        """Every element in document order."""
        if self._nodes is None:
            self._nodes = self._parser.css("*")
            self._ordinals = {node.mem_id: number for number, node in enumerate(self._nodes)}
        return self._nodes

    def ordinal(self, node: LexborNode) -> int:
        """The element's number in document order, from 0."""
        if self._nodes is None:
            _ = self.nodes
        return self._ordinals[node.mem_id]

    def exact_engine(self) -> LexborEngine:
        """The engine that counts siblings itself, also of a page that is not large."""
        if self._exact is None:
            root = self._parser.root
            self._exact = self.engine if root is None else LexborEngine(Known(root))
        return self._exact

    @property
    def switched(self) -> bool:
        """Whether the page has gone over to lxml's tree."""
        return isinstance(self._second, SecondTree) and self._second.differs

    @property
    def moved_late(self) -> bool:
        """Whether the page was to wait for its XPath and has gone over after its first rules: see `use_xpath`."""
        return self._waits and self.switched

    def use_xpath(self, *, at_once: bool = True) -> None:
        """Make lxml's tree now: a page whose trees differ is then read on that one from the first rule on.

        Not `at_once`, it is made by the first XPath, and `moved_late` says if that was too late.
        """
        if not at_once:
            self._waits = True
            return
        with contextlib.suppress(QueryFailed):  # raised again by the first XPath
            self.second()

    def second(self) -> SecondTree:
        """Lxml's tree, made on first use. Raises QueryFailed where libxml2 cannot make one."""
        if self._second is None:
            try:
                self._second = SecondTree(self._parser, self.nodes, self._ordinals, characters=len(self.text))
            except QueryFailed as error:
                self._second = str(error)
            else:
                if self._second.differs:
                    self.stats["recipe/tree_fallback"] = 1
        if isinstance(self._second, str):
            raise QueryFailed(self._second)
        return self._second


class HtmlScope:
    """A page or an element of it. `origin` is how the row was found: the scope, the query, the number of the match."""

    __slots__ = ("_node", "_origin", "document")

    language: Literal["css"] = "css"

    def __init__(
        self, document: HtmlDocument, node: LexborNode, *, origin: tuple[HtmlScope, Query | str, int] | None
    ) -> None:
        self.document = document
        self._node = node
        self._origin = origin

    @property
    def native(self) -> LexborNode | None:
        """The element; None where the page has gone over to lxml's tree."""
        return None if self.document.switched else self._node

    @property
    def is_row(self) -> bool:
        """False for the whole page."""
        return self._origin is not None

    def values(
        self, query: Query, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()
    ) -> list[Value]:
        """Stripped text (or HTML) of each match."""
        if self._has_moved(query):
            return self.on_tree().values(query, as_=as_, remove=remove)
        if remove and self.document.engine.known is not None:
            separable(self.document.engine, self._found(query), query)
        if isinstance(query, XPathQuery):
            found = (
                result if isinstance(result, str) else self._of(result, as_=as_, remove=remove)
                for result in self._xpath(query)
            )
            return bounded(found, query, len(self.document.text))
        return bounded(self._values(require_css(query), as_=as_, remove=remove), query, len(self.document.text))

    def _values(self, css: CssQuery, *, as_: Literal["text", "html"], remove: Sequence[CssQuery]) -> Iterator[Value]:
        if css.kind == "element":
            for node in self.select(css):
                yield self._of(node, as_=as_, remove=remove)
            return
        for part, node in self._matches(css):
            if part.kind == "element":
                yield self._of(node, as_=as_, remove=remove)
            elif part.kind == "texts":
                yield from self.document.text_nodes(_without(node, remove))
            else:
                read = own_text(node) if part.kind == "own_text" else attribute_of(node, part.attribute)
                if read and (value := read.strip()):
                    yield value

    def rows(self, query: Query) -> list[Scope] | None:
        """Each element that matches, as a row."""
        if self._has_moved(query):
            return self.on_tree().rows(query)
        return [
            HtmlScope(self.document, node, origin=(self, query, number))
            for number, node in enumerate(separable(self.document.engine, self._found(query), query))
        ]

    def links(self, query: Query) -> list[str]:
        """The links of each match as written."""
        if self._has_moved(query):
            return self.on_tree().links(query)
        found: list[str | None] = []
        if isinstance(query, XPathQuery):
            found.extend(result if isinstance(result, str) else _link(result) for result in self._xpath(query))
        else:
            for part, node in self._matches(require_css(query)):
                if part.kind == "element":
                    found.append(_link(node))
                elif part.kind == "attr":
                    found.append(attribute_of(node, part.attribute))
                else:
                    found.append(own_text(node))
        return [link for written in found if written and (link := written.strip())]

    def own(self, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()) -> Value:
        """The element itself: its visible text or its HTML."""
        if self.document.switched:
            return self.on_tree().own(as_=as_, remove=remove)
        return self._of(self._node, as_=as_, remove=remove)

    def preceding(self, css: CssQuery) -> Scope | None:
        """The nearest element before the row, not around it, that matches."""
        if self.document.switched:
            return self.on_tree().preceding(css)
        if self._origin is None:
            return None
        ordinal = self.document.ordinal
        matches = self.document.root.select(css)
        around: set[int] = set()
        above = self._node.parent
        while above is not None:
            around.add(above.mem_id)
            above = above.parent
        for index in range(bisect_left(matches, ordinal(self._node), key=ordinal) - 1, -1, -1):
            if matches[index].mem_id not in around:
                return HtmlScope(self.document, matches[index], origin=(self, css, -1))
        return None

    def table_cell(self, header: str) -> Scope | None:
        """In a table row, the cell under the column of that header."""
        if self.document.switched:
            return self.on_tree().table_cell(header)
        cell = cell_under(ENGINE, self._node, header)
        return None if cell is None else HtmlScope(self.document, cell, origin=(self, header, -1))

    def longest_prefix(self, query: Query) -> tuple[str, int]:
        """The longest part of the query that matches, and how often."""
        if self.document.switched:
            return self.on_tree().longest_prefix(query)
        return longest_prefix(query, self._found, row=self.is_row)

    def _has_moved(self, query: Query) -> bool:
        """Whether the page is read on lxml's tree, now that this query is reached. Raises QueryFailed."""
        if needs_second_tree(query):
            return self.document.second().differs
        return self.document.switched

    def _found(self, query: Query) -> list[LexborNode]:
        """The elements that match, on lexbor's tree."""
        if isinstance(query, XPathQuery):
            return [result for result in self._xpath(query) if not isinstance(result, str)]
        return self.select(require_css(query))

    def _xpath(self, query: XPathQuery) -> list[LexborNode | str]:
        """Results of an XPath, elements as lexbor's own."""
        if query.direct is not None:
            return query.direct.results(self.at(query.text))
        second = self.document.second()
        if second.differs:
            raise QueryFailed(f"`xpath: {query.text}`: the page has gone over to lxml's tree")
        nodes = self.document.nodes
        results = evaluate(query, second.elements[self.document.ordinal(self._node)], second)
        return [result if isinstance(result, str) else nodes[second.ordinal(result)] for result in results]

    def at(self, text: str, rows: Columns | None = None) -> At:
        """Where an XPath is evaluated on lexbor's tree. `rows`: those that this is one of."""
        return At(self._node, self.document, text, rows)

    def select(self, css: CssQuery) -> list[LexborNode]:
        """The elements that any part matches, each once, in document order."""
        if len(css.parts) == 1:
            return self._of_part(css.parts[0].selector)
        return _unique([node for _, node in self._matches(css)])

    def _matches(self, css: CssQuery) -> list[tuple[CssPart, LexborNode]]:
        """Each match with the part of the query it is of, in document order."""
        found = [(part, node) for part in css.parts for node in self._of_part(part.selector)]
        if len(css.parts) > 1:
            ordinal = self.document.ordinal
            found.sort(key=lambda match: ordinal(match[1]))
            if css.kind is not None:
                found = [
                    match
                    for number, match in enumerate(found)
                    if not number or match[1].mem_id != found[number - 1][1].mem_id
                ]
        return found

    def _of_part(self, selector: Complex) -> list[LexborNode]:
        """The elements that one complex selector matches; by lexbor as a whole where it cannot go wrong."""
        native, engine = selector.native, self.document.engine
        # Above the page there is nothing that lexbor could see and the scope does not hold.
        as_whole = len(selector.compounds) == 1 or (self._origin is None and selector.is_soon_found)
        if native is not None and as_whole and not (selector.costly or selector.counts_some):
            return self._node.css(native)
        if selector.counts_some and engine.known is None:
            engine = self.document.exact_engine()
        if engine.known is not None and (selector.costly or len(selector.compounds) > 1):
            return select(engine, selector, self._node)
        if native is not None and as_whole:
            return self._node.css(native)
        return select(engine, selector, self._node)

    def _of(self, node: LexborNode, *, as_: Literal["text", "html"], remove: Sequence[CssQuery]) -> str:
        """The element's visible text or HTML, without what `remove` matches inside it."""
        node = _without(node, remove)
        return (node.html or "").strip() if as_ == "html" else self.document.visible_text(node)

    def on_tree(self) -> TreeScope:
        """This scope on lxml's tree, found there by the query it was found by here."""
        second = self.document.second()
        if self._origin is None:
            return TreeScope(self.document, second, second.tree, is_row=False)
        scope, query, number = self._origin
        before = scope.on_tree()
        found: Scope | None
        if isinstance(query, str):
            found = before.table_cell(query)
        elif number < 0:
            assert not isinstance(query, XPathQuery)
            found = before.preceding(require_css(query))
        else:
            rows = before.rows(query) or []
            found = rows[number] if number < len(rows) else None
        if isinstance(found, TreeScope):
            return found
        return TreeScope(self.document, second, etree.Element(self._node.tag or "div"), is_row=True)


def _unique(nodes: list[LexborNode]) -> list[LexborNode]:
    """Neighbours that are the same element, once."""
    return [node for number, node in enumerate(nodes) if not number or node.mem_id != nodes[number - 1].mem_id]


def _link(node: LexborNode) -> str | None:
    name = LINK_ATTRIBUTES.get(node.tag or "")
    return None if name is None else node.attributes.get(name)


def _without(node: LexborNode, remove: Sequence[CssQuery]) -> LexborNode:
    """The element without what `remove` matches inside it: a copy, so that the page's tree stays whole."""
    if not remove:
        return node
    node = node.clone()
    for css in remove:
        for part in css.parts:
            engine = LexborEngine(Known(node)) if part.selector.costly else ENGINE
            # Inner matches first: an element's memory goes with that of the element around it.
            for match in reversed(select(engine, part.selector, node)):
                if match.mem_id != node.mem_id:
                    match.decompose()
    return node
