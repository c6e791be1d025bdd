"""Which runs belong together."""

from decimal import Decimal

import pytest

from crawler.exports.series import recipe_digest, series_id


def test_the_same_recipe_with_the_same_inputs_is_one_series_in_whatever_order_they_are():
    first = series_id("acme", "shop", {"a": 1, "b": [1, "x"]})
    assert first == series_id("acme", "shop", {"b": [1, "x"], "a": 1})
    assert len(first) == 32
    assert int(first, 16) >= 0


@pytest.mark.parametrize(
    "other",
    [
        ("acm", "eshop", {"a": 1}),
        ("acme", "shop", {"a": "1"}),
        ("acme", "shop", {}),
        ("acme", "shop2", {"a": 1}),
        ("bcme", "shop", {"a": 1}),
    ],
)
def test_whatever_is_different_makes_another_series(other):
    assert series_id(*other) != series_id("acme", "shop", {"a": 1})


def test_a_recipe_is_known_by_its_text():
    assert recipe_digest("name: a") == recipe_digest("name: a") != recipe_digest("name: b")


def test_values_that_json_has_no_type_for_are_inputs_too():
    first, same, other = (series_id("acme", "shop", {"price": Decimal(text)}) for text in ("1.50", "1.50", "1.60"))
    assert first == same != other
