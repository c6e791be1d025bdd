"""The texts that are cut out of a large page are those that its elements are read for one by one."""

from __future__ import annotations

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe import page_texts, text
from crawler.recipe.css import compile_css
from crawler.recipe.html_document import HtmlDocument
from crawler.recipe.page_texts import LexborTexts, TreeTexts
from crawler.recipe.text import collect, string_of, text_nodes, tree_text, tree_text_nodes, visible_text
from crawler.recipe.xpath import compile_xpath
from tests.unit.recipe.messy_pages import MessyPage
from tests.unit.recipe.tag_soup import tag_soup

PAGES = [
    *(tag_soup(number).decode() for number in range(300)),
    *(MessyPage(number).body().decode("utf-8", "replace") for number in range(20)),
    "<p>a<br>b<i></i><br></p>",
    "<div>a<div>b</div>c</div><div><div></div></div>d<span>e</span>",
    "<div>a<noscript>b<div>c<p>d</p></div><script>e</script></noscript>f</div><script>g</script>",
    "<ul><li>a <b> b </b><li>c</ul>text behind",
]


@pytest.fixture
def nothing_is_free(monkeypatch):
    monkeypatch.setattr(page_texts, "FREE_NODES", 0)
    monkeypatch.setattr(page_texts, "FREE_STRINGS", 0)


@pytest.mark.usefixtures("nothing_is_free")
def test_texts_of_lexbors_tree_are_those_of_each_element():
    read = 0
    for html in PAGES:
        parser = LexborHTMLParser(html)
        texts = LexborTexts(parser.root)
        for node in parser.css("*"):
            assert texts.visible(node) == visible_text(node), html
            assert texts.nodes(node) == text_nodes(node), html
            assert texts.string(node) == string_of(node), html
            read += bool(visible_text(node))
    assert read > 1_000


def test_texts_of_lxmls_tree_are_those_of_each_element():
    read = 0
    for html in PAGES:
        tree = etree.fromstring(f"<html>{html}".encode(), etree.HTMLParser(encoding="utf-8"))
        texts, elements = TreeTexts(tree), list(tree.iter(etree.Element))
        for element in elements:
            assert texts.visible(element) == tree_text(element), html
            assert texts.nodes(element) == tree_text_nodes(element), html
            read += bool(tree_text(element))
    assert read > 1_000


@pytest.mark.usefixtures("nothing_is_free")
def test_what_is_no_part_of_the_page_is_read_as_it_is():
    parser = LexborHTMLParser("<div>a<p>b</p></div>")
    texts = LexborTexts(parser.root)
    copy = parser.css_first("div").clone()
    copy.css_first("p").decompose()
    assert (texts.visible(parser.css_first("div")), texts.visible(copy)) == ("a\nb", "a")
    assert (texts.nodes(copy), texts.string(copy)) == (["a"], "a")


def test_a_page_is_read_element_by_element_until_that_has_taken_many_steps(monkeypatch):
    monkeypatch.setattr(page_texts, "FREE_NODES", 10)
    parser = LexborHTMLParser(f"<main>{'<div>x<b>y</b></div>' * 20}</main>")
    texts, main = LexborTexts(parser.root), parser.css_first("main")
    walked = []
    monkeypatch.setattr(texts, "_walk", lambda root, found, hidden: walked.append(root.tag))
    for div in parser.css("div"):
        assert texts.visible(div) == "xy"
    assert texts.visible(main).startswith("xy\nxy")
    assert walked == ["html"]


def test_only_large_pages_are_kept_in_slices():
    small, large = (HtmlDocument.of_fragment("<p>x" * number, url="https://shop.test/") for number in (100, 6_000))
    assert small.visible_text is visible_text
    assert large.visible_text is not visible_text
    assert large.visible_text(large.top) == visible_text(large.top)


def test_elements_inside_each_other_are_not_walked_through_once_for_each_around(monkeypatch):
    document = HtmlDocument.of_fragment(("<div>" + "<b></b>" * 200) * 400, url="https://shop.test/")
    looked_at = []

    def counted(node, parts):
        looked_at.append(collect(node, parts))
        return looked_at[-1]

    monkeypatch.setattr(page_texts, "collect", counted)
    monkeypatch.setattr(text, "collect", counted)
    assert document.root.values(compile_css("div")) == [""] * 400
    assert 0 < sum(looked_at) < 200_000


def test_strings_of_elements_inside_each_other_are_asked_of_lexbor_a_few_times(monkeypatch):
    document = HtmlDocument.of_fragment(("<div>" + "<b>x</b>" * 20) * 400, url="https://shop.test/")
    asked = []
    monkeypatch.setattr(page_texts, "string_of", lambda node: asked.append(node) or string_of(node))
    assert len(document.root.values(compile_xpath("//div[contains(., 'x')]"))) == 400
    assert 0 < len(asked) <= 100
