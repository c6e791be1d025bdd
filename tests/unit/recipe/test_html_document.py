"""What rules ask of HTML pages: links, meta, rows, HTML, what stands before, and how far a selector gets."""

from __future__ import annotations

import random

import pytest

from crawler.recipe.css_tree import css_string
from crawler.recipe.documents import parse_document
from crawler.recipe.queries import QueryFailed, compile_css, compile_jmespath, compile_xpath

URL = "https://shop.example/list/page?p=1"

PAGE = b"""<!doctype html><html><head><title>T</title><base href="/shop/"><base href="/other/">
<meta name="Description" content=" Words "><meta property="og:title" content="One">
<meta property="og:title" content="Two">
<meta itemprop="price" name="cost" content="5"><meta name="empty" content=""><meta name="none">
<link rel=canonical href="/c"></head><body>
<h2>Chairs</h2><div class=row id=r1><a href=" a.html ">A</a><p class=x>one <b>bold</b></p></div>
<div class=row id=r2><h2 class=in>inside</h2><a href="b.html">B</a><p class=x>two</p></div>
<h2>Tables</h2><div class=row id=r3><a>no link</a><map><area href="m.html"></map><iframe src="f.html"></iframe></div>
</body></html>"""


def page(html: bytes = PAGE):
    return parse_document(html, kind="html", url=URL)


def test_meta_is_found_by_name_property_or_itemprop_without_case():
    document = page()
    assert document.meta("description") == ["Words"]
    assert document.meta("OG:Title") == ["One", "Two"]
    assert document.meta("price") == document.meta("cost") == ["5"]
    assert document.meta("empty") == document.meta("none") == document.meta("gone") == []


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (b"<base href='/shop/'>", "https://shop.example/shop/"),
        (b"<base href='../x/'>", "https://shop.example/x/"),
        (b"<base href='https://cdn.example/'>", "https://cdn.example/"),
        (b"<base target=_top><base href=y>", "https://shop.example/list/y"),
        (b"<base href='http://['>", URL),
        (b"<base href=''>", URL),
        (b"", URL),
    ],
)
def test_the_first_base_with_an_href_counts(base, url):
    assert page(base + b"<p>x").base_url == url


@pytest.mark.parametrize(
    ("query", "links"),
    [
        (compile_css("a"), ["a.html", "b.html"]),
        (compile_css("a, area, iframe, link"), ["/c", "a.html", "b.html", "m.html", "f.html"]),
        (compile_css("a::attr(href)"), ["a.html", "b.html"]),
        (compile_css("a::text"), ["A", "B", "no link"]),
        (compile_css("div"), []),
        (compile_xpath("//a"), ["a.html", "b.html"]),
        (compile_xpath("//a/@href"), ["a.html", "b.html"]),
    ],
)
def test_links_are_read_where_each_element_has_them(query, links):
    assert page().root.links(query) == links


def test_rows_are_elements_in_both_languages():
    root = page().root
    by_css, by_xpath = root.rows(compile_css(".row")), root.rows(compile_xpath("//div"))
    names = compile_css("> a", row=True)
    assert (
        [row.values(names) for row in by_css] == [row.values(names) for row in by_xpath] == [["A"], ["B"], ["no link"]]
    )
    assert all(row.is_row and row.language == "css" for row in by_css)
    assert by_css[0].values(compile_xpath("p/b", row=True)) == ["bold"]
    assert by_css[1].values(compile_xpath("preceding-sibling::*[1]/@id", row=True)) == ["r1"]
    assert root.rows(compile_css(".gone")) == []


def test_preceding_is_the_nearest_before_the_row_and_not_around_it():
    rows = page().root.rows(compile_css(".row"))
    heading = compile_css("h2")
    assert [row.preceding(heading).own() for row in rows] == ["Chairs", "Chairs", "Tables"]
    assert rows[0].preceding(compile_css("body")) is None
    assert rows[0].preceding(compile_css("p")) is None
    assert rows[2].preceding(compile_css(".row b")).own() == "bold"
    assert rows[2].preceding(compile_css("p, h2.in")).own() == "two"
    assert page().root.preceding(heading) is None
    assert rows[2].preceding(heading).is_row


def test_html_is_the_element_itself_without_what_is_removed():
    root = page().root
    assert root.values(compile_css("#r1 p"), as_="html") == ['<p class="x">one <b>bold</b></p>']
    removed = root.values(compile_css("#r1"), as_="html", remove=[compile_css("a, b"), compile_css("#r1")])
    assert removed == ['<div class="row" id="r1"><p class="x">one </p></div>']
    assert root.values(compile_css("#r1 p"), remove=[compile_css("b")]) == ["one"]
    assert root.values(compile_xpath("//p"), remove=[compile_css("b")]) == ["one", "two"]
    (row,) = root.rows(compile_css("#r1"))
    assert row.own(remove=[compile_css("body p")]) == "A\none bold"  # sees nothing above
    assert row.own(as_="html", remove=[compile_css("p, a")]) == '<div class="row" id="r1"></div>'


def test_removing_leaves_the_page_whole():
    root = page().root
    before = root.own(as_="html")
    root.values(compile_css("div"), remove=[compile_css("*")])
    assert root.own(as_="html") == before


def test_removed_text_leaves_the_text_behind_it():
    root = page(b"<p>a<b>x</b>c<b>y</b></p>").root
    assert root.values(compile_css("p"), remove=[compile_css("b")]) == ["ac"]


@pytest.mark.parametrize(
    ("query", "prefix"),
    [
        (compile_css("body .row .price b"), ("body .row", 3)),
        (compile_css(".row > a[title]::attr(href)"), (".row", 3)),
        (compile_css("a::attr(title)"), ("a", 3)),
        (compile_css(".gone b"), ("", 0)),
        (compile_css(".gone, .row .gone"), (".row", 3)),
        (compile_xpath("//div/p/i/text()"), ("//div/p", 2)),
        (compile_xpath("//table/tr"), ("", 0)),
        (compile_jmespath("a.b"), ("", 0)),
    ],
)
def test_a_miss_shows_the_longest_part_that_matches(query, prefix):
    assert page().root.longest_prefix(query) == prefix


def test_a_miss_in_a_row_counts_in_the_row():
    row = page().root.rows(compile_css(".row"))[0]
    assert row.longest_prefix(compile_css("p.x i", row=True)) == ("p.x", 1)
    assert row.longest_prefix(compile_css("> p > i", row=True)) == ("> p", 1)
    assert row.longest_prefix(compile_xpath("p/b/i", row=True)) == ("p/b", 1)


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("count(//div)", ["3"]),
        ("count(//div) div 2", ["1.5"]),
        ("//div = 'x'", ["false"]),
        ("count(//h2) = 3", ["true"]),
        ("string(//h2[3])", []),
        ("normalize-space(//p)", ["one bold"]),
        ("number('x')", []),
        ("//p/text()", ["one", "two"]),
        ("//title | //h2", ["T", "Chairs", "inside", "Tables"]),
        ("//comment()", []),
        ("//a/@gone", []),
    ],
)
def test_what_xpath_gives_becomes_text(expression, values):
    assert page().root.values(compile_xpath(expression)) == values


def test_a_comment_is_its_text():
    assert page(b"<p>x<!-- stock: 5 --></p>").root.values(compile_xpath("//comment()")) == ["stock: 5"]


def test_without_a_doctype_classes_match_in_any_case_as_in_a_browser():
    query = compile_css(".row")
    assert page(b"<!doctype html><p class=Row>x").root.values(query) == []
    assert page(b"<p class=Row>x").root.values(query) == ["x"]


def test_the_templates_of_a_page_are_no_part_of_it():
    root = page(b"<template><p>a</p></template><p>b</p>").root
    assert root.values(compile_css("p")) == root.values(compile_xpath("//p")) == ["b"]


def test_noscript_is_read_because_nothing_runs_scripts():
    assert page(b"<body><noscript><img src=a.png></noscript>").root.values(compile_css("img::attr(src)")) == ["a.png"]


def test_a_body_is_inserted_and_a_tbody_too():
    root = page(b"<table><tr><td>x</table>").root
    assert root.values(compile_css("table > tr")) == []
    assert root.values(compile_css("body > table > tbody > tr")) == ["x"]


@pytest.mark.parametrize("text", ["it's", 'say "hi"', "a\\b", "line\nbreak", "ס"])
def test_contains_takes_any_text(text):
    html = f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p><p>other</p>".encode()
    assert len(page(html).root.values(compile_css(f"p:contains({css_string(text)})"))) == 1


def test_jmespath_on_markup_says_what_to_write_instead():
    with pytest.raises(QueryFailed, match="`css:` or `xpath:`"):
        page().root.values(compile_jmespath("a"))


def test_an_empty_page_is_a_page():
    document = page(b"")
    assert document.root.own() == ""
    assert document.root.values(compile_css("p")) == []
    assert document.root.values(compile_xpath("//p")) == []


#: Bytes that are no UTF-8, or only with the ones beside them; and what stands beside them in a page.
_PIECES = [b"\xff", b"\xc3", b"\xa9", b"\xe2\x82", b"\xac", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"caf\xc3\xa9", b" "]
_PIECES += [b"&eacute;", b"&#130;", b"&", b"<", b"<i>", b"<!--x-->", b"-->", b"<br>", b"\n", b"x"]


@pytest.mark.parametrize("seed", range(100))
def test_what_is_no_utf8_reads_as_if_the_page_had_been_decoded_first(seed):
    drawn = random.Random(seed)

    def some():
        return b"".join(drawn.choices(_PIECES, k=6)).replace(b'"', b"")

    body = b'<!DOCTYPE html><title>t</title><p title="%s" class="k">%s</p><div>%s<pre>%s</pre>%s</div>' % tuple(
        some() for _ in range(5)
    )
    pages = [
        parse_document(each, kind="html", url="https://shop.example/")
        for each in (body, body.decode("utf-8", "replace").encode())
    ]
    queries = [compile_css(text) for text in ("p", "p::attr(title)", "div ::text", "pre::text", "div", ".k")]
    queries += [compile_xpath(text) for text in ("//p/@title", "//div//text()", "//comment()")]
    for query in queries:
        assert pages[0].root.values(query) == pages[1].root.values(query)
        assert pages[0].root.values(query, as_="html") == pages[1].root.values(query, as_="html")
    assert pages[0].text == pages[1].text


@pytest.mark.parametrize("dropped", [b"\x00", b"</i>"])
def test_halves_of_a_character_come_together_over_what_no_page_shows(dropped):
    page = parse_document(b"<p>caf\xc3" + dropped + b"\xa9", kind="html", url="https://shop.example/")
    assert page.root.values(compile_css("p")) == ["café"]
    assert page.root.values(compile_xpath("string(//p)")) == ["café"]
    assert page.text == f"<p>caf\ufffd{dropped.decode()}\ufffd"
