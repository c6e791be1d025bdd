"""A check holds, or says why it does not."""

from decimal import Decimal

import pytest

from crawler.recipe.exact_jmespath import compile_expression
from crawler.recipe.row_checks import RowCheck


def check(text: str, message: str = "") -> RowCheck:
    return RowCheck(expression=compile_expression(text), message=message)


@pytest.mark.parametrize("expression", ["!old || old >= price", "price", "stock == `0`", "stock", "tags"])
def test_what_holds_says_nothing(expression):
    row = {"price": Decimal("12.50"), "old": None, "stock": 0, "tags": ["a"]}
    assert check(expression).broken(row) is None


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("old >= price", "is not true"),
        ("missing >= price", "gives null: it compares or calls with a missing value"),
        ("length(price) > `1`", "cannot be evaluated"),
        ("name > price", "cannot be evaluated"),
        ("tags", "is not true"),
        ("flag", "is not true"),
    ],
)
def test_what_does_not_hold_names_the_expression_and_the_reason(expression, reason):
    row = {"price": Decimal("12.50"), "old": Decimal(9), "name": "x", "tags": [], "flag": False, "missing": None}
    message = check(expression).broken(row)
    assert message is not None
    assert message.startswith(f"`{expression}` {reason}")


def test_the_recipes_own_message_comes_first():
    message = check("old >= price", "old price below new").broken({"price": 2, "old": 1})
    assert message == "old price below new (`old >= price` is not true)"
