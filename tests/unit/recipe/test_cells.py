"""The short way to a field gives what the long way gives: the same rows, rejects and counters on 60 messy pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, recipe_of, run
from messy_pages import MessyPage

PAGES = 60

FIELDS = """
    heading: h1
    prices: {css: .price, all: true}
    price: {css: .price, process: [price]}
    number: {css: "p, li", process: [{regex: '[0-9]+'}, integer]}
    one: {css: .row .price, process: [price]}
    link: "a::attr(href)"
    links: {css: "a::attr(HREF)", all: true}
    own: "b::text"
    words: {css: "div ::text", all: true}
    word: "div ::text"
    html: {css: .row p, as: html}
    many: {css: li, all: true, process: [unique, {limit: 3}]}
    either: [h4, {css: .sku}, h2, h1]
    read: [{css: .new, process: [price]}, {css: .price, process: [{regex: 'no such'}]}, h3]
    never: [h5, h6]
    otherwise: {css: h6, default: none}
    beside: h2 + p
    child: ul > li
    deep: .row p b
    two: "h2, h3"
    counted: {css: a, as: count}
    without: {css: .row, remove: [a, p]}
    there: {css: h1, when: h2}
"""
XPATHS = """
    heading: {xpath: ".//h1"}
    prices: {xpath: ".//*[@class='price']", all: true}
    price: {xpath: ".//*[@class='price']", process: [price]}
    link: {xpath: ".//a/@href"}
    own: [{xpath: ".//h4/text()"}, {css: .sku}, {xpath: ".//b/text()"}]
    html: {xpath: ".//p/a", as: html}
    many: {xpath: "count(.//a)"}
    bad: {xpath: ".//title | .//td"}
"""
LISTS = dict.fromkeys(("prices", "links", "words", "many"), "{type: array}") | {
    "price": "{type: decimal}",
    "number": "{type: integer}",
    "one": "{type: decimal}",
    "counted": "{type: integer}",
}

#: Rows beside each other, enough of them to be searched together.
MORE = b"<ul class=new>" + b"<li class=row>1<a href=/x>b</a><p><b class=price>2.50</b><p>3<h2>h</h2>" * 9 + b"</ul>"


def seen(result):
    return result.rows, [(reject.reasons, reject.values) for reject in result.rejects], dict(result.stats), result.marks


def both(recipe, body):
    """Without a trace a page is read the short way, with one the long way."""
    short, long = run(recipe, body), run(recipe, body, trace=True)
    assert len(long.traces) >= len(long.rows) > 0 == len(short.traces) or not long.rows
    return seen(short), seen(long)


@pytest.mark.parametrize("each", ["", "each: .row", "each: li", "each: body"])
def test_both_ways_give_the_same_rows_and_counters(each):
    recipe = item_recipe(FIELDS, contract=LISTS, page=each)
    filled: set[str] = set()
    counted: set[str] = set()
    for number in range(PAGES):
        body = b"<h1>one</h1>" + MessyPage(number).body() + MORE
        short, long = both(recipe, body)
        assert short == long, f"page {number}"
        filled |= {name for row in short[0] for name, value in row.values.items() if value not in (None, [])}
        counted |= {name.split("/")[1] for name in short[2]}
    wanted = {"heading", "prices", "price", "link", "own", "words", "html", "either", "otherwise", "beside", "child"}
    assert each or wanted <= filled, "fields that hardly ever have a value prove nothing"
    assert each or {"ambiguous", "alternative", "step_failed"} <= counted


def test_rows_in_rows_are_read_the_same_both_ways():
    recipe = recipe_of(
        """
        start: [{urls: "https://shop.test/", page: page}]
        pages:
          page:
            item: thing
            each: .row
            fields:
              all: {each: p, fields: {b: b, price: {css: .price, process: [price]}, up: "a::attr(href)"}}
        items: {thing: {version: 1, fields: {all: {type: array}}}}
        """
    )
    for number in range(PAGES):
        short, long = both(recipe, b"<div class=row></div>" + MessyPage(number).body())
        assert short == long, f"page {number}"


def test_a_row_sees_nothing_above_itself_either_way():
    recipe = item_recipe("a: .price .amount\nb: div div b\nc: .row b", page="each: .row")
    body = "<div class=price><div class=row><i class=amount>1</i><div><b>2</b></div></div></div>"
    short, long = both(recipe, body)
    assert short == long
    assert short[0][0].values == {"a": None, "b": "2", "c": "2"}


def test_why_a_field_is_missing_is_told_the_same_both_ways():
    recipe = item_recipe("a: h2\nb: [h3, .x]\nc: {css: h1, process: [{regex: '[0-9]'}]}\nd: '.y::attr(z)'")
    short, long = both(recipe, "<h1>one</h1><i class=y>")
    assert short == long
    assert short[0][0].gaps == {
        "a": "css: h2 matches nothing",
        "b": "css: .x matches nothing",
        "c": "the steps leave nothing of 'one'",
        "d": "css: .y::attr(z) matches nothing",
    }


COMMON_XPATHS = """
    heading: {xpath: ".//h1"}
    prices: {xpath: ".//*[@class='price']", all: true}
    price: {xpath: ".//*[@class='price']", process: [price]}
    link: {xpath: ".//a/@href"}
    links: {xpath: ".//a/@href", all: true}
    words: {xpath: ".//p/text()", all: true}
    word: {xpath: ".//p/text()"}
    own: [{xpath: ".//h4/text()"}, {css: .sku}, {xpath: ".//b/text()"}]
    html: {xpath: ".//p/a", as: html}
    second: {xpath: ".//li[2]"}
    after: {xpath: ".//h2/following-sibling::p[1]"}
    holds: {xpath: ".//p[contains(., 'a')]/text()", all: true}
    named: {xpath: "normalize-space(.//p[1])"}
    number: {xpath: ".//b[@class='sku']", process: [{regex: '[0-9]+'}, integer]}
    otherwise: {xpath: ".//h6", default: none}
    never: [{xpath: ".//h5"}, {xpath: ".//h6/@class"}]
"""


@pytest.mark.parametrize("each", ["", "each: .row", "each: li", "each: {xpath: '//ul/li'}"])
def test_xpath_of_the_common_forms_gives_the_same_both_ways(each):
    contract = dict.fromkeys(("prices", "links", "words", "holds"), "{type: array}") | {"price": "{type: decimal}"}
    recipe = item_recipe(COMMON_XPATHS, contract=contract, page=each)
    filled: set[str] = set()
    for number in range(PAGES):
        short, long = both(recipe, b"<h1>one</h1>" + MessyPage(number).body() + MORE)
        assert short == long, f"page {number}"
        assert "recipe/tree_fallback" not in short[2]
        filled |= {name for row in short[0] for name, value in row.values.items() if value not in (None, [])}
    wanted = {"prices", "price", "link", "links", "words", "word", "own", "html", "holds", "named", "otherwise"}
    assert each or wanted <= filled, "fields that hardly ever have a value prove nothing"


def test_json_gives_the_same_both_ways_whatever_stands_under_the_keys():
    recipe = recipe_of(
        """
        start: [{urls: "https://shop.test/", page: page}]
        pages:
          page:
            parse: json
            item: thing
            each: {jmespath: "items[*]"}
            fields:
              a: {jmespath: a}
              deep: {jmespath: b.c}
              either: [{jmespath: a}, {jmespath: b.c}]
              all: {jmespath: d, all: true}
              otherwise: {jmespath: none, default: x}
              stepped: {jmespath: a, process: [upper]}
        items: {thing: {version: 1, fields: {a: {type: string}, deep: {type: string}, all: {type: array}}}}
        """
    )
    values = [" x ", "", "  ", None, 1, 2.50, True, False, [], ["y"], [None], {}, {"c": "z"}, {"c": [1]}, "é", 10**30]
    items = [{"a": value, "b": value, "d": value} for value in values] + [{}, {"b": {"c": " w "}}, "text", None, [1]]
    short, long = both(recipe, json.dumps({"items": items}))
    assert short == long
    assert short[0][0].values["a"] == "x"
    assert "w" in [row.values["deep"] for row in short[0]]


@pytest.mark.parametrize("each", ["", "each: .row", "each: {xpath: '//li'}"])
def test_xpath_gives_the_same_both_ways_also_where_the_trees_differ(each):
    recipe = item_recipe(XPATHS, contract={"prices": "{type: array}", "price": "{type: decimal}"}, page=each)
    moved = 0
    for number in range(PAGES):
        short, long = both(recipe, MessyPage(number).body() + MORE)
        assert short == long, f"page {number}"
        moved += short[2].get("recipe/tree_fallback", 0)
    assert 0 < moved < PAGES / 2


@pytest.mark.parametrize(
    "first",
    ['{xpath: ".//b[true()]"}', '[{xpath: ".//i"}, {xpath: ".//b[true()]"}]', '{xpath: ".//b[true()]", when: b}'],
)
def test_a_fragment_that_goes_over_to_the_other_tree_is_read_on_that_from_there_on(first):
    recipe = recipe_of(FRAGMENTS.replace("FIRST", first))
    html = "<b>1</b><svg><param><path d=1></param><path d=2></svg>"
    short, long = both(recipe, json.dumps({"items": [html, "<b>2</b>"]}))
    assert short == long
    assert short[0][0].values == {"a": "1", "b": "1"}


FRAGMENTS = """
    start: [{urls: "https://shop.test/", page: page}]
    pages:
      page:
        parse: json
        item: thing
        each: {jmespath: "items[*]", parse: html}
        fields:
          a: FIRST
          b: "svg > path::attr(d)"
    items: {thing: {version: 1, fields: {a: {type: string}, b: {type: string}}}}
"""


def test_matches_inside_each_other_whose_texts_are_too_long_together_fail_both_ways():
    recipe = item_recipe("    name: {css: div}")
    body = b"".join(b"<div>a%d" % depth for depth in range(60)) + b"<p>" + b"x" * 100_000
    short, long = both(recipe, body)
    assert short == long
