"""Values of rows of whatever type, as text and as amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.exports.profiles.values import amount_of, text_of, text_of_html, texts_of


@pytest.mark.parametrize(
    ("value", "text"),
    [(" a ", "a"), (7, "7"), (Decimal("1E+3"), "1000"), (None, ""), (True, ""), ([], ""), ({"a": 1}, "")],
)
def test_texts_and_numbers_are_text_and_nothing_else_is(value, text):
    assert text_of(value) == text


def test_a_list_has_the_texts_that_are_there_and_one_value_is_a_list_of_one():
    assert texts_of(["a", "", None, 1]) == ("a", "1")
    assert texts_of("a") == ("a",)
    assert texts_of(None) == ()


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (Decimal("42.00"), "42.00"),
        (42, "42"),
        (42.5, "42.5"),
        ("42.00", "42.00"),
        ("-1", "-1"),
        ("1,234", None),
        ("42 EUR", None),
        (float("inf"), None),
        (True, None),
        (None, None),
    ],
)
def test_plain_digits_are_an_amount_and_nothing_is_guessed(value, amount):
    assert amount_of(value) == (None if amount is None else Decimal(amount))


def test_of_html_its_visible_lines_are_read():
    html = "<p>Solid <b>oak</b>,<br>oiled &amp; dry.</p>\n<script>x()</script><ul><li>One<li>Two</ul>"
    assert text_of_html(html) == "Solid oak,\noiled & dry.\nOne\nTwo"
    assert text_of_html("not <html") == "not <html"
