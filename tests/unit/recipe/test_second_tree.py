"""lxml's tree has lexbor's elements, and where it cannot the page goes over to it as a whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, run
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe import html_document, second_tree
from crawler.recipe.documents import parse_document
from crawler.recipe.queries import compile_css, compile_xpath

#: libxml2 by itself makes another tree of each of these.
DIFFICULT = {
    "a table in a paragraph, in quirks mode": "<p>a<table><tr><td>b</table>c",
    "a paragraph in a heading": "<h1>a<p>b</h1>c",
    "a block in a font": "<font><center>a</center></font>",
    "sources of a picture": "<picture><source srcset=a><source srcset=b><img src=c></picture>",
    "a video": "<video><source src=a><track src=b><p>x</video>",
    "breaks in words": "<p>a<wbr>b<wbr>c",
    "a template": "<template><p>a<template><p>b</template></template><p>c",
    "templates twice": "<template a='>'><p>a</template><template a='>'><p>a</template><p>c",
    "markup in a script": "<script>'<source></p>'</script><video><source></video>",
    "markup in an attribute": "<p title='<source>' a=\"'\">x</p><video><source></video>",
    "quotes in names": "<p \"a\" 'b'>x<video><source></video><h1>y<p>z",
    "a comment with markup": "<!-- <source> <h1><p> --><video><source></video><h1>a<p>b",
    "names like those of raw elements": "<title-card><wbr>a<p>b<wbr>c</title-card><svg><title>t</title></svg>d",
    "a drawing": "<svg><linearGradient/><foreignObject><p>x</p></foreignObject></svg>",
    "names that are none": "<a<b>x</a<b><x:y>z</x:y>",
}


@pytest.mark.parametrize("name", DIFFICULT)
def test_the_trees_are_the_same_element_for_element(name):
    document = parse_document(DIFFICULT[name].encode(), kind="html", url="u")
    assert document.root.values(compile_xpath("//*")) == document.root.values(compile_css("*"))
    parents = compile_xpath("count(ancestor::*)", row=True)
    depths = [row.values(parents) for row in document.root.rows(compile_css("*"))]
    assert depths == [row.values(parents) for row in document.root.rows(compile_xpath("//*"))]
    assert document.stats == {}


def test_templates_are_emptied_in_one_pass_and_what_looks_like_them_is_not():
    many = "".join(f"<template id={number}><p>{number}<template>{number}</template></template>" for number in range(9))
    parser = LexborHTMLParser(f"<script>'<template>x</template>'</script><template>x</template>b{many}")
    assert second_tree._serialised(parser, ["template"]) == (
        "<html><head><script>'<template>x</template>'</script><template></template></head><body>b"
        + "".join(f'<template id="{number}"></template>' for number in range(9))
        + "</body></html>"
    )


#: <param> is void in HTML only.
ODD = b"""<div class=r><svg><param><path d=1></param><path d=2></svg><b>1</b></div><div class=r><b>2</b></div>
<table><tr><th>H<tr class=t><td>cell</table>"""


def test_where_the_trees_differ_the_page_is_read_on_lxml_and_counted():
    document = parse_document(ODD, kind="html", url="u")
    assert document.stats == {}
    assert document.root.values(compile_xpath("//b[true()]")) == ["1", "2"]
    assert document.stats == {"recipe/tree_fallback": 1}
    assert document.root.values(compile_css("svg > path::attr(d)")) == document.root.values(
        compile_xpath("//svg/path/@d")
    )


def test_rows_found_before_are_found_again_on_the_other_tree():
    document = parse_document(ODD, kind="html", url="u")
    rows = document.root.rows(compile_css(".r"))
    (inner,) = rows[0].rows(compile_css("b", row=True))
    before = rows[1].preceding(compile_css("b"))
    cell = document.root.rows(compile_css("tr.t"))[0].table_cell("h")
    document.root.values(compile_xpath("//b[true()]"))
    assert document.stats == {"recipe/tree_fallback": 1}
    assert [row.values(compile_css("b", row=True)) for row in rows] == [["1"], ["2"]]
    assert [row.values(compile_xpath("b", row=True)) for row in rows] == [["1"], ["2"]]
    assert (inner.own(), before.own(), cell.own()) == ("1", "1", "cell")
    assert rows[1].preceding(compile_css("b")).own() == "1"
    assert rows[0].links(compile_css("a")) == []
    assert rows[0].longest_prefix(compile_css("div b i")) == ("div b", 1)
    assert rows[1].rows(compile_css("b"))[0].own(as_="html") == "<b>2</b>"
    assert document.root.rows(compile_css("tr.t"))[0].table_cell("H").own() == "cell"


def test_said_beforehand_the_whole_page_is_read_on_one_tree():
    document = parse_document(ODD, kind="html", url="u")
    document.use_xpath()
    assert document.stats == {"recipe/tree_fallback": 1}
    assert document.root.values(compile_css("svg > path::attr(d)")) == document.root.values(
        compile_xpath("//svg/path/@d")
    )


def test_a_page_as_deep_as_the_guard_allows_is_read_by_both_languages():
    document = parse_document(b"<div>" * 508 + b"<b>x", kind="html", url="u")
    document.use_xpath()
    assert document.root.values(compile_xpath("//b[true()]")) == document.root.values(compile_css("b")) == ["x"]


FALLING_BACK = ODD.replace(b"<b>1</b>", b"<b class=x>1</b>")


def test_xpath_that_is_not_reached_costs_no_second_tree(monkeypatch):
    recipe = item_recipe("a: [b, {xpath: '//b[true()]'}]\nb: 'svg > path::attr(d)'")
    monkeypatch.setattr(html_document.HtmlDocument, "second", None)
    result = run(recipe, FALLING_BACK)
    assert result.rows[0].values == {"a": "1", "b": "2"}
    assert "recipe/tree_fallback" not in result.stats


def test_what_was_read_before_the_trees_turned_out_to_differ_is_read_anew_and_counted_once():
    late = item_recipe("b: 'svg > path::attr(d)'\nc: [i, '.x']\na: [i, {xpath: '//b[true()]'}]")
    early = item_recipe("a: [i, {xpath: '//b[true()]'}]\nb: 'svg > path::attr(d)'\nc: [i, '.x']")
    first, second = run(late, FALLING_BACK), run(early, FALLING_BACK)
    assert first.rows[0].values == second.rows[0].values
    assert first.rows[0].values["b"] == "1"
    assert first.stats == second.stats
    assert first.stats["recipe/tree_fallback"] == 1
