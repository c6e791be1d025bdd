"""A selector written in CSS and in XPath gives the same values, on 200 messy pages that are generated here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

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

WORDS = ["Chair", "Samba", "café", "כיסא", "Größe", "1,290.00", "a & b", "x < y", "“quoted”", "naïve", "₪", "Size", "M"]
ENTITIES = ["&nbsp;", "&amp;", "&lt;", "&#8364;", "&eacute;", "&bogus;", "&", "&#0;", "&shy;", "&copy"]


class _Messy:
    """Writes one page; every fault is one that real pages have."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.number = number

    def page(self) -> bytes:
        doctype = self.random.choice(["<!doctype html>", "<!DOCTYPE html>", "", ""])
        head = self.maybe("<head>") + "<title>Page &amp; more</title>" + self.maybe("<base href='/shop/'>")
        head += "<noscript><link rel=x><style>p{}</style></noscript>" + self.maybe("</head>")
        blocks = [self.random.choice(self.blocks)(self) for _ in range(self.random.randint(5, 25))]
        body = self.maybe('<body class="home" lang=en-GB>') + "".join(blocks) + self.maybe("</body></html>")
        charset, encoding = self.random.choice(
            [
                ("utf-8", "utf-8"),
                ("windows-1255", "cp1255"),
                ("iso-8859-1", "utf-8"),  # the page lies
                ("utf-8", "cp1252"),
                ("", "utf-8"),
            ]
        )
        meta = f"<meta charset={charset}>" if charset else ""
        text = f"{doctype}{self.maybe('<!-- before -->')}<html>{meta}{head}{body}{self.maybe('<!-- after -->')}"
        return text.encode(encoding, "xmlcharrefreplace")

    def maybe(self, text: str) -> str:
        return text if self.random.random() < 0.6 else ""

    def word(self) -> str:
        return self.random.choice(WORDS).replace("<", self.random.choice(["&lt;", "< "]))

    def text(self) -> str:
        pieces = [self.random.choice([self.word(), self.word(), self.random.choice(ENTITIES)]) for _ in range(4)]
        return self.random.choice([" ", "\n  ", "\t", ""]).join(pieces)

    def inline(self) -> str:
        return self.random.choice(
            [
                self.text(),
                f"<b>{self.text()}<i>{self.text()}</b>{self.text()}</i>",
                f"<b class=sku>{self.number}-A</b>",
                f"<span class='price{self.maybe(' new')}'>{self.text()}",
                f'<span class="\n price  old ">{self.text()}</span>',
                f"<a href='/p/{self.number}.html' title='t {self.number}'>{self.text()}</a>",
                f"<a href=?id={self.number}>{self.text()}<a>{self.text()}</a>",
                f"<A HREF='x.html'>{self.text()}</A>",
                "a<br>b<br/>c",
                f"<img src=/i/{self.number}.png alt='An image'>",
                f"<div class=photo><img src=/d/{self.number}.png></div>",
                f"<picture><source srcset=a><img src=b.png alt></picture>{self.maybe('<wbr>')}",
                f"<code>x<em>y</em>z</code><font color=red>{self.text()}",
                f"<!-- {self.text()} <p>no</p> -->",
                "<!--[if IE]><p>old</p><![endif]-->",
                f"</div></span>{self.text()}",
            ]
        )

    def paragraphs(self) -> str:
        return "".join(f"<p>{self.inline()}{self.maybe('</p>')}" for _ in range(self.random.randint(1, 4)))

    def heading(self) -> str:
        level = self.random.choice("123")
        return f"<h{level}>{self.inline()}{self.maybe(f'</h{level}>')}<p>{self.inline()}"

    def listing(self) -> str:
        items = "".join(
            f"<li class={self.random.choice(['a', 'b'])}>{self.inline()}{self.maybe('</li>')}" for _ in range(4)
        )
        return f"<ul>{items}{self.maybe('<ul><li>in a list</ul>')}</ul>"

    def table(self) -> str:
        rows = "".join(
            f"<tr><th>{self.word()}{self.maybe('</th>')}<td>Size {self.inline()}<td>{self.inline()}{close}"
            for close in ("</tr>", "", "</tr>")
        )
        junk = self.maybe("junk <div class=row>in a table</div>")
        inner = self.maybe("<table><tr><td>nested</table>")
        return f"<table>{self.maybe('<caption>c')}{junk}{rows}<tr><td>{inner}</table>"

    def row(self) -> str:
        inner = self.inline() + self.paragraphs()
        return f"<div class='row' id={self.random.choice(['main', 'x'])}>{inner}{self.maybe('</div>')}"

    def definitions(self) -> str:
        return f"<dl><dt>{self.word()}<dd>{self.inline()}<dt>{self.word()}</dt><dd>{self.text()}</dl>"

    def hidden(self) -> str:
        return (
            f"<noscript><img src=/n/{self.number}.gif><p>{self.text()}</noscript>"
            f"<template><div class=row><li>{self.text()}</template>"
            "<script>if (a<b) document.write('<p class=\"row\">x</p>')</script><style>ul>li{color:red}</style>"
            "<textarea>\n<p>typed</p></textarea><iframe><p>frame</p></iframe>"
        )

    def form(self) -> str:
        options = f"<option>{self.word()}<option selected value=2>{self.text()}<optgroup label=g><option>z"
        return f"<form><form><select>{options}</select><input type=hidden value=1><button><p>Go</button></form>"

    def drawing(self) -> str:
        odd = "<param><path d=M2></param>" if self.random.random() < 0.05 else ""  # no void element in SVG
        return f"<svg viewBox='0 0 1 1'><path d='M0 0'/><g>{odd}<path d='M1 1'></path></g><title>t</title></svg>"

    def old(self) -> str:
        return f"<center><font size=2><p>{self.text()}<p>{self.text()}</font></center><my-box x>{self.text()}</my-box>"

    blocks = (paragraphs, heading, listing, table, row, definitions, hidden, form, drawing, old)


@pytest.fixture(scope="module")
def pages() -> list[Document]:
    """Parsed, with both trees made."""
    documents = []
    for number in range(PAGES):
        document = parse_document(_Messy(number).page(), kind="html", url="https://shop.example/")
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
