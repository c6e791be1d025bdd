"""Attributes of variations as WooCommerce writes them into `data-product_variations`."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step, run_steps
from crawler.recipe.values import MISSING

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine import item_recipe, row


def run(value):
    return run_steps([build_step("woocommerce_attributes")], value, base_url="")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"attribute_pa_color": "red", "attribute_size": "XL"}, {"color": "red", "size": "XL"}),
        ({"attribute_pa_color": ""}, {"color": ""}),
        ({"attribute_pa_color": None}, {"color": ""}),
        ({"attribute_size": 42}, {"size": "42"}),
        ({"attribute_pa_%d7%a6%d7%91%d7%a2": "%d7%90%d7%93%d7%95%d7%9d"}, {"צבע": "אדום"}),
        ({"color": "red"}, {"color": "red"}),
        ({"pants": "long"}, {"pants": "long"}),
        ([{"attribute_size": "S"}, {"attribute_size": "M"}], [{"size": "S"}, {"size": "M"}]),
        ({}, MISSING),
    ],
)
def test_attributes_have_plain_names_and_values(value, plain):
    assert run(value) == plain


@pytest.mark.parametrize(
    "value",
    ["red", 5, {"attribute_a": ["x"]}, {"attribute_a": "1", "a": "2"}, {"attribute_pa_a": "1", "attribute_a": "2"}],
)
def test_what_is_no_attributes_fails(value):
    with pytest.raises(StepFailed):
        run(value)


def test_it_takes_no_argument():
    with pytest.raises(StepError):
        build_step("woocommerce_attributes", "pa_")


OPTIONS = """\
price: {css: .price, process: [price]}
sku: .sku
attributes:
  each: select
  fields:
    name: ":scope::attr(name)"
    values: {css: option, all: true, process: [strip, {reject: '^(Choose|בחר)'}]}
variants:
  each: {from: forms, jmespath: "[*]"}
  else: {cartesian: attributes}
  fields:
    sku: {jmespath: sku, default: "{{ item.sku }}-{{ row.attributes | slug }}"}
    price: {jmespath: display_price, process: [price]}
    attributes: {jmespath: attributes, process: [woocommerce_attributes]}
"""
SELECTS = """<p class=sku>A</p> <b class=price>₪45.00</b>
<select name=color><option>Choose</option><option>Dark red</option></select>
<select name=size><option>S</option><option>M</option></select>"""


def variants_of(page):
    lists = dict.fromkeys(("attributes", "variants"), "{type: array}")
    recipe = item_recipe(
        OPTIONS,
        contract={"price": "{type: decimal}", **lists},
        page="sources: {forms: {css: 'form::attr(data-product_variations)', parse: json}}",
    )
    return row(recipe, page)["variants"]


def test_every_combination_of_options_is_a_variation_with_a_sku_and_the_price_of_its_parent():
    assert variants_of(SELECTS) == [
        {
            "sku": f"A-dark-red-{size.lower()}",
            "price": Decimal("45.00"),
            "attributes": {"color": "Dark red", "size": size},
        }
        for size in ("S", "M")
    ]


def test_variations_that_the_page_lists_come_as_it_lists_them():
    data = '[{"sku": "A-1", "display_price": 42, "attributes": {"attribute_pa_color": "red", "attribute_size": ""}}]'
    page = f"<form data-product_variations='{data}'></form>{SELECTS}"
    assert variants_of(page) == [{"sku": "A-1", "price": 42, "attributes": {"color": "red", "size": ""}}]
