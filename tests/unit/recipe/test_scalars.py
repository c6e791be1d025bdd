"""Numbers, booleans and text become each other exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.scalars import (
    MAX_DIGITS,
    NotScalar,
    decimal_of,
    describe,
    integer_of,
    number_of,
    text_of,
    whole_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1,5", "1,5"),
        (12, "12"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_a_scalar_has_one_text_without_exponent(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1e999999999"),
        pytest.param(10**5000, id="huge"),
    ],
)
def test_what_has_no_exact_text_is_refused_at_once(value):
    with pytest.raises(NotScalar):
        text_of(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_decimal_survives_its_text_with_its_precision(number):
    again = number_of(text_of(number))
    assert again == number
    if number.as_tuple().exponent <= 0:
        assert again.as_tuple().exponent == number.as_tuple().exponent


@given(st.integers())
def test_an_integer_survives_its_text(number):
    assert integer_of(text_of(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_as_the_decimal_that_names_it(number):
    assert float(decimal_of(number)) == number


@pytest.mark.parametrize(
    ("value", "integer"), [("12", 12), ("-12", -12), (" 0 ", 0), (Decimal("12.0"), 12), (12.0, 12), (3, 3)]
)
def test_plain_digits_and_whole_numbers_are_integers(value, integer):
    assert integer_of(value) == integer
    assert type(integer_of(value)) is int


@pytest.mark.parametrize(
    "value",
    ["007", "+1", "1,000", "1.0", "1e3", "", "١٢", "12a", "1" * (MAX_DIGITS + 1), Decimal("1.5"), 0.5, True, None, [1]],
)
def test_what_would_lose_something_is_no_integer(value):
    with pytest.raises(NotScalar):
        integer_of(value)


@pytest.mark.parametrize("text", ["12.50", "-0.5", "0", "1290.00"])
def test_plain_digits_are_a_decimal_with_their_precision(text):
    assert str(number_of(text)) == text


@pytest.mark.parametrize("text", ["1,5", ".5", "5.", "1e5", "0x1", "1_000", "NaN", "Infinity", "01.5", "١٫٥", "--1"])
def test_other_notations_are_no_decimal(text):
    with pytest.raises(NotScalar):
        number_of(text)


def test_an_exponent_is_read_only_where_it_is_asked_for():
    assert number_of("1.5e3", exponent=True) == 1500
    with pytest.raises(NotScalar):
        number_of("1e9999", exponent=True)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 100, "'" + "x" * 57 + "...'"),
        (None, "null"),
        (True, "true"),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1e999999"), "a number out of range"),
        (b"x", "a bytes"),
    ],
)
def test_a_value_is_described_in_a_few_words(value, words):
    assert describe(value) == words


def test_zero_with_a_huge_exponent_is_zero():
    assert text_of(Decimal("0E-999999")) == "0"
    assert text_of(Decimal("0E+999999")) == "0"


@pytest.mark.parametrize(
    ("value", "number"), [(Decimal("12.50"), "12.50"), (5, "5"), (0.25, "0.25"), (Decimal("1E+3"), "1000")]
)
def test_a_number_stays_the_number_it_is_without_exponent(value, number):
    assert str(number_of(value)) == number


@pytest.mark.parametrize("value", [True, None, [1], {}])
def test_what_is_no_number_is_no_decimal(value):
    with pytest.raises(NotScalar):
        number_of(value)


@pytest.mark.parametrize(
    ("text", "whole"),
    [("a", "a"), ("כיסא", "כיסא"), ("\ud83d", "\ufffd"), ("\ude00a", "\ufffda"), ("é\ud83d\ude00", "é\U0001f600")],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(text, whole):
    assert whole_text(text) == whole
    whole_text(text).encode()
