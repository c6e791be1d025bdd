"""Attributes of variations as WooCommerce writes them into `data-product_variations`."""

from __future__ import annotations

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step, run_steps
from crawler.recipe.values import MISSING


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
