"""Scopes on lxml trees: XML documents, and HTML pages whose two trees differ."""

from __future__ import annotations

import contextlib
import copy
import math
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from lxml import etree

from crawler.recipe.css import CssQuery, compile_css
from crawler.recipe.css_lxml import LxmlEngine
from crawler.recipe.css_match import MAX_OVERLAP, Engine, Known, NodeT, lies_in_itself, select
from crawler.recipe.query_error import QueryError, QueryFailed
from crawler.recipe.table_cells import cell_under
from crawler.recipe.text import squeezed, tree_own_text, tree_text, tree_text_nodes
from crawler.recipe.xpath import XPathQuery, compile_xpath
from crawler.recipe.xpath_cost import Estimate, TooCostly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml.etree import _Element

    from crawler.recipe.css_tree import CssPart
    from crawler.recipe.documents import Document, Scope
    from crawler.recipe.page_texts import TreeTexts
    from crawler.recipe.queries import Query
    from crawler.recipe.values import Value
    from crawler.recipe.xpath_cost import TreeShape
    from crawler.recipe.xpath_plan import Expression

#: Where a link stands, by element.
LINK_ATTRIBUTES: Final = {"a": "href", "area": "href", "link": "href", "frame": "src", "iframe": "src"}

#: What all matches of a query may hold, in characters; of a longer page twice as many as it has.
MAX_CHARACTERS: Final = 2_000_000

#: A name that no page uses, for elements on their way out of a copy.
_REMOVED: Final = "crawlery-removed"

_STRING = etree.XPath("string()", smart_strings=False)


class Tree(Protocol):
    """What a scope needs of the tree it is in."""

    @property
    def html(self) -> bool:
        """Names are lower-case, text is in lines; False for XML."""

    @property
    def tree(self) -> _Element:
        """The root element."""

    @property
    def known(self) -> Known[_Element] | None:
        """Set for a large tree: see `css_match`."""

    @property
    def texts(self) -> TreeTexts | None:
        """Set for a large tree of HTML."""

    def shape(self) -> TreeShape:
        """What the cost of an XPath depends on, found out once."""

    def bounds(self) -> TreeShape:
        """A shape that it does not exceed, for less."""

    def ordinal(self, element: _Element) -> int:
        """The element's number in document order, from 0."""


class _Elements(LxmlEngine):
    """What selectors and table look-up need of a tree."""

    def children(self, node: _Element) -> list[_Element]:
        return list(node.iterchildren(etree.Element))

    def attribute(self, node: _Element, name: str) -> str | None:
        return node.get(name)

    def text(self, node: _Element) -> str:
        return tree_text(node)


_HTML = _Elements(html=True)
_XML = _Elements(html=False)


class TreeScope:
    """A document or an element of it."""

    __slots__ = ("_engine", "_tree", "document", "element", "is_row")

    language: Literal["css"] = "css"
    native: Final = None

    def __init__(self, document: Document, tree: Tree, element: _Element, *, is_row: bool) -> None:
        self.document = document
        self._tree = tree
        self.element = element
        self.is_row = is_row
        if tree.known is not None:
            self._engine = _Elements(html=tree.html, known=tree.known)
        else:
            self._engine = _HTML if tree.html else _XML

    def values(
        self, query: Query, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()
    ) -> list[Value]:
        """Stripped text (or markup) of each match."""
        return bounded(self._values(query, as_=as_, remove=remove), query, len(self.document.text))

    def _values(self, query: Query, *, as_: Literal["text", "html"], remove: Sequence[CssQuery]) -> Iterator[Value]:
        if isinstance(query, XPathQuery):
            results = evaluate(query, self.element, self._tree)
            if remove:
                separable(self._engine, [each for each in results if not isinstance(each, str)], query)
            for result in results:
                yield self._of(result, as_=as_, remove=remove) if not isinstance(result, str) else result
            return
        matches = self._matches(query)
        if remove:
            separable(self._engine, [element for _, element in matches], query)
        for part, element in matches:
            if part.kind == "element":
                yield self._of(element, as_=as_, remove=remove)
            elif part.kind == "texts":
                texts = self._tree.texts
                yield from (tree_text_nodes if texts is None else texts.nodes)(self._without(element, remove))
            else:
                read = tree_own_text(element) if part.kind == "own_text" else self._attribute(element, part.attribute)
                if read and (value := read.strip()):
                    yield value

    def rows(self, query: Query) -> list[Scope] | None:
        """Each element that matches, as a row."""
        elements = separable(self._engine, self.elements(query), query)
        return [TreeScope(self.document, self._tree, element, is_row=True) for element in elements]

    def elements(self, query: Query) -> list[_Element]:
        """The elements that match."""
        if isinstance(query, XPathQuery):
            return [result for result in evaluate(query, self.element, self._tree) if not isinstance(result, str)]
        return [element for _, element in self._matches(query)]

    def links(self, query: Query) -> list[str]:
        """The links of each match as written."""
        found: list[str | None]
        if isinstance(query, XPathQuery):
            results = evaluate(query, self.element, self._tree)
            found = [result if isinstance(result, str) else self._link(result) for result in results]
        else:
            found = []
            for part, element in self._matches(query):
                if part.kind == "element":
                    found.append(self._link(element))
                elif part.kind == "attr":
                    found.append(self._attribute(element, part.attribute))
                else:
                    found.append(tree_own_text(element))
        return [link for written in found if written and (link := written.strip())]

    def own(self, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()) -> Value:
        """The element itself: its visible text or its markup."""
        return self._of(self.element, as_=as_, remove=remove)

    def preceding(self, css: CssQuery) -> Scope | None:
        """The nearest element before the row, not around it, that matches."""
        if not self.is_row:
            return None
        whole = TreeScope(self.document, self._tree, self._tree.tree, is_row=False)
        own = self._tree.ordinal(self.element)
        around = set(self.element.iterancestors())
        before = [
            element for element in whole.elements(css) if self._tree.ordinal(element) < own and element not in around
        ]
        return TreeScope(self.document, self._tree, before[-1], is_row=True) if before else None

    def table_cell(self, header: str) -> Scope | None:
        """In a table row, the cell under the column of that header."""
        cell = cell_under(self._engine, self.element, header)
        return None if cell is None else TreeScope(self.document, self._tree, cell, is_row=True)

    def longest_prefix(self, query: Query) -> tuple[str, int]:
        """The longest part of the query that matches, and how often."""
        return longest_prefix(query, self.elements, row=self.is_row)

    def _matches(self, query: Query) -> list[tuple[CssPart, _Element]]:
        """Each match with the part of the query it is of, in document order."""
        css = require_css(query)
        found = [(part, element) for part in css.parts for element in select(self._engine, part.selector, self.element)]
        if len(css.parts) > 1:
            found.sort(key=lambda match: self._tree.ordinal(match[1]))
            if css.kind is not None:
                found = [match for index, match in enumerate(found) if not index or match[1] is not found[index - 1][1]]
        return found

    def _of(self, element: _Element, *, as_: Literal["text", "html"], remove: Sequence[CssQuery]) -> str:
        element = self._without(element, remove)
        if as_ == "html":
            method = "html" if self._tree.html else "xml"
            return etree.tostring(element, encoding="unicode", method=method, with_tail=False).strip()
        if self._tree.texts is not None:
            return self._tree.texts.visible(element)
        if self._tree.html:
            return tree_text(element)
        return squeezed(str(_STRING(element)))

    def _without(self, element: _Element, remove: Sequence[CssQuery]) -> _Element:
        """The element without what `remove` matches inside it: a copy, so that the page's tree stays whole."""
        if not remove:
            return element
        clone = copy.deepcopy(element)
        clone.tail = None
        for css in remove:
            for part in css.parts:
                engine = _Elements(html=self._tree.html, known=None if self._tree.known is None else Known(clone))
                for match in select(engine, part.selector, clone):
                    if match is not clone:
                        match.tag = _REMOVED
        # libxml2 keeps the text behind; setting it from Python would refuse the control characters that HTML may hold
        etree.strip_elements(clone, _REMOVED, with_tail=False)
        return clone

    def _attribute(self, element: _Element, name: str) -> str | None:
        return element.get(name.lower() if self._tree.html else name)

    def _link(self, element: _Element) -> str | None:
        name = LINK_ATTRIBUTES.get(str(element.tag))
        if name is None:
            return None if self._tree.html else element.get("href") or str(_STRING(element))
        return element.get(name) or (None if self._tree.html else str(_STRING(element)))


def require_css(query: Query) -> CssQuery:
    """The query if it is CSS. Raises QueryFailed for JMESPath, which reads no elements."""
    if not isinstance(query, CssQuery):
        raise QueryFailed(f"`{query.language}: {query.text}` cannot read markup; write it as `css:` or `xpath:`")
    return query


def evaluate(query: XPathQuery, context: _Element, tree: Tree) -> list[_Element | str]:
    """Elements, and everything else as text with its ends stripped. Empty text and NaN are no results.

    Raises:
        QueryFailed: it would take too long on this tree, or libxml2 gave up, for example on too large a set of nodes.
    """
    if query.plan is not None:
        _check_cost(query, query.plan, context, tree)
    try:
        result = query.evaluate(context)
    except etree.XPathError as error:
        raise QueryFailed(f"`xpath: {query.text}` cannot be evaluated: {error}") from None
    if isinstance(result, list):
        return [node for node in map(_node, result) if not isinstance(node, str) or node]
    if isinstance(result, bool):
        return ["true" if result else "false"]
    if isinstance(result, float):
        return [] if math.isnan(result) else [_number(result)]
    text = str(result).strip()
    return [text] if text else []


def _check_cost(query: XPathQuery, plan: Expression, context: _Element, tree: Tree) -> None:
    """Raise QueryFailed for what would take too long."""
    bounds = tree.bounds()
    if query.harmless and bounds.is_within(query.harmless[0], query.names):
        return
    with contextlib.suppress(TooCostly):
        Estimate(bounds).check(plan)
        query.harmless[:] = [bounds]
        return

    def count(end: int) -> int:
        found = etree.XPath(query.text[:end], namespaces=dict(query.namespaces) or None, smart_strings=False)(context)
        return len(found) if isinstance(found, list) else 1

    shape = tree.shape()
    with contextlib.suppress(TooCostly):
        Estimate(shape).check(plan)
        return
    try:
        Estimate(shape, count).check(plan)
    except TooCostly:
        raise QueryFailed(
            f"`xpath: {query.text}` could take seconds on this page of {shape.nodes:,} nodes, and is not tried; begin"
            " with what is rare, such as an id or a class"
        ) from None


def bounded(values: Iterable[Value], query: Query, page_characters: int) -> list[Value]:
    """The values, as long as they are not too long together: elements in elements repeat the text of the page.

    Raises:
        QueryFailed: they are.
    """
    most = max(MAX_CHARACTERS, 2 * page_characters)
    read: list[Value] = []
    characters = 0
    for value in values:
        characters += len(value)
        if characters > most:
            raise QueryFailed(
                f"`{query.language}: {query.text}` matches elements inside each other, whose texts have more than"
                f" {most:,} characters together; select the inner ones"
            )
        read.append(value)
    return read


def _node(node: Any) -> _Element | str:
    if isinstance(node, str):
        return node.strip()
    return node if isinstance(node.tag, str) else (node.text or "").strip()  # a comment is its text


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)


def separable(engine: Engine[NodeT], nodes: list[NodeT], query: Query) -> list[NodeT]:
    """The elements, if each of them can be searched.

    Raises:
        QueryFailed: that would take seconds, because they lie inside each other, on a large page.
    """
    if lies_in_itself(engine, nodes):
        raise QueryFailed(
            f"`{query.language}: {query.text}` matches {len(nodes):,} elements inside each other, which hold the same"
            f" elements more than {MAX_OVERLAP:,} times together; select the inner ones"
        )
    return nodes


class _Finder(Protocol):
    def __call__(self, query: Query, /) -> Sequence[object]: ...


def longest_prefix(query: Query, find: _Finder, *, row: bool) -> tuple[str, int]:
    """The longest part of a selector or path, from the left, that `find` finds something for, and how much."""
    best = ("", 0)
    if isinstance(query, XPathQuery):
        for step in query.steps:
            try:
                count = len(find(compile_xpath(step, row=row, namespaces=query.namespaces)))
            except QueryError:  # half an expression
                continue
            if count:
                return step, count
    elif isinstance(query, CssQuery):
        for part in query.parts:
            for prefix in reversed(part.selector.prefixes):
                if len(prefix) <= len(best[0]):
                    break
                count = len(find(compile_css(prefix, row=row, namespaces=query.namespaces)))
                if count:
                    best = (prefix, count)
                    break
    return best
