"""What an XPath may cost: hostile ones are not run, and those of recipes are, also on large pages."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))

from messy_pages import MessyPage

from crawler.recipe.documents import parse_document
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.xpath import XPathQuery, compile_xpath
from crawler.recipe.xpath_cost import shape_of
from crawler.recipe.xpath_plan import names_in

ROW = (
    "<tr class='row'><th>{0}</th><td><a href='/p/{0}'>Chair {0}</a></td><td class=price>{0}.50</td>"
    "<td><span>Weight</span><b>3 kg</b></td></tr>"
)
SHOP = (
    "<!doctype html><body><div id=main><h1>Chairs</h1><table id=list>"
    + "".join(ROW.format(number) for number in range(4_000))
    + "</table><dl><dt>UPC</dt><dd>a1</dd></dl></div>"
)


def on_lxml(expression: str) -> XPathQuery:
    """The expression as libxml2 evaluates it, whatever its form."""
    return replace(compile_xpath(expression), direct=None)


@pytest.fixture(scope="module")
def shop():
    """The shop's page of 52,000 nodes."""
    return parse_document(SHOP.encode(), kind="html", url="u").root


ORDINARY = (
    "//h1",
    "//th[.='7']/following-sibling::td[1]",
    "//th[normalize-space()='7']/following-sibling::td[2]",
    "//tr[th='7']/td/a/@href",
    "//tr[.//a[contains(., 'Chair 7')]]",
    "//span[starts-with(., 'Weight')]/../b",
    "//table[@id='list']//tr[@class='row'][3]/preceding-sibling::tr[1]",
    "//dt[.='UPC']/following-sibling::dd",
    "//h1/following::a[1]",
    "//*[@id='list']/following::dd",
    "//a[contains(@href, '/p/9')]/ancestor::tr[1]/td[last()]",
    "count(//tr[td[@class='price']])",
    "//td[@class='price']/text() | //h1/text()",
    "(//tr)[last()]//b",
    "//tr[position() > 3900]//a",
    "normalize-space(//h1)",
    "concat(//h1, ': ', //dt)",
    "//div[not(.//form)]//h1",
    "//a[string-length(.) > 9]",
)


@pytest.mark.parametrize("expression", ORDINARY)
def test_what_recipes_ask_for_is_run_on_a_large_page(shop, expression):
    assert shop.values(on_lxml(expression)) == shop.values(compile_xpath(expression)) != []


HOSTILE = (
    "//*[count(//*) > 5]",
    "//*[. = //td]",
    "//td/following::td",
    "//tr/following-sibling::tr/following-sibling::tr",
    "//*[preceding::*]",
    "//*[count(following::a) > 3]",
    "//a[//b[//i]]",
    "//*/ancestor::*/descendant::*",
)


@pytest.mark.parametrize("expression", HOSTILE)
def test_what_would_take_long_is_not_run_and_said(shop, expression):
    with pytest.raises(QueryFailed, match="could take seconds on this page"):
        shop.values(on_lxml(expression))


@pytest.mark.parametrize("expression", [*ORDINARY, *HOSTILE])
def test_a_small_page_refuses_nothing(expression):
    page = "<h1>x</h1><table><tr><th>7</th><td><a>x</a></td></tr></table><dl><dt>UPC</dt><dd>a1</dd></dl>"
    parse_document(page.encode(), kind="html", url="u").root.values(on_lxml(expression))


def test_a_predicate_that_leaves_few_is_believed():
    page = "<ul>" + "<li class=a>x</li>" * 9_000 + "<li id=b>y</li>" + "<li>z</li>" * 5 + "</ul>"
    root = parse_document(page.encode(), kind="html", url="u").root
    assert root.values(on_lxml("//li[@id='b']/following-sibling::li")) == ["z"] * 5
    with pytest.raises(QueryFailed):
        root.values(on_lxml("//li[@class]/following-sibling::li"))


def test_the_shape_of_a_tree_is_what_it_is_made_of():
    shape = shape_of(etree.fromstring("<a>xx<b><c/>yyy</b><b/>z</a>"))
    assert (shape.nodes, shape.deepest, shape.characters) == (7, 3, 6)
    assert shape.names == {"a": 1, "b": 2, "c": 1}
    assert shape.strings == 6 + 3


@pytest.mark.parametrize("number", range(20))
def test_the_bounds_of_a_tree_are_not_below_its_shape(number):
    document = parse_document(MessyPage(number).body(), kind="html", url="u")
    second = document.second()
    shape = shape_of(second.tree)
    assert shape.is_within(second.bounds(), shape.names.keys())


def test_what_was_cheap_on_one_page_is_looked_at_again_on_another():
    query = compile_xpath("//*[count(.//*) > //p]")
    small = "<div><p>1</p></div>"
    assert parse_document(small.encode(), kind="html", url="u").root.values(query) == ["1", "1"]
    large = "<div>" * 60 + "<i></i><p>1</p>" * 3_000
    with pytest.raises(QueryFailed, match="could take seconds"):
        parse_document(large.encode(), kind="html", url="u").root.values(query)
    other = "<div>" * 3 + "<p>1</p>" * 30
    assert parse_document(other.encode(), kind="html", url="u").root.values(query)


def test_names_of_a_plan_are_those_that_it_asks_for():
    plan = compile_xpath("//a[count(//b) > 1]/following::c[d = concat(e, //f)] | (//g)[.//h]").plan
    assert plan is not None
    assert names_in(plan) == set("abcdefgh")
