"""A selector written in CSS and in XPath gives the same values, on 200 messy pages that are generated here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from messy_pages import MessyPage

from crawler.recipe.documents import parse_document
from crawler.recipe.queries import compile_css, compile_xpath

if TYPE_CHECKING:
    from crawler.recipe.documents import Document

PAGES = 200


def _class(name: str) -> str:
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


#: (CSS, XPath)
SELECTORS = [
    ("h1", "//h1"),
    (".price", f"//*[{_class('price')}]"),
    ("#main", "//*[@id='main']"),
    ("div.row", f"//div[{_class('row')}]"),
    ("span.price.new", f"//span[{_class('price')} and {_class('new')}]"),
    ("ul > li", "//ul/li"),
    ("ul li", "//ul//li"),
    ("li:first-child", "//li[not(preceding-sibling::*)]"),
    ("li:last-child", "//li[not(following-sibling::*)]"),
    ("li:nth-child(2)", "//li[count(preceding-sibling::*) = 1]"),
    ("li:nth-child(odd)", "//li[count(preceding-sibling::*) mod 2 = 0]"),
    ("table tr td", "//table//tr//td"),
    ("tbody > tr", "//tbody/tr"),
    ("td:nth-of-type(2)", "//td[2]"),
    ("tr:nth-last-child(1) td", "//tr[not(following-sibling::*)]//td"),
    ("h2 + p", "//h2/following-sibling::*[1][self::p]"),
    ("h2 ~ p", "//h2/following-sibling::p"),
    ("a[href]", "//a[@href]"),
    ("a[href^='/p']", "//a[starts-with(@href, '/p')]"),
    ("a[href$='.html']", "//a[substring(@href, string-length(@href) - 4) = '.html']"),
    ("a[href*='id=']", "//a[contains(@href, 'id=')]"),
    ("a:not([href])", "//a[not(@href)]"),
    ("img::attr(src)", "//img/@src"),
    ("a::attr(href)", "//a/@href"),
    ("b.sku::text", f"//b[{_class('sku')}]/text()"),
    ("code ::text", "//code//text()"),
    ("h1, h2, h3", "//h1 | //h2 | //h3"),
    ("a::attr(title), img::attr(alt)", "//a/@title | //img/@alt"),
    ("option[selected]", "//option[@selected]"),
    ("dl dt + dd", "//dl//dt/following-sibling::*[1][self::dd]"),
    ("picture > img", "//picture/img"),
    ("div:has(> img)", "//div[img]"),
    ("li:has(a)", "//li[.//a]"),
    ("li:not(:has(a))", "//li[not(.//a)]"),
    ("td:contains('Size')", "//td[.//text()[contains(., 'Size')]]"),
    ("[lang|=en]", "//*[@lang = 'en' or starts-with(@lang, 'en-')]"),
    ("svg path::attr(d)", "//svg//path/@d"),
    ("noscript img::attr(src)", "//noscript//img/@src"),
    ("p:not(.row p)", f"//p[not(ancestor::div[{_class('row')}])]"),
    ("body", "//body"),
]


@pytest.fixture(scope="module")
def pages() -> list[Document]:
    """Parsed, with both trees made."""
    documents = []
    for number in range(PAGES):
        document = parse_document(MessyPage(number).body(), kind="html", url="https://shop.example/")
        document.use_xpath()
        documents.append(document)
    return documents


@pytest.mark.parametrize(("css", "xpath"), SELECTORS)
def test_both_forms_give_the_same_values_on_every_page(css, xpath, pages):
    in_css, in_xpath = compile_css(css), compile_xpath(xpath)
    found = 0
    for number, document in enumerate(pages):
        by_css = document.root.values(in_css)
        assert by_css == document.root.values(in_xpath), f"page {number}"
        found += len(by_css)
    assert found >= PAGES / 10, "a selector that matches hardly anything proves nothing"


def test_there_are_forty_selectors():
    assert len(SELECTORS) == 40


@pytest.mark.parametrize("each", ["div.row", "li", "tr"])
def test_rows_read_alike_in_both_languages(each, pages):
    css = compile_css("a, .price, img", row=True)
    xpath = compile_xpath(f".//a | .//*[{_class('price')}] | .//img", row=True)
    for document in pages:
        for row in document.root.rows(compile_css(each)):
            assert row.values(css) == row.values(xpath)


def test_the_two_trees_differ_on_few_pages_only(pages):
    fallbacks = sum(document.stats.get("recipe/tree_fallback", 0) for document in pages)
    assert 0 < fallbacks <= PAGES / 10, "both ways must be tried"
