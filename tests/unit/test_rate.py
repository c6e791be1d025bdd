from __future__ import annotations

import pytest

from crawler.errors import InvalidAccess
from crawler.rate import Rate


@pytest.mark.parametrize(
    ("text", "count", "period_s"),
    [
        ("600/minute", 600, 60),
        ("10/second", 10, 1),
        ("10 per second", 10, 1),
        ("1 per hour", 1, 3600),
        ("100 per 10 seconds", 100, 10),
        ("100/10 seconds", 100, 10),
        ("5 / 2 hours", 5, 7200),
        ("9999999/9999 hours", 9_999_999, 9999 * 3600),
    ],
)
def test_a_rate_is_so_many_calls_in_so_much_time(text, count, period_s):
    assert Rate.of(text) == Rate(count=count, period_s=period_s)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "600",
            "/minute",
            "0/minute",
            "-1/minute",
            "1.5/minute",
            "1e3/minute",
            "600/day",
            "600/min",
            "600 minute",
        ),
        *("600/minute;1/second", "600/0 minutes", "600/minute\n", " 600/minute", "10000000/second", "1/10000 seconds"),
        *("\u0661/minute", "600/Minute", "600//minute"),
    ],
)
def test_what_is_written_otherwise_is_no_rate(text):
    with pytest.raises(InvalidAccess, match=r"is no rate; write 600/minute"):
        Rate.of(text)


def test_a_long_text_is_not_shown_whole():
    with pytest.raises(InvalidAccess) as error:
        Rate.of("x" * 10_000)
    assert len(str(error.value)) < 200
