"""Bytes in, a document to query out: one door for HTML, XML, JSON and text pages.

What a rule may ask of a page is in the two protocols below; the modules per kind answer. Nothing but ParseRefused
(and, for a query that cannot work on a value, QueryFailed) comes out of here, whatever the bytes are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, Protocol

from crawler.errors import ParseRefused
from crawler.recipe.encoding import Decoded, decode
from crawler.recipe.html_document import HtmlDocument
from crawler.recipe.js_literal import find_literal
from crawler.recipe.row_files import CsvFormat, RowFile, parse_csv, parse_json_lines
from crawler.recipe.value_document import ValueDocument, ValueScope, parse_json
from crawler.recipe.xml_document import XmlDocument

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selectolax.lexbor import LexborNode

    from crawler.recipe.model import ParseKind
    from crawler.recipe.queries import CssQuery, Query
    from crawler.recipe.row_files import BrokenRow
    from crawler.recipe.values import Value


class Document(Protocol):
    """A parsed page, or a parsed value of one."""

    @property
    def kind(self) -> ParseKind:
        """What it was parsed as."""

    @property
    def url(self) -> str:
        """Where it came from."""

    @property
    def base_url(self) -> str:
        """What its links are relative to: `url`, or `<base href>` on it."""

    @property
    def encoding(self) -> str:
        """The name of the encoding it was decoded by."""

    @property
    def text(self) -> str:
        """The decoded text, before parsing."""

    @property
    def root(self) -> Scope:
        """The whole document as a scope."""

    @property
    def stats(self) -> dict[str, int]:
        """Counters such as `recipe/tree_fallback`, to be added to the page's."""

    def meta(self, name: str) -> list[str]:
        """`content` of each `<meta>` whose name, property or itemprop this is."""

    @property
    def broken_rows(self) -> Sequence[BrokenRow]:
        """Lines of CSV or JSON lines that are no rows, as far as they are told."""

    def linked_data(self) -> list[str]:
        """The text of each block of JSON-LD."""

    def microdata(self) -> list[dict[str, Value]]:
        """The outermost items of the page's microdata, as nodes like those of JSON-LD."""

    def use_xpath(self, *, at_once: bool = True) -> None:
        """Say before the first rule that XPath may come, so that the whole page is read on one tree.

        Not `at_once`, XPath's tree is made when it comes. Where the trees differ, what was read before was read on the
        other one; then `moved_late` is set, and all must be read anew.
        """

    @property
    def moved_late(self) -> bool:
        """Whether a document that was to wait for its XPath has gone over to another tree after its first rules."""


class Scope(Protocol):
    """A document, an element of it or a JSON value: what queries are read in."""

    @property
    def document(self) -> Document:
        """Where it belongs."""

    @property
    def is_row(self) -> bool:
        """False for a whole document."""

    @property
    def language(self) -> Literal["css", "jmespath"]:
        """The language of a plain string here."""

    @property
    def native(self) -> LexborNode | None:
        """The element on lexbor's tree, where rules are to be read on that."""

    def values(
        self, query: Query, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()
    ) -> list[Value]:
        """What the query finds: stripped text (or HTML) of each match; for JMESPath no or one JSON value."""

    def rows(self, query: Query) -> list[Scope] | None:
        """Each match as a row. None where a JMESPath leads nowhere, as opposed to an empty list."""

    def links(self, query: Query) -> list[str]:
        """The links of each match as written: href, src, `::attr()`, or the strings of a JMESPath."""

    def own(self, *, as_: Literal["text", "html"] = "text", remove: Sequence[CssQuery] = ()) -> Value:
        """The scope itself: visible text, HTML, or the JSON value."""

    def preceding(self, css: CssQuery) -> Scope | None:
        """The nearest element before the row that matches."""

    def table_cell(self, header: str) -> Scope | None:
        """In a table row, the cell under the column of that header."""

    def longest_prefix(self, query: Query) -> tuple[str, int]:
        """For a query that found nothing: the longest part of it, from the left, that matches, and how often."""


_JSON_TYPE = re.compile(r"(?:application|text)/(?:[\w.+-]*\+)?json\b|application/(?:x-)?json", re.ASCII)
#: A whole page that is a call (JSONP) or an assignment; anything else must be JSON, so that no error page passes as it.
_SCRIPT = re.compile(r"\s*+(?:/\*\*/\s*+)?(?:(?:var|let|const)\s++)?[\w$.]++\s*+[(=]\s*+[{\[]")
#: What APIs put before their JSON, so that no other site can run it as a script.
_GUARD = re.compile(r"\s*+(?:\)\]\}',?|while\s*+\(1\);|for\s*+\(;;\);)")
_HTML_TYPE: Final = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_ROWS_TYPE: Final[dict[str, ParseKind]] = {
    **dict.fromkeys(("text/csv", "application/csv", "text/tab-separated-values"), "csv"),
    **dict.fromkeys(
        ("application/jsonl", "application/jsonlines", "application/x-ndjson", "application/ndjson"), "jsonl"
    ),
}
_XML_TYPE = re.compile(r"(?:text|application)/xml\b|[\w.-]+/[\w.-]+\+xml\b", re.ASCII)
#: So much of a text is looked at to tell what it is.
_START_CHARACTERS: Final = 1024

#: Any element name: a page without a Content-Type and a doctype may begin with any of them.
_HTML_START = re.compile(r"<(?:!doctype\s+html|!--|[a-z][a-z0-9-]*[\s/>])", re.IGNORECASE)
_XML_START = re.compile(r"<\?xml\b|<(?:rss|feed|urlset|sitemapindex|rdf:RDF|opml)\b", re.IGNORECASE)


def parse_document(
    body: bytes,
    *,
    kind: ParseKind | None,
    url: str,
    content_type: str | None = None,
    encoding: str | None = None,
    csv: CsvFormat | None = None,
    namespaces: Collection[str] = (),
) -> Document:
    """Decode and parse a page. `kind` None: by Content-Type, then by how the text begins.

    Args:
        body: the page.
        kind: what it is.
        url: where it came from.
        content_type: the header.
        encoding: the name that the recipe gives.
        csv: how CSV is written.
        namespaces: addresses of those that names in XML keep.

    Raises:
        ParseRefused: too deep, too many elements, no such document, or `encoding` is none.
    """
    page = decode(body, content_type=content_type, encoding=encoding)
    kind = kind or kind_of_type(content_type) or kind_of_text(page.start(_START_CHARACTERS))
    return _parse(page, kind=kind, url=url, csv=csv, namespaces=namespaces)


def parse_fragment(
    text: str, *, kind: ParseKind, url: str, csv: CsvFormat | None = None, namespaces: Collection[str] = ()
) -> Document:
    """Parse a value of a page on its own; HTML that begins with a bare `<tr>` or `<td>` is given its table.

    JSON may also be a script that holds an object or array of JavaScript.

    Raises:
        ParseRefused: as `parse_document`.
    """
    if kind == "html":
        return HtmlDocument.of_fragment(text, url=url)
    if kind == "json":
        return _of_script(Decoded.of_text(text), url=url)
    return _parse(Decoded.of_text(text), kind=kind, url=url, csv=csv, namespaces=namespaces)


def _of_json(page: Decoded, *, url: str) -> ValueDocument:
    text = page.text
    guard = _GUARD.match(text)
    return ValueDocument(parse_json(text[guard.end() :] if guard else text), page, kind="json", url=url)


def _of_script(page: Decoded, *, url: str) -> ValueDocument:
    """JSON, or the first literal of a script."""
    try:
        return _of_json(page, url=url)
    except ParseRefused:
        found = find_literal(page.text)
    document = ValueDocument(found.value, page, kind="json", url=url)
    if found.expressions:
        document.stats["recipe/js_expressions"] = found.expressions
    return document


def _of_rows(file: RowFile, page: Decoded, *, kind: ParseKind, url: str) -> ValueDocument:
    document = ValueDocument(file.rows, page, kind=kind, url=url, broken_rows=file.told)
    if file.broken:
        document.stats["recipe/rows_unparsed"] = file.broken
    return document


def value_scope(value: Value, document: Document) -> Scope:
    """A JSON-like row for any Python value, belonging to `document`."""
    return ValueScope(document, value, is_row=True)


def _parse(page: Decoded, *, kind: ParseKind, url: str, csv: CsvFormat | None, namespaces: Collection[str]) -> Document:
    if kind == "html":
        return HtmlDocument(page, url=url)
    if kind == "xml":
        return XmlDocument(page, url=url, namespaces=namespaces)
    if kind == "json":
        return _of_script(page, url=url) if _SCRIPT.match(page.text) else _of_json(page, url=url)
    if kind == "text":
        return ValueDocument(page.text, page, kind="text", url=url)
    if kind == "csv":
        return _of_rows(parse_csv(page.text, csv or CsvFormat()), page, kind=kind, url=url)
    if kind == "jsonl":
        return _of_rows(parse_json_lines(page.text), page, kind=kind, url=url)
    raise ParseRefused(f"cannot parse as {kind!r}; write html, xml, json, jsonl, csv or text")


def kind_of_type(content_type: str | None) -> ParseKind | None:
    """What a page is by its Content-Type. None where that says nothing: text/plain, a missing and an unknown type."""
    mime = (content_type or "").partition(";")[0].strip().lower()
    if mime in _HTML_TYPE:
        return "html"
    if mime in _ROWS_TYPE:
        return _ROWS_TYPE[mime]
    if _JSON_TYPE.match(mime):
        return "json"
    return "xml" if _XML_TYPE.match(mime) else None


def kind_of_text(text: str) -> ParseKind:
    """What a page is by how its text begins."""
    start = text[:_START_CHARACTERS].lstrip("\ufeff \t\r\n\f")
    if start[:1] in {"{", "["}:
        return "json"
    if _XML_START.match(start):
        return "html" if re.search(r"<!doctype\s+html|<html\b", start, re.IGNORECASE) else "xml"
    if _HTML_START.match(start):
        return "html"
    return "text"
