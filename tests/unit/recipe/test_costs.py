"""What a page costs, rule by rule, and which engine reads each rule."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe

from crawler.recipe.costs import engines_of, engines_of_page, page_cost
from crawler.recipe.model import PageInput, PageRequest

FIELDS = """
    title: h1
    price: [{xpath: "//b[true()]"}, {css: .price}]
    state: {jmespath: a, from: state}
    name: {jsonld: Product}
    url: {response: url}
    fixed: {const: x}
    every: {each: li, fields: {a: a, b: {xpath: ".//b"}, c: {xpath: "count(.//b)"}}}
    text: "{{ row.title }}!"
"""
CONTRACT = {"every": "{type: array}", "name": "{type: object}"}
PAGE = "sources: {state: {css: script, parse: json}}"
BODY = b'<h1>One</h1><b>2</b><script>{"a": "1"}</script><ul><li><a>x</a><b>y</b></ul>'


@pytest.fixture
def recipe():
    return item_recipe(FIELDS, contract=CONTRACT, page=PAGE)


def cost(recipe, body):
    url = "https://shop.test/"
    return page_cost(recipe, PageInput(request=PageRequest(url=url, page="page"), url=url, body=body), rounds=3)


def test_each_rule_is_told_with_its_engines(recipe):
    fields = recipe.pages["page"].rows.fields
    assert {name: engines_of(rule, "html") for name, rule in fields.items()} == {
        "title": ("css on lexbor",),
        "price": ("xpath on lxml", "css on lexbor"),
        "state": ("jmespath",),
        "name": ("jsonld",),
        "url": ("response",),
        "fixed": ("const",),
        "every": ("css on lexbor", "xpath on lexbor", "xpath on lxml"),
        "text": ("template",),
    }
    assert engines_of(fields["title"], "xml") == ("css on lxml",)
    assert engines_of(fields["every"], "xml") == ("css on lxml", "xpath on lxml")


def test_a_page_type_tells_what_makes_it_need_each_engine(recipe):
    assert engines_of_page(recipe.pages["page"]) == {
        "css on lexbor": ["title", "price", "every", "follow"],
        "xpath on lxml": ["price", "every"],
        "xpath on lexbor": ["every"],
        "jmespath": ["state"],
        "jsonld": ["name"],
        "response": ["url"],
        "const": ["fixed"],
        "template": ["text"],
    }


def test_every_field_has_its_cost_and_the_second_tree_has_its_own(recipe):
    found = cost(recipe, BODY)
    assert (found.page, found.size_bytes, found.rows, found.moved) == ("page", len(BODY), 1, False)
    assert {field.name for field in found.fields} == set(recipe.pages["page"].rows.fields)
    assert all(field.us > 0 for field in found.fields)
    assert found.whole_us > found.parse_us > 0
    assert found.second_tree_us is not None
    assert found.contract_us > 0


def test_a_page_that_goes_over_to_the_other_tree_is_told(recipe):
    assert cost(recipe, BODY + b"<svg><param><path d=1></param><path d=2></svg>").moved


def test_css_alone_needs_no_second_tree():
    found = cost(item_recipe("a: h1", page="each: li"), b"<ul><li><h1>1</h1><li><h1>2</h1></ul>")
    assert (found.second_tree_us, found.rows) == (None, 2)
    assert [field.engines for field in found.fields] == [("css on lexbor",)]


def test_a_page_without_rows_costs_what_it_costs_to_parse():
    found = cost(item_recipe("a: h1", page="each: li"), b"<p>")
    assert (found.rows, [field.name for field in found.fields]) == (0, ["a"])
    assert found.parse_us > 0
