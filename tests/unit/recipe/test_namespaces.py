"""Namespaces of XML: declared ones are kept apart, all others are taken off."""

import pytest

from crawler.errors import RecipeError
from tests.unit.recipe.engine import item_recipe, row, run

FEED = """<?xml version="1.0"?>
<rss xmlns:x="http://base.google.com/ns/1.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>
<item><media:title>Media</media:title><x:title x:id="7" id="8">Goods</x:title><title>Plain</title>
<x:price>5</x:price></item>
</channel></rss>"""
DECLARED = "parse: xml\nnamespaces: {g: 'http://base.google.com/ns/1.0'}"


def read(rule, page=DECLARED):
    return row(item_recipe(f"v: {rule}", page=page), FEED, content_type="application/xml")["v"]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ('"g|title"', "Goods"),
        ("title", "Media"),
        ('"item > title"', "Media"),
        ('"item > g|price"', "5"),
        ('"item > g|*"', "Goods"),
        ('"item > :not(g|title):not(title)"', "5"),
        ('"g|title::attr(g|id)"', "7"),
        ('"g|title::attr(id)"', "8"),
        ('{xpath: "//g:title"}', "Goods"),
        ('{xpath: "//g:title/@g:id"}', "7"),
        ('{xpath: "//title[2]"}', "Plain"),
        ('{xpath: "//item/g:*[2]"}', "5"),
        ('{xpath: "count(//g:title)"}', "1"),
        ('"g|nothing"', None),
        ('"g|title > nothing"', None),
        ('{xpath: "//g:nothing/title"}', None),
    ],
)
def test_names_with_a_prefix_are_of_that_namespace_and_names_without_are_not(rule, value):
    assert read(rule) == value


def test_without_namespaces_names_match_in_all_of_them():
    assert read("{css: title, all: true, process: [{join: ' '}]}", page="parse: xml") == "Media Goods Plain"


def test_rows_and_sources_of_xml_know_the_prefixes():
    recipe = item_recipe("v: 'g|title'", page=f"{DECLARED}\neach: item")
    assert run(recipe, FEED, content_type="application/xml").rows[0].values == {"v": "Goods"}
    page = "sources:\n  feed: {css: 'script#f::text', parse: xml}\nnamespaces: {g: 'http://base.google.com/ns/1.0'}"
    recipe = item_recipe("v: {from: feed, css: 'g|title'}", page=f"parse: html\n{page}")
    html = f"<script id=f type=text/xml>{FEED.partition('?>')[2]}</script>"
    assert run(recipe, html).rows[0].values == {"v": "Goods"}


def test_what_a_selector_with_a_prefix_gets_to_can_be_told():
    from crawler.recipe.documents import parse_document
    from crawler.recipe.queries import compile_css, compile_xpath

    uri = "http://base.google.com/ns/1.0"
    scope = parse_document(FEED.encode(), kind="xml", url="https://a.test/", namespaces=(uri,)).root
    assert scope.longest_prefix(compile_css("g|title nothing", namespaces={"g": uri})) == ("g|title", 1)
    assert scope.longest_prefix(compile_xpath("//g:title/nothing", namespaces={"g": uri})) == ("//g:title", 1)


def test_a_misspelt_prefix_is_reported_at_both_of_its_ends():
    with pytest.raises(RecipeError) as refused:
        item_recipe("v: 'good|title'", page="parse: xml\nnamespaces: {goods: 'http://a.test/'}")
    used, declared = sorted(problem.path for problem in refused.value.problems)
    assert (used, declared) == ("pages.page.fields.v", "pages.page.namespaces.goods")


@pytest.mark.parametrize(
    ("rule", "page", "message"),
    [
        ('"h|title"', DECLARED, "there is no such namespace; .*namespaces: {h:"),
        ('"g|title"', "parse: xml", "there is no such namespace"),
        ('"*|title"', DECLARED, "there is no such namespace"),
        ('"title::attr(h|id)"', DECLARED, "there is no such namespace"),
        ('{xpath: "//h:title"}', DECLARED, "there is no such namespace; .*declare the prefix"),
        ('{xpath: "//g:"}', DECLARED, "does not compile"),
        ('{xpath: "//g:foo(1)"}', DECLARED, "is not supported"),
        ("title", "parse: html\nnamespaces: {g: 'http://a.test/'}", "only XML has namespaces"),
    ],
)
def test_what_cannot_be_is_refused_with_the_cure(rule, page, message):
    with pytest.raises(RecipeError, match=message):
        item_recipe(f"v: {rule}", page=page)
