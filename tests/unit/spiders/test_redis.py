"""What a seed says, and what a spider with seeds says when it cannot read any."""

from __future__ import annotations

import pytest
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from crawler.errors import ConfigError
from crawler.scheduling.seed_store import Kind
from crawler.spiders.redis import RedisCrawlSpider, RedisSpider, kind_of

STORE = {"REDIS_URL": "redis://127.0.0.1:1", "LEASE_TTL": 60, "STORE_PREFIX": "crawlery"}


class Seeded(RedisSpider):
    name = "seeded"


def spider(settings=None, **arguments):
    return get_crawler(Seeded, {**STORE, **(settings or {})})._create_spider(**arguments)


def made(data, **arguments):
    return spider(**arguments).make_request_from_data(data)


@pytest.mark.parametrize("data", [b"http://a/x", b" http://a/x\n", b'{"url": "http://a/x"}'])
def test_a_seed_is_a_url_that_is_crawled_once(data):
    request = made(data)
    assert (request.url, request.method, request.dont_filter) == ("http://a/x", "GET", False)


def test_a_seed_may_say_how_it_is_asked_for():
    request = made(b'{"url": "http://a/x", "method": "post", "meta": {"k": [1]}, "q": "stools", "dont_filter": true}')
    assert (request.method, request.meta["k"], request.body) == ("POST", [1], b"q=stools")
    assert request.dont_filter
    assert made(b'{"url": "http://a/x", "q": "stools"}').url == "http://a/x?q=stools"


def test_a_seed_is_read_in_the_encoding_that_was_said():
    assert made("http://a/ü".encode("latin-1"), redis_encoding="latin-1").url == "http://a/%C3%BC"
    assert spider({"REDIS_ENCODING": "latin-1"}).redis_encoding == "latin-1"


@pytest.mark.parametrize(
    "data",
    [b"", b"123", b"[1, 2]", b'"http://a/"', b"not a url", b"{", b'{"urls": "http://a/"}', b"\xff", b'{"url": 5}'],
)
def test_anything_else_is_refused(data):
    with pytest.raises((ValueError, TypeError)):
        made(data)


def test_attributes_and_settings_are_those_of_scrapy_redis():
    found = spider({"CONCURRENT_REQUESTS": 7, "MAX_IDLE_TIME_BEFORE_CLOSE": 30})
    assert (found.redis_key, found.redis_batch_size, found.max_idle_time) == ("seeded:start_urls", 7, 30)
    found = spider({"REDIS_START_URLS_KEY": "%(name)s:k"}, redis_batch_size="3", max_idle_time="0.5")
    assert (found.redis_key, found.redis_batch_size, found.max_idle_time) == ("seeded:k", 3, 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"redis_key": " "}, "redis_key of spider seeded is empty"),
        ({"redis_batch_size": "many"}, "redis_batch_size is 'many'; a number from 1"),
        ({"redis_batch_size": -1}, "redis_batch_size is -1"),
        ({"max_idle_time": "soon"}, "max_idle_time is 'soon'; a number from 0"),
    ],
)
def test_what_cannot_be_used_is_a_message(arguments, message):
    with pytest.raises(ConfigError, match=message):
        spider(**arguments)


@pytest.mark.parametrize("base", [RedisSpider, RedisCrawlSpider])
def test_a_spider_with_seeds_and_no_store_is_a_message(base):
    with pytest.raises(ConfigError, match=r"spider s reads its seeds from a store; -s REDIS_URL="):
        get_crawler(type("S", (base,), {"name": "s"}))


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, Kind.LIST),
        ({"REDIS_START_URLS_AS_SET": True}, Kind.SET),
        ({"REDIS_START_URLS_AS_ZSET": "1"}, Kind.ZSET),
        ({"REDIS_START_URLS_AS_SET": True, "REDIS_START_URLS_AS_ZSET": True}, Kind.SET),
    ],
)
def test_the_settings_say_what_holds_the_seeds(settings, kind):
    assert kind_of(Settings(settings)) is kind
