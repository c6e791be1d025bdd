"""What reaches a terminal is readable and harmless."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

from crawler.cli.console import plural, print_rows, safe, shown, to_json
from crawler.recipe.values import MISSING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("two\nlines", "two\N{RETURN SYMBOL}lines"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\u202eevil", "\\u202eevil"),
        ("שלום", "שלום"),
        ("🎲", "🎲"),
        ("\ud800", "\\ud800"),
        ("NBSP\xa0stays", "NBSP\xa0stays"),
    ],
)
def test_text_of_a_page_cannot_command_the_terminal(text, expected):
    assert safe(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MISSING, "-"),
        (None, "-"),
        ("text", "text"),
        (Decimal("51.70"), "51.70"),
        (["a", Decimal("1.10")], '["a",1.10]'),
        ({"a": None}, '{"a":null}'),
        (True, "true"),
        ("x" * 300, "x" * 199 + "\N{HORIZONTAL ELLIPSIS}"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value, expected):
    assert shown(value) == expected


def test_json_survives_half_a_surrogate_pair():
    assert to_json({"\ud800": ["\udfff"]}) == '{"\\\\ud800":["\\\\udfff"]}'


@pytest.mark.parametrize(("number", "expected"), [(0, "0 pages"), (1, "1 page"), (1000, "1,000 pages")])
def test_numbers_agree_with_their_nouns(number, expected):
    assert plural(number, "page") == expected


def render(names, rows, width):
    stream = io.StringIO()
    print_rows(Console(file=stream, width=width, markup=False, highlight=False), names, rows)
    return stream.getvalue()


def test_rows_that_fit_are_a_table():
    lines = render(["sku", "price"], [["A-1", Decimal("5.00")]], 80).splitlines()
    assert lines[0].split() == ["sku", "price"]
    assert lines[-1].split() == ["A-1", "5.00"]


def test_rows_that_do_not_fit_are_blocks_and_no_line_is_wider_than_the_terminal():
    names = [f"field_{number}" for number in range(12)]
    lines = render(names, [["long value " * 5] * 12], 80).splitlines()
    assert lines[0] == "row 1"
    assert len(lines) == 13
    assert max(map(len, lines)) <= 80
