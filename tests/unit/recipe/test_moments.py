"""The time at which a site answered."""

from datetime import UTC, datetime

import pytest

from crawler.recipe.moments import moment_of


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("Mon, 02 Mar 2026 10:00:00 GMT", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00 -0000", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_header_says_a_moment_with_its_zone_or_none(written, at):
    assert moment_of(written) == at
