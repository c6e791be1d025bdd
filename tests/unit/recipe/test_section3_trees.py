"""A page has one tree, whichever language reads it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, row, run

#: One of the pages of which lexbor and lxml make different elements: to lxml a <title> holds text only.
DIFFERENT = "<!doctype html><body><svg><title><p>q</p></title></svg><i>1</i>"


@pytest.mark.parametrize(
    "fields",
    [
        'x: {css: "svg p", as: count}\ny: {xpath: "count(//svg//p)"}',
        'y: {xpath: "count(//svg//p)"}\nx: {css: "svg p", as: count}',
        'x: {css: "svg p", as: count}\ny: [{xpath: "//nothing"}, {xpath: "count(//svg//p)"}]',
        'x: {css: "svg p", as: count}\ny: {css: .none, when: {xpath: "//p[true()]"}, default: ""}',
    ],
)
def test_where_the_trees_differ_every_rule_of_the_page_reads_lxmls_one(fields):
    recipe = item_recipe(fields)
    assert row(recipe, DIFFERENT)["x"] == "0"
    assert run(recipe, DIFFERENT).stats["recipe/tree_fallback"] == 1


def test_without_an_xpath_the_page_is_read_on_lexbors_tree():
    recipe = item_recipe('x: {css: "svg p", as: count}')
    assert row(recipe, DIFFERENT)["x"] == "1"
    assert "recipe/tree_fallback" not in run(recipe, DIFFERENT).stats


@pytest.mark.parametrize("where", ['drop_if: {xpath: "//u[true()]"}', 'paginate: {next: {xpath: "//u[true()]"}}'])
def test_an_xpath_anywhere_on_the_page_decides_for_all_of_it(where):
    assert row(item_recipe('x: {css: "svg p", as: count}', page=where), DIFFERENT)["x"] == "0"


def test_a_page_source_has_a_tree_of_its_own():
    recipe = item_recipe(
        'x: {css: "svg p", as: count}\ny: {from: s, css: "svg p", as: count}\nz: {from: s, xpath: "//i[true()]"}',
        page='sources: {s: {css: "div::attr(data-h)", parse: html}}',
    )
    body = DIFFERENT + f"<div data-h='{DIFFERENT}'>"
    assert row(recipe, body) == {"x": "1", "y": "0", "z": "1"}
    assert run(recipe, body).stats["recipe/tree_fallback"] == 1


def test_xpath_of_the_common_forms_reads_lexbors_tree_until_another_one_moves_the_page():
    common = item_recipe("x: {xpath: //svg//p}")
    assert row(common, DIFFERENT) == {"x": "q"}
    assert "recipe/tree_fallback" not in run(common, DIFFERENT).stats
    both = item_recipe('x: [{xpath: //svg//p}, {const: none}]\ny: {xpath: "count(//svg//p)"}')
    assert row(both, DIFFERENT) == {"x": "none", "y": "0"}


def test_rows_found_by_css_are_read_by_xpath_on_the_same_tree():
    recipe = item_recipe(
        'x: {each: "body > *", fields: {name: {xpath: "name()"}, inside: {css: p, as: count}}}',
        contract={"x": "{type: array}"},
    )
    assert row(recipe, DIFFERENT)["x"] == [{"name": "svg", "inside": 0}, {"name": "i", "inside": 0}]


@pytest.mark.parametrize("element", ["div", "b", "svg"])
def test_xpath_reads_every_page_that_passes_the_guard(element):
    recipe = item_recipe("x: h1\ny: {xpath: //h1}")
    assert row(recipe, f"<!doctype html><body>{f'<{element}>' * 500}<h1>q</h1>") == {"x": "q", "y": "q"}
    assert row(recipe, f"<!doctype html><body><h1 class='{'q' * 11_000_000}'>q</h1>") == {"x": "q", "y": "q"}
