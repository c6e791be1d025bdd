"""Runs of one client, recipe and inputs are one series, whatever order the inputs have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.exports.series import series_id


def test_the_order_of_inputs_does_not_matter() -> None:
    one = series_id("acme", "shop", {"site": "https://a.example", "most": 5, "prices": {"x": 1, "y": 2}})
    other = series_id("acme", "shop", {"prices": {"y": 2, "x": 1}, "most": 5, "site": "https://a.example"})
    assert one == other
    assert len(one) == 26
    assert one.isalnum()
    assert one == one.lower()


@pytest.mark.parametrize(
    ("client", "recipe", "inputs"),
    [
        ("acme2", "shop", {"most": 5}),
        ("acme", "shop2", {"most": 5}),
        ("acme", "shop", {"most": 6}),
        ("acme", "shop", {}),
        ("acmes", "hop", {"most": 5}),
        ("acme", "shop", {"most": "5"}),
    ],
)
def test_another_client_recipe_or_input_is_another_series(client: str, recipe: str, inputs: dict[str, object]) -> None:
    assert series_id(client, recipe, inputs) != series_id("acme", "shop", {"most": 5})


def test_values_that_json_has_no_type_for_are_inputs_too() -> None:
    assert series_id("acme", "shop", {"price": Decimal("1.50")}) == series_id(
        "acme", "shop", {"price": Decimal("1.50")}
    )
