"""JMESPath knows exact numbers, and fails in one way."""

import contextlib
from decimal import Decimal

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.exact_jmespath import (
    MAX_EXPRESSION_LENGTH,
    ExpressionError,
    ExpressionFailed,
    compile_expression,
)

ROW = {
    "price": Decimal("12.50"),
    "old": Decimal("12.6"),
    "stock": 3,
    "name": "Samba",
    "offers": [{"price": Decimal("0.1"), "sku": "a"}, {"price": Decimal("0.2"), "sku": "b"}],
    "none": None,
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("price == `12.5`", True),
        ("offers[0].price == `0.1`", True),
        ("old >= price", True),
        ("price > `12.5`", False),
        ("sum(offers[].price)", Decimal("0.3")),
        ("sum([price, `0.1`]) == `12.6`", True),
        ("max([price, old])", Decimal("12.6")),
        ("avg(offers[].price)", Decimal("0.15")),
        ("abs(price)", Decimal("12.50")),
        ("ceil(price)", 13),
        ("type(price)", "number"),
        ("type(name)", "string"),
        ("to_string(price)", "12.50"),
        ("to_string(stock)", "3"),
        ("to_number('12.50')", Decimal("12.50")),
        ("to_number('x')", None),
        ("to_number(name)", None),
        ("sort_by(offers, &price)[-1].sku", "b"),
        ("max_by(offers, &price).sku", "b"),
        ("offers[?price > `0.15`].sku", ["b"]),
        ("contains([`0.1`], offers[0].price)", True),
        ('`{"a": [0.5]}`', {"a": [Decimal("0.5")]}),
        ("nothing.at.all", None),
    ],
)
def test_numbers_are_exact_in_comparisons_and_functions(expression, result):
    assert compile_expression(expression).search(ROW) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("!offers[?!sku]", True),
        ("!offers[?sku]", False),
        ("!a.b", True),
        ("!offers[0].sku", False),
        ("!offers[].sku", False),
        ("!nothing[].sku | @", True),
        ("!none || none >= price", True),
        ("!(nothing) && !name.x", True),
        ("!!offers[?sku].sku", True),
    ],
)
def test_an_exclamation_mark_negates_the_whole_path(expression, result):
    assert compile_expression(expression).search(ROW) is result


@pytest.mark.parametrize(
    "expression",
    [
        "name < stock",
        "contains(name, stock)",
        "length(stock)",
        "sum([name])",
        "sort([name, stock])",
        "max_by(offers, &@)",
    ],
)
def test_a_wrong_type_is_a_failure_of_one_kind(expression):
    with pytest.raises(ExpressionFailed):
        compile_expression(expression).search(ROW)


def test_data_nested_too_deep_is_a_failure():
    data: list = []
    for _ in range(5_000):
        data = [data]
    expression = compile_expression("to_string(@)")
    with pytest.raises(ExpressionFailed, match="nested too deep"):
        expression.search(data)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("lenght(a)", "length"), ("a[?", None), ("a b", None), ("", None), ("a" * (MAX_EXPRESSION_LENGTH + 1), None)],
)
def test_what_does_not_compile_says_why(text, hint):
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert "\n" not in error.value.args[0]
    assert (error.value.hint is None) if hint is None else (hint in error.value.hint)


def test_brackets_nested_too_deep_do_not_compile():
    with pytest.raises(ExpressionError):
        compile_expression("(" * 499 + "a" + ")" * 499)


def test_equal_texts_are_equal_expressions():
    assert compile_expression("a.b") == compile_expression("a.b") != compile_expression("a.c")
    assert len({compile_expression("a.b"), compile_expression("a.b")}) == 1
    assert repr(compile_expression("a.b")) == "ExactExpression('a.b')"


def test_the_packages_own_trees_stay_as_they_are():
    import jmespath

    compile_expression("a == `0.5`")
    assert jmespath.search("a == `0.5`", {"a": 0.5}) is True


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(
    st.sampled_from(
        [
            "a < b",
            "sum(a)",
            "sort(a)",
            "a[?b > `1`]",
            "join(',', a)",
            "max_by(a, &b)",
            "avg(a)",
            "!a.b",
            "ceil(a)",
            "a.*",
        ]
    ),
    JSON_LIKE,
)
def test_only_failures_of_its_own_kind_come_out(expression, data):
    with contextlib.suppress(ExpressionFailed):
        compile_expression(expression).search(data)


@pytest.mark.parametrize("text", ["a", "a.b", "a.b.c", '"a b".c', "(a).b", "a.b | c", "a.b[0]", "@.a", "a.{x: b}"])
@pytest.mark.parametrize(
    "data",
    [
        {"a": {"b": {"c": 1}}, "a b": {"c": 2}},
        {"a": {"b": [1, {"c": 0}]}},
        {"a": "text"},
        {"a": [{"b": 1}]},
        {"a": None},
        {},
        [],
        "a",
        None,
        7,
        Decimal("1.5"),
    ],
)
def test_a_path_of_keys_gives_what_jmespath_gives(text, data):
    assert compile_expression(text).search(data) == jmespath.search(text, data)


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[@, @]"] * 8),
        " | ".join(["[@, @][]"] * 8),
        "to_string(" + " | ".join(["[@, @]"] * 8) + ")",
        "map(&[@, @, @, @, @, @, @, @], [@, @, @, @, @, @, @, @][]).[@, @, @, @]",
    ],
)
def test_an_expression_that_copies_the_data_again_and_again_is_refused(text):
    with pytest.raises(ExpressionError, match="would hold the data more than 200 times"):
        compile_expression(text)


def test_one_with_many_fields_is_not():
    fields = ", ".join(f"f{number}: a.b{number}" for number in range(40))
    assert compile_expression(f"items[*].{{{fields}}}").search({"items": [{"a": {"b7": 1}}]})[0]["f7"] == 1
    assert compile_expression("a[?b == `1`].[c, d] | [0]").search({"a": [{"b": 1, "c": 2, "d": 3}]}) == [2, 3]
