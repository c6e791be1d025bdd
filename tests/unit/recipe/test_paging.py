"""How a list goes on, and how it ends."""

from __future__ import annotations

import pytest

from crawler.recipe.paging import with_parameter


@pytest.mark.parametrize(
    ("url", "value", "expected"),
    [
        ("https://x.test/a", "2", "https://x.test/a?page=2"),
        ("https://x.test/a?page=1", "2", "https://x.test/a?page=2"),
        ("https://x.test/a?q=%C3%A9&page=1&sort=up", "2", "https://x.test/a?q=%C3%A9&page=2&sort=up"),
        ("https://x.test/a?page=1&page=7&z", "2", "https://x.test/a?page=2&z"),
        ("https://x.test/a?cat[]=1", "a b&c", "https://x.test/a?cat[]=1&page=a+b%26c"),
        ("https://x.test/a?&", "2", "https://x.test/a?page=2"),
    ],
)
def test_a_parameter_is_replaced_where_it_stands_and_the_rest_stays_as_it_was(url, value, expected):
    assert with_parameter(url, "page", value) == expected
