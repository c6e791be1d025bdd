"""`jsonld` and `microdata` in recipes: sources, rules, rows, and pages whose data is broken."""

import json
import time

import pytest

from crawler.errors import RecipeError
from tests.unit.recipe.engine import item_recipe, recipe_of, row, run

READ = item_recipe("name: {from: ld, jmespath: name}", page="sources:\n  ld: {jsonld: Product}")


def script(data, kind="application/ld+json"):
    text = data if isinstance(data, str) else json.dumps(data)
    return f'<script type="{kind}">{text}</script>'


def test_a_node_is_read_by_its_name_in_sources():
    assert row(READ, script({"@type": "Product", "name": "Oak"})) == {"name": "Oak"}


@pytest.mark.parametrize("kind", ["application/ld+json", "Application/LD+JSON", "application/ld+json; charset=utf-8"])
def test_scripts_are_known_by_their_type(kind):
    assert row(READ, script({"@type": "Product", "name": "Oak"}, kind))["name"] == "Oak"
    assert row(READ, script({"@type": "Product", "name": "Oak"}, "application/json"))["name"] is None


@pytest.mark.parametrize(
    "text",
    [
        '<!-- {"@type": "Product", "name": "Oak"} -->',
        '// <![CDATA[\n{"@type": "Product", "name": "Oak"}\n// ]]>',
        '/*<![CDATA[*/[{"@type": "Product", "name": "Oak"}]/*]]>*/',
        '\n\ufeff{"@type": "Product", "name": "Oak"}\n',
    ],
)
def test_what_old_pages_wrap_scripts_in_is_taken_off(text):
    result = run(READ, script(text))
    assert result.rows[0].values["name"] == "Oak"
    assert "recipe/jsonld_unparsed" not in result.stats


@pytest.mark.parametrize(
    "broken", ["", "{", '{"a" "b"}', "[" * 5_000, "\x00", "<p>", '{"@type": "Product", "name": "x"']
)
def test_a_block_that_does_not_parse_is_left_out_and_counted(broken):
    result = run(READ, script(broken) + script({"@type": "Product", "name": "Oak"}))
    assert result.rows[0].values["name"] == "Oak"
    assert result.stats["recipe/jsonld_unparsed"] == 1


def test_several_nodes_are_counted_and_the_pages_own_is_taken():
    blocks = [script({"@type": "Product", "name": name, "url": url}) for name, url in (("a", "/p/2"), ("b", "/p/1"))]
    result = run(READ, "".join(blocks))
    assert result.rows[0].values["name"] == "b"
    assert result.stats["recipe/ambiguous/sources.ld"] == 1


def test_the_address_that_was_asked_for_is_the_pages_too():
    blocks = [script({"@type": "Product", "name": name, "url": url}) for name, url in (("a", "/p/2"), ("b", "/p/3"))]
    result = run(READ, "".join(blocks), asked_url="https://shop.test/p/3")
    assert result.rows[0].values["name"] == "b"


def test_raw_nodes_are_as_the_page_has_them():
    recipe = item_recipe(
        "node: {jsonld: Product, raw: true}\ntidy: {jsonld: Product}",
        contract={"node": "{type: object}", "tidy": "{type: object}"},
    )
    node = {"@type": "http://schema.org/Product", "brand": {"name": "Acme"}, "offers": {"price": 5}}
    assert row(recipe, script(node)) == {
        "node": node,
        "tidy": {"@type": "Product", "brand": "Acme", "offers": [{"price": 5}]},
    }


def test_each_makes_a_row_of_every_node():
    recipe = item_recipe("name: name\nprice: 'offers[0].price'", page="each: {jsonld: Product}")
    listed = {"@type": "ItemList", "itemListElement": [{"item": {"@type": "Product", "name": n}} for n in ("a", "b")]}
    assert [one.values["name"] for one in run(recipe, script(listed)).rows] == ["a", "b"]
    assert run(recipe, "<p>nothing</p>").rows == ()


def test_microdata_makes_rows_and_sources_alike():
    html = (
        "<div itemscope itemtype='http://schema.org/Product'><b itemprop=name>Oak</b>"
        "<p itemprop=offers itemscope><link itemprop=availability href='http://schema.org/InStock'></p></div>"
    )
    recipe = item_recipe("name: name\nstock: 'offers[0].availability'", page="each: {microdata: Product}")
    assert run(recipe, html).rows[0].values == {"name": "Oak", "stock": "InStock"}
    raw = item_recipe("stock: offers.availability", page="each: {microdata: Product, raw: true}")
    assert run(raw, html).rows[0].values == {"stock": "http://schema.org/InStock"}


def test_microdata_that_was_cut_is_counted():
    recipe = item_recipe("name: name", page="each: {microdata: Product}")
    html = "<div itemscope itemtype='http://schema.org/Product'>" + "<div itemprop=a>" * 300 + "x" * 100_000
    assert run(recipe, html).stats["recipe/microdata_cut"] == 1


def test_a_page_of_json_may_be_json_ld_itself():
    recipe = item_recipe("name: {from: ld, jmespath: name}", page="parse: json\nsources:\n  ld: {jsonld: Product}")
    assert (
        row(recipe, '{"@graph": [{"@type": "Product", "name": "Oak"}]}', content_type="application/json")["name"]
        == "Oak"
    )


def test_all_gives_every_node():
    recipe = item_recipe("names: {from: ld, jmespath: '[*].name'}", contract={"names": "{type: array}"},
                         page="sources:\n  ld: {jsonld: Product, all: true}")  # fmt: skip
    assert row(recipe, script([{"@type": "Product", "name": n} for n in "ab"]))["names"] == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("{jsonld: Produkt}", "schema.org has no type 'Produkt'", "did you mean 'Product'"),
        ("{jsonld: https://schema.org/Product}", "without it", "write Product"),
        ("{microdata: Xyzzyplugh}", "no type 'Xyzzyplugh'", "whole address"),
        ("{jsonld: Product, from: x}", "'from' does not belong here", "`from` goes with"),
        ("{microdata: Product, jmespath: name}", "does not belong here", "named first"),
        ("{css: h1, raw: true}", "'raw' does not belong here", "`raw` goes with jsonld, microdata"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_cure(rule, message, hint):
    with pytest.raises(RecipeError) as refused:
        item_recipe(f"name: {rule}")
    [problem] = refused.value.problems
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("kind", "key"), [("xml", "jsonld"), ("text", "jsonld"), ("xml", "microdata"), ("json", "microdata")]
)
def test_pages_that_cannot_have_it_are_refused(kind, key):
    with pytest.raises(RecipeError, match=f"a page of {kind} has no"):
        item_recipe(f"name: {{{key}: Product}}", page=f"parse: {kind}")


def test_a_type_that_is_misspelt_in_each_is_refused():
    with pytest.raises(RecipeError, match="did you mean 'Recipe'"):
        recipe_of(
            "start: [{urls: 'https://a.test/', page: p}]\n"
            "pages: {p: {each: {jsonld: Recpe}, item: i, fields: {a: a}}}\n"
            "items: {i: {version: 1, fields: {a: {type: string}}}}\n"
        )


def test_a_megabyte_of_nodes_is_read_soon():
    recipe = item_recipe("name: name\nprice: 'offers[0].price'", page="each: {jsonld: Product}")
    node = {"@type": "Product", "name": "Oak", "url": "/p/7", "brand": {"@id": "#b"}, "offers": {"price": "5.00"}}
    body = script({"@graph": [{"@id": "#b", "name": "Acme"}] + [node] * 9_600})
    assert len(body) > 1_000_000
    started = time.process_time()
    assert len(run(recipe, body).rows) == 9_600
    assert time.process_time() - started < 8


def test_a_megabyte_of_microdata_is_read_soon():
    recipe = item_recipe("name: name\nprice: 'offers[0].price'", page="each: {microdata: Product}")
    item = (
        "<li itemscope itemtype='http://schema.org/Product'><b itemprop=name>Oak</b><img itemprop=image src=a.jpg>"
        "<p itemprop=offers itemscope><i itemprop=price>5.00</i></p></li>"
    )
    body = "<ul>" + item * 6_000
    assert len(body) > 1_000_000
    started = time.process_time()
    assert len(run(recipe, body).rows) == 6_000
    assert time.process_time() - started < 8


@pytest.mark.parametrize("rule", ["{from: s, jmespath: a}", "{from: x, jmespath: a}"])
def test_the_text_of_a_script_keeps_its_blanks_and_lines(rule):
    page = 'sources:\n  s: {css: "script::text", parse: json}\n  x: {xpath: "//script/text()", parse: json}'
    recipe = item_recipe(f"v: {rule}", page=page)
    assert row(recipe, "<script>\n// a  comment\ns = {a: 'two  blanks'}\n</script>")["v"] == "two  blanks"
    broken = "<table><b><tr><td><p></table>"  # trees that differ: the page goes over to lxml's
    assert row(recipe, broken + "<script>\n// a\ns = {a: 'two  blanks'}\n</script>")["v"] == "two  blanks"
