"""Settings of the wrong kind are named in one line."""

from __future__ import annotations

import pytest
from scrapy.settings import Settings

from crawler.errors import ConfigError
from crawler.setting_kinds import check_kinds


def settings(**values):
    found = Settings()
    found.setmodule("crawler.settings")
    found.setdict(values)
    return found


def test_settings_as_they_come_are_of_their_kind():
    check_kinds(settings())


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("CONCURRENT_REQUESTS", "abc", "a whole number"),
        ("REQUESTS_LIMIT", "1.5", "a whole number"),
        ("ITEMS_LIMIT", "", "a whole number"),
        ("CONCURRENT_ITEMS", float("inf"), "a whole number"),
        ("DOWNLOAD_DELAY", "slowly", "a number"),
        ("DURATION_LIMIT", [3], "a number"),
        ("ROBOTSTXT_OBEY", "perhaps", "True or False"),
        ("DOWNLOAD_HTTP2", "perhaps", "True or False"),
        ("DOWNLOAD_CLIENT", "wget", "one of curl, scrapy"),
    ],
)
def test_a_value_of_another_kind_is_named_with_what_it_must_be(name, value, wanted):
    with pytest.raises(ConfigError) as caught:
        check_kinds(settings(**{name: value}))
    assert str(caught.value) == f"{name} is {value!r}; it must be {wanted}"


def test_numbers_and_words_as_a_command_line_gives_them_are_fine():
    check_kinds(
        settings(
            CONCURRENT_REQUESTS="8", DOWNLOAD_DELAY="0.5", DOWNLOAD_TIMEOUT=2.5, ROBOTSTXT_OBEY="false", LOG_FILE=None
        )
    )
