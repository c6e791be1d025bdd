"""The door to all kinds of pages: which kind it is, and that nothing but ParseRefused comes out."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import ParseRefused
from crawler.recipe.documents import parse_document, parse_fragment, value_scope
from crawler.recipe.queries import QueryFailed, compile_css, compile_jmespath, compile_xpath

URL = "https://shop.example/a/b"


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"{}", "text/html", "html"),
        (b"<html>", "application/json; charset=utf-8", None),
        (b"{}", "application/json", "json"),
        (b"{}", "application/ld+json", "json"),
        (b"{}", "text/json", "json"),
        (b"{}", "application/vnd.api+json", "json"),
        (b"<a/>", "text/xml", "xml"),
        (b"<a/>", "application/rss+xml", "xml"),
        (b"<a/>", "application/xhtml+xml", "html"),
        (b"<a/>", "image/svg+xml", "xml"),
        (b' {"a": 1}', "text/plain", "json"),
        (b"[1]", None, "json"),
        (b'\xef\xbb\xbf{"a": 1}', None, "json"),
        (b"<!DOCTYPE html><p>x", None, "html"),
        (b"  <!-- c --><p>x", None, "html"),
        (b"<div>x", "application/octet-stream", "html"),
        (b'<?xml version="1.0"?><rss/>', None, "xml"),
        (b"<rss><channel/></rss>", None, "xml"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html/>', None, "html"),
        (b"plain words", None, "text"),
        (b"a < b", "text/plain", "text"),
        (b"", None, "text"),
    ],
)
def test_the_kind_is_told_by_content_type_and_then_by_the_text(body, content_type, kind):
    if kind is None:
        with pytest.raises(ParseRefused, match="no JSON"):
            parse_document(body, kind=None, url=URL, content_type=content_type)
    else:
        assert parse_document(body, kind=None, url=URL, content_type=content_type).kind == kind


def test_the_recipe_says_the_kind_against_everything_else():
    assert parse_document(b'{"a": 1}', kind="text", url=URL, content_type="application/json").kind == "text"


def test_a_document_knows_where_it_came_from_and_how_it_was_read():
    document = parse_document("<p>é".encode("latin-1"), kind="html", url=URL, encoding="latin-1")
    assert (document.url, document.base_url, document.encoding, document.text) == (URL, URL, "cp1252", "<p>é")
    assert document.stats == {}
    assert not document.root.is_row


@pytest.mark.parametrize(
    ("html", "selector", "found"),
    [
        ("<tr><td>a<td>b", "tr td", ["a", "b"]),
        (" <!-- c --> <td>a</td><td>b", "td", ["a", "b"]),
        ("<tbody><tr><th>a", "tbody > tr > th", ["a"]),
        ("<option value=1>a<option>b", "option", ["a", "b"]),
        ("<li>a<li>b", "li", ["a", "b"]),
        ("<dt>a<dd>b", "dt, dd", ["a", "b"]),
        ("a <b>c</b>", "b", ["c"]),
        ("<html><head><title>t</title><body>x", "title", ["t"]),
        ("<script>1</script><p>x", "p", ["x"]),
    ],
)
def test_a_fragment_is_given_the_parent_it_needs(html, selector, found):
    assert parse_fragment(html, kind="html", url=URL).root.values(compile_css(selector)) == found


def test_a_fragment_is_its_text_and_nothing_around_it():
    fragment = parse_fragment("a <b>c</b>", kind="html", url=URL)
    assert fragment.root.own() == "a c"
    assert fragment.text == "a <b>c</b>"
    assert fragment.root.values(compile_xpath(".//b | self::body")) == ["a c", "c"]


def test_fragments_of_other_kinds_are_parsed_as_pages_are():
    assert parse_fragment('{"a": 1}', kind="json", url=URL).root.values(compile_jmespath("a")) == [1]
    assert parse_fragment("<a><b>x</b></a>", kind="xml", url=URL).root.values(compile_css("b")) == ["x"]
    assert parse_fragment("x", kind="text", url=URL).root.own() == "x"


def test_any_value_can_be_a_row_of_a_page():
    document = parse_document(b"<p>x", kind="html", url=URL)
    row = value_scope({"a": [1, " b "]}, document)
    assert row.is_row
    assert row.language == "jmespath"
    assert row.document is document
    assert row.values(compile_jmespath("a[1]")) == ["b"]


def test_a_page_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        for kind, body in (("html", b"<p>x<b>y"), ("json", b'{"a": 1}'), ("xml", b"<a><b/></a>")):
            document = parse_document(body, kind=kind, url=URL)
            document.use_xpath()
            query = compile_jmespath("@") if kind == "json" else compile_xpath("//*")
            rows = document.root.rows(query)
            token = _Token()
            document.stats["token"] = token
            gone = weakref.ref(token)
            del document, rows, token
            assert gone() is None, kind
    finally:
        gc.enable()


class _Token:
    """Something that can be watched being freed."""


QUERIES = [
    *map(compile_css, ["*", "a::attr(href)", "p ::text", "div p > a, li::text", "td:contains('x')", "p:not(div p)"]),
    *map(compile_xpath, ["//*", "//@*", "//text()", "count(//p)", "string(/)", "//comment()", "//p[2]/.."]),
    *map(compile_jmespath, ["@", "a", "[*]", "length(@)", "keys(@)"]),
]
ROW_QUERIES = [compile_css(selector, row=True) for selector in ("> a", "+ *", "~ p::text", ":scope")]
PIECES = [
    *(b"<p>", b'<a href="', b'">', b"</a>", b"<table><tr>", b"<td>", b"\x00", b"\xff", b"\xed\xa0\x80", b"<script>"),
    *(b"</script>", b"<!--", b"-->", b'{"a":', b"[", b"]", b"}", b'"\\ud800"', b"1e99999", b"NaN", b"<rss>", b"text "),
    *(b'<?xml version="1.0" encoding="utf-16"?>', b"<!DOCTYPE", b"<![CDATA[", b"]]>", b"&#0;", b"&#xD800;", b"&amp;"),
    *(
        b"<meta charset=utf-7>",
        b"<meta charset=hex>",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b'<base href="http://[">',
        b"<svg>",
    ),
    *(
        b"<template>",
        b"<select><option>",
        b"<frameset>",
        b"<plaintext>",
        b"<b id=1>",
        b"<x:y z:w=1>",
        b"\x1b\x0c",
        b"<",
    ),
]


def _use(document) -> None:
    """Ask everything; a query that cannot work on a value says so and nothing else."""
    assert isinstance(document.base_url, str)
    document.meta("x")
    for query in QUERIES:
        try:
            document.root.values(query, as_="html", remove=[QUERIES[2]])
            document.root.links(query)
            for row in (document.root.rows(query) or [])[:3]:
                row.own()
                row.preceding(QUERIES[0])
                row.table_cell("x")
                if row.language == "css":
                    for row_query in ROW_QUERIES:
                        row.values(row_query)
        except QueryFailed:
            continue
        document.root.longest_prefix(query)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=120), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)),
    st.sampled_from([None, "html", "xml", "json", "text"]),
    st.sampled_from([None, "text/html; charset=utf-16", "application/json", "text/xml; charset=zzz", "x"]),
)
def test_whatever_the_bytes_are_they_are_read_or_refused(body, kind, content_type):
    try:
        document = parse_document(body, kind=kind, url=URL, content_type=content_type)
    except ParseRefused:
        return
    _use(document)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=60), st.sampled_from(["html", "xml", "json", "text"]))
def test_whatever_the_text_is_a_fragment_is_read_or_refused(text, kind):
    try:
        fragment = parse_fragment(text, kind=kind, url=URL)
    except ParseRefused:
        return
    _use(fragment)


# --- JSON that is more than JSON ---


@pytest.mark.parametrize(
    "body",
    [
        'callback({"a": 1})',
        "/**/ jQuery.cb_12 ( {a: 1} );",
        "window.state = {a: 1};",
        "var state={'a': 1}",
        ')]}\',\n{"a": 1}',
        'while(1);{"a": 1}',
        'for (;;);{"a": 1}',
    ],
)
def test_a_page_of_json_may_be_a_call_or_an_assignment_or_guarded(body):
    assert parse_document(body.encode(), kind="json", url="https://a.test/").root.own() == {"a": 1}


@pytest.mark.parametrize(
    "body", ["<html><script>x = {a: 1}</script>", "Error: {a: 1}", '{"a": 1', "if (x) { y = {a: 1} }", "callback()"]
)
def test_no_other_page_passes_as_json(body):
    with pytest.raises(ParseRefused):
        parse_document(body.encode(), kind="json", url="https://a.test/")


def test_a_fragment_of_json_may_be_any_script_and_counts_what_it_could_not_read():
    document = parse_fragment("if (x) { y() } z = {a: 1, b: f()}", kind="json", url="https://a.test/")
    assert document.root.own() == {"a": 1, "b": None}
    assert document.stats == {"recipe/js_expressions": 1}


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("text/csv; charset=utf-8", "csv"),
        ("text/tab-separated-values", "csv"),
        ("application/x-ndjson", "jsonl"),
        ("application/jsonl", "jsonl"),
        ("application/ld+json", "json"),
    ],
)
def test_files_of_rows_are_known_by_their_content_type(content_type, kind):
    assert parse_document(b"{}\n", kind=None, url="https://a.test/", content_type=content_type).kind == kind


def test_json_ld_and_microdata_are_of_html_and_json_only():
    html = b"<script type='application/ld+json'>{}</script><p itemscope itemtype='https://schema.org/Book'></p>"
    for kind, blocks, items in (("html", ["{}"], [{"@type": "Book"}]), ("xml", [], []), ("text", [], [])):
        document = parse_document(html if kind == "html" else b"<a/>", kind=kind, url="https://a.test/")
        assert (document.linked_data(), document.microdata()) == (blocks, items)
    assert parse_document(b"{}", kind="json", url="https://a.test/").linked_data() == ["{}"]
