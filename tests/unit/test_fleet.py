from __future__ import annotations

from scrapy_redis.connection import SETTINGS_PARAMS_MAP

from crawler.fleet import SETTINGS_PARAMETERS


def test_settings_that_say_where_the_store_is_are_those_of_scrapy_redis():
    assert dict(SETTINGS_PARAMETERS) == SETTINGS_PARAMS_MAP
