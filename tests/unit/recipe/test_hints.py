"""Hints for whoever looks for a missing field: what the page says to machines and the recipe does not read."""

from __future__ import annotations

import json

import pytest

from crawler.recipe.diagnose import diagnose
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest

RECIPE = """
schema_version: 1
name: x
version: "1.0.0"
start: [{urls: "https://x.example/", page: page}]
pages: {page: {SOURCES item: thing, fields: {title: h1, sku: .sku, price: .price, colour: .colour}}}
items:
  thing:
    version: 1
    fields: {title: {type: string}, sku: {type: string}, price: {type: string}, colour: {type: string}}
"""
NODE = {"@type": "Product", "name": "Oak", "sku": "O-1", "offers": {"@type": "Offer", "price": "5.00"}}
LINKED = f'<script type="application/ld+json">{json.dumps(NODE)}</script>'
MARKED = (
    """<div itemscope itemtype="https://schema.org/Product"><i itemprop="name">Oak</i><i itemprop="sku">O-1</i></div>"""
)
STATE = '<script id="state" type="application/json">{"a": 1}</script>'


def hints(body, sources=""):
    recipe = load_recipe_text(RECIPE.replace("SOURCES", sources))
    url = "https://x.example/"
    page = PageInput(request=PageRequest(url=url, page="page"), url=url, body=f"<!doctype html>{body}".encode())
    return list(diagnose(recipe, page).hints)


def test_json_ld_that_holds_what_is_missing_is_named_with_the_rules_that_read_it():
    (hint,) = hints(f"<h1>Oak</h1>{LINKED}")
    assert hint == (
        "the page has JSON-LD of a Product; with sources: {ld: {jsonld: Product}} you have "
        "sku: {from: ld, jmespath: sku} (O-1), price: {from: ld, jmespath: 'offers[0].price'} (5.00)"
    )


def test_a_field_may_be_called_otherwise_than_in_the_data():
    assert "title: {from: ld, jmespath: name} (Oak)" in hints(LINKED)[0]


def test_so_is_microdata():
    (hint,) = hints(MARKED)
    assert hint.startswith(
        "the page has microdata of a Product; with sources: {md: {microdata: Product}} you have title:"
    )


def test_data_of_scripts_is_named_where_nothing_else_is_known():
    assert hints(STATE) == [
        "the page brings data along in script#state; sources: {state: {css: script#state::text, parse: json}} reads it"
    ]
    assert len(hints(LINKED + STATE)) == 1


@pytest.mark.parametrize(
    ("body", "sources"),
    [
        (LINKED, "sources: {ld: {jsonld: Product}},"),
        (STATE, 'sources: {s: {css: "script#state::text", parse: json}},'),
        ("<h1>Oak</h1><b class=sku>1</b><b class=price>1</b><b class=colour>1</b>" + LINKED + STATE, ""),
        ("<h1>Oak</h1>", ""),
        ('<script type="application/ld+json">{"@type": "BreadcrumbList"}</script>', ""),
    ],
    ids=["read already", "script read already", "nothing is missing", "there is none", "of nothing"],
)
def test_there_is_no_hint_where_it_would_not_help(body, sources):
    assert hints(body, sources) == []
