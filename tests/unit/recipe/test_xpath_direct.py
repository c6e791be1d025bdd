"""XPath of the common forms gives on lexbor's tree what libxml2 gives on the second one.

On pages and of expressions that are made here, and form by form.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from messy_pages import MessyPage
from random_xpaths import RandomXPath
from tag_soup import tag_soup

from crawler.recipe.css_lexbor import Columns
from crawler.recipe.documents import parse_document
from crawler.recipe.queries import compile_css, compile_xpath

if TYPE_CHECKING:
    from crawler.recipe.html_document import HtmlDocument, HtmlScope
    from crawler.recipe.xpath import XPathQuery

EXPRESSIONS = 1_500
ROWS = compile_css("li, tr, div, td")


def parsed(body: bytes) -> HtmlDocument:
    return parse_document(body, kind="html", url="https://shop.example/")


TEXTS = compile_xpath("string(//html)")


def alike(bodies: list[bytes]) -> list[HtmlDocument]:
    """The pages of which both trees have the same elements and texts.

    Where a page has been written down and read again, a comment in the <textarea> of a formula is text, and a <pre> may
    have lost or won a line end.
    """
    documents = [document for document in map(parsed, bodies) if not document.second().differs]
    assert TEXTS.direct is not None
    return [
        document
        for document in documents
        if results(document.root, TEXTS) == results(document.root, replace(TEXTS, direct=None))
    ]


@pytest.fixture(scope="module")
def messy() -> list[HtmlDocument]:
    return alike([MessyPage(number).body() for number in range(1_000, 1_040)])


@pytest.fixture(scope="module")
def soup() -> list[HtmlDocument]:
    return alike([tag_soup(number) for number in range(600)])


def results(scope: HtmlScope, query: XPathQuery) -> list[object]:
    return [each if isinstance(each, str) else (each.tag, each.mem_id) for each in scope._xpath(query)]


def differences(pages: list[HtmlDocument], numbers: range, *, of_each: int) -> tuple[list[str], int, int]:
    """Expressions that give something else; how many there were of the common forms; how often they gave anything."""
    wrong, common, given = [], 0, 0
    for number in numbers:
        row = number % 4 == 0
        text = RandomXPath(number).whole(row=row)
        query = compile_xpath(text, row=row)
        common += query.direct is not None
        for document in random.Random(number).sample(pages, of_each) if query.direct is not None else ():
            for scope in (document.root.rows(ROWS) or [])[:6] if row else [document.root]:
                expected = results(scope, replace(query, direct=None))
                given += bool(expected)
                if results(scope, query) != expected:
                    wrong.append(f"{text} on {document.text}")
    return wrong, common, given


def test_messy_pages_are_read_alike(messy):
    wrong, common, given = differences(messy, range(EXPRESSIONS), of_each=4)
    assert wrong == []
    assert common > 0.9 * EXPRESSIONS
    assert given > EXPRESSIONS / 3, "expressions that find nothing prove nothing"


def test_random_tags_are_read_alike(soup):
    wrong, _, given = differences(soup, range(EXPRESSIONS, 2 * EXPRESSIONS), of_each=12)
    assert wrong == []
    assert given > EXPRESSIONS / 6


@pytest.mark.long
def test_many_more_are_read_alike(messy, soup):
    assert differences(messy, range(10_000, 30_000), of_each=6)[0] == []
    assert differences(soup, range(30_000, 60_000), of_each=12)[0] == []


PAGE = b"""<!doctype html><body class=home><div id=a class='x  y'><h1> A <b>b</b> c</h1><ul><li>1<li class=z>2<li>3</ul>
<p>t1<!-- c -->t2<br>t3<p title>u</p><svg viewBox='0 0' xlink:href=x href=y><linearGradient id=g xlink:title=t /></svg>
<template><h1>no</h1></template><table><tr><th>Size<td>M<td>L<tr><th>Weight<td>2</table>
<div class=x>o1<div class=x>i1</div>o2</div><input disabled><a href=' /p '>l</a></div>"""

#: (expression, results; elements by their name)
COMMON = [
    ("//h1/text()", ["A", "c"]),
    ("string(//h1)", ["A b c"]),
    ("normalize-space(//h1)", ["A b c"]),
    ("//h1", ["<h1>"]),
    ("//li[2]/text()", ["2"]),
    ("//li[last()]/text()", ["3"]),
    ("//li[position() > 1]/text()", ["2", "3"]),
    ("(//li)[last()-1]/@class", ["z"]),
    ("//li[@class='z']/following-sibling::li[1]/text()", ["3"]),
    ("//li[@class='z']/preceding-sibling::li/text()", ["1"]),
    ("//li[3]/preceding-sibling::li[1]/text()", ["2"]),
    ("//div[@id='a']//li[not(@class)]/text()", ["1", "3"]),
    ("//*[contains(concat(' ', normalize-space(@class), ' '), ' y ')]/@id", ["a"]),
    ("//*[@class and contains(concat(' ', normalize-space(@class), ' '), ' y ')]/@id", ["a"]),
    ("//div[contains(concat(' ', @class, ' '), ' y ')]/@id", ["a"]),
    ("//p/text()", ["t1", "t2", "t3", "u"]),
    ("//p[1]/text()[2]", ["t2"]),
    ("//p/text()[last()]", ["t3", "u"]),
    ("//div[@class='x']/text()", ["o1", "i1", "o2"]),
    ("//div[@class='x']/text()[1]", ["o1", "i1"]),
    ("//div[@class='x']//text()", ["o1", "i1", "o2"]),
    ("//div[@class='x']", ["<div>", "<div>"]),
    ("//th[.='Weight']/following-sibling::td", ["<td>"]),
    ("//tr[th='Size']/td[2]/text()", ["L"]),
    ("//table//tr/td[1]/text()", ["M", "2"]),
    ("//td[.='L']/../th/text()", ["Size"]),
    ("//td[contains(., 'M')]/ancestor::table[1]", ["<table>"]),
    ("//a/@href", ["/p"]),
    ("//a[starts-with(@href, ' /p')]/text()", ["l"]),
    ("//@disabled", []),
    ("//input[@disabled='']", ["<input>"]),
    ("//input[@disabled]", ["<input>"]),
    ("//p[@title]/text()", ["u"]),
    ("//svg[@href]/@href", ["y"]),
    ("//svg[@href='y']", ["<svg>"]),
    ("//*[@title]", ["<p>"]),
    ("//template/h1", []),
    ("//ul | //h1/b", ["<b>", "<ul>"]),
    ("//a/@href | //li/@class", ["z", "/p"]),
    ("/html/body/@class", ["home"]),
    ("/html/body/div/h1/b/text()", ["b"]),
    ("//html", ["<html>"]),
    (".//body/@class", ["home"]),
    (".//html", []),
    ("//ul[li[@class='z']]", ["<ul>"]),
    ("//div[.//b]/@id", ["a"]),
    ("//div[not(.//b)]", ["<div>", "<div>"]),
    ("substring-after(//td[.='M'], 'M')", []),
    ("concat(//th[1], ': ', //td[1])", ["Size: M"]),
    ("//h1[text()=' A ']", ["<h1>"]),
    ("//h1[contains(text(), 'c')]", []),
    ("//h1[@id or b]", ["<h1>"]),
]


@pytest.mark.parametrize(("text", "expected"), COMMON)
def test_each_common_form_gives_what_xpath_says_without_a_second_tree(text, expected):
    document = parsed(PAGE)
    query = compile_xpath(text)
    assert query.direct is not None
    found = document.root._xpath(query)
    assert [each if isinstance(each, str) else f"<{each.tag}>" for each in found] == expected
    assert document._second is None
    assert results(document.root, replace(query, direct=None)) == results(document.root, query)


def test_rows_beside_each_other_are_read_like_each_of_them_alone():
    body = b"<ul>" + b"".join(b"<li><p class=x>%d<b><p class=x>b%d</p></b></p></li>" % (n, n) for n in range(20))
    document = parsed(body)
    query = compile_xpath(".//p[@class='x']/text()[1]", row=True)
    rows = document.root.rows(compile_css("li"))
    columns = Columns([row.native for row in rows])
    for row in rows:
        assert query.direct.results(row.at("x", columns)) == row._xpath(replace(query, direct=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".//ul", ["<ul>"]),
        (".//ul/li/text()", ["b"]),
        (".//*/li/text()", ["b"]),
        (".//ul//b/text()", ["c"]),
        ("li/text()", ["a"]),
        ("./li/ul/li/text()", ["b"]),
        (".", ["<ul>"]),
        ("../@id", ["up"]),
    ],
)
def test_a_row_is_none_of_the_elements_inside_it(text, expected):
    rows = parsed(b"<div id=up><ul><li>a<ul><li>b<b>c</b></li></ul></li></ul></div>").root.rows(compile_css("div > ul"))
    query = compile_xpath(text, row=True)
    found = rows[0]._xpath(query)
    assert [each if isinstance(each, str) else f"<{each.tag}>" for each in found] == expected
    assert results(rows[0], query) == results(rows[0], replace(query, direct=None))
