"""Malformed data of pages: sources give less of it or nothing, and never anything but ParseRefused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import ParseRefused
from tests.unit.recipe.engine import item_recipe, recipe_of, run

QUICK = settings(max_examples=60, deadline=None)

MARKUP = st.lists(
    st.sampled_from(
        [
            *(
                "<div itemscope>",
                "<p itemscope itemtype='https://schema.org/Product'>",
                "</div>",
                "</p>",
                "<b itemprop=name>",
            ),
            *(
                "<b itemprop='name sku'>",
                "<meta itemprop=x content=y>",
                "<i itemref='a b'>",
                "<u id=a itemprop>",
                "</b>",
                "x",
            ),
            *(
                "<i itemscope itemprop=offers itemref=a id=b>",
                "<a itemprop=url href='http://[x'>",
                "<time itemprop=d>",
                "\0",
            ),
            *(
                "<script type=application/ld+json>",
                "</script>",
                '{"@type": "Product"',
                '{"@graph": [',
                "]",
                "}",
                "null",
                ",",
            ),
            *(
                '"@id": "#a"',
                '{"@id": "#a", "@type": ["Product", 1]}',
                '"offers":',
                "[[",
                '"name": {"@value": {}}',
                "1e999",
            ),
        ]
    ),
    max_size=30,
).map("".join)

PRODUCT = item_recipe(
    "a: {from: ld, jmespath: name}\nb: {from: md, jmespath: name}\nc: {from: js, jmespath: '@'}",
    contract={"a": "{type: string}", "b": "{type: string}", "c": "{type: object}"},
    page="sources: {ld: {jsonld: Product}, md: {microdata: Product}, js: {css: script, parse: json}}",
)


@QUICK
@given(MARKUP)
def test_data_in_pages_may_be_anything(page):
    run(PRODUCT, page)


FILES = {
    kind: recipe_of(
        "start: [{urls: 'https://shop.test/', page: page}]\npages:\n  page:\n"
        f"    parse: {kind}\n    each: '[*]'\n    item: thing\n    fields: {{a: a}}\n"
        "items: {thing: {version: 1, fields: {a: {type: string}}}}\n"
    )
    for kind in ("csv", "jsonl")
}
LINES = st.lists(
    st.sampled_from(
        ["a", "b", ",", ";", "\t", '"', '""', "\n", "\r", "\r\n", "\0", "{", '{"a": 1}', "[1]", "\ufeff", "é", " "]
    ),
    max_size=40,
).map("".join)


@pytest.mark.parametrize("kind", FILES)
@QUICK
@given(LINES | st.text(max_size=80))
def test_lines_of_files_may_be_anything(kind, text):
    with contextlib.suppress(ParseRefused):
        run(FILES[kind], text.encode("utf-8", "surrogatepass"), content_type="text/plain")


@QUICK
@given(st.binary(max_size=200))
def test_bytes_of_files_may_be_anything(body):
    for recipe in FILES.values():
        with contextlib.suppress(ParseRefused):
            run(recipe, body, content_type="text/csv")
