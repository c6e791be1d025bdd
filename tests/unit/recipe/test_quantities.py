"""Durations, ranges and shares are read exactly, or refused with a sentence."""

import pytest

from crawler.recipe.quantities import (
    duration_problem,
    duration_range_problem,
    percent_problem,
    seconds,
    seconds_range,
    share,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500ms", 0.5), ("30s", 30), ("1.5s", 1.5), ("10m", 600), ("2h", 7200), ("7d", 604800), ("0s", 0), (" 1s ", 1)],
)
def test_a_duration_has_a_number_and_a_unit(text, value):
    assert seconds(text) == value
    assert duration_problem(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "no unit"),
        ("2 hours", "no duration"),
        ("s", "no duration"),
        ("-1s", "no duration"),
        ("1.2.3s", "no duration"),
        ("1e9s", "no duration"),
        ("400d", "longer than a year"),
        ("", "no duration"),
        ("٣s", "no duration"),
        ("9" * 20 + "s", "no duration"),
    ],
)
def test_what_is_no_duration_is_told_why(text, message):
    assert message in duration_problem(text)


def test_a_range_goes_from_its_shorter_to_its_longer_end():
    assert seconds_range("1s..2m") == (1, 120)
    assert duration_range_problem("1s..60s") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("1s", "no range"), ("2s..1s", "begins above its end"), ("1s..2", "no unit"), ("..1s", "no duration")],
)
def test_what_is_no_range_is_told_why(text, message):
    assert message in duration_range_problem(text)


@pytest.mark.parametrize(("text", "value"), [("2%", 0.02), ("0%", 0), ("100%", 1), ("0.5%", 0.005)])
def test_a_share_is_a_fraction_of_one(text, value):
    assert share(text) == value
    assert percent_problem(text) is None


@pytest.mark.parametrize(
    ("text", "message"), [("2", "no share"), ("%", "no share"), ("101%", "more than 100%"), ("x%", "no share")]
)
def test_what_is_no_share_is_told_why(text, message):
    assert message in percent_problem(text)
