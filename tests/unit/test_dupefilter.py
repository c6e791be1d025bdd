"""What each kind of DUPEFILTER_CLASS means."""

from __future__ import annotations

import logging

import pytest
from scrapy import Request, Spider
from scrapy.dupefilters import BaseDupeFilter
from scrapy.dupefilters import RFPDupeFilter as ScrapyRFPDupeFilter
from scrapy.exceptions import ScrapyDeprecationWarning
from scrapy.utils.test import get_crawler
from scrapy_redis.dupefilter import RFPDupeFilter as RedisRFPDupeFilter

from crawler.dupefilter import Filtering, filtering_of
from crawler.errors import ConfigError
from crawler.frontier.identity import Occurrences
from crawler.spiders.requests import RequestCodec


class ByPath(RedisRFPDupeFilter):
    def request_fingerprint(self, request):
        return request.url.partition("?")[0]


class ByPathOfScrapy(ScrapyRFPDupeFilter):
    def request_fingerprint(self, request):
        return request.url.partition("?")[0]


class ByPathInBytes(BaseDupeFilter):
    def request_seen(self, request):
        raise AssertionError("never asked")

    def request_fingerprint(self, request):
        return request.url.partition("?")[0].encode()


class Stateful(BaseDupeFilter):
    def request_seen(self, request):
        raise AssertionError("never asked")


class Renamed(ScrapyRFPDupeFilter):
    """Changes nothing."""


class Unfiltered(BaseDupeFilter):
    """Changes nothing."""


class ByHost:
    def fingerprint(self, request):
        return request.url.split("/")[2].encode()


def filtering(**settings):
    crawler = get_crawler(Spider, {"REDIS_URL": "redis://127.0.0.1:1", **settings})
    return filtering_of(crawler)


def ids(found, *urls):
    codec, occurrences = RequestCodec(spider=Spider("s"), secret=b"k", filtering=found), Occurrences()
    return [codec.pack(Request(url), parent=5, occurrences=occurrences).id for url in urls]


@pytest.mark.parametrize(
    "name",
    [
        "scrapy.dupefilters.RFPDupeFilter",
        "scrapy_redis.dupefilter.RFPDupeFilter",
        "crawler.dupefilter.RFPDupeFilter",
        Renamed,
    ],
)
def test_the_known_filters_mean_the_frontiers_own_idea_of_a_page(name):
    assert filtering(DUPEFILTER_CLASS=name) == Filtering()
    first, again, other = ids(filtering(DUPEFILTER_CLASS=name), "http://a/?b=1&a=2", "http://a/?a=2&b=1", "http://a/")
    assert first == again != other


@pytest.mark.parametrize("name", ["scrapy.dupefilters.RFPDupeFilter", "scrapy_redis.dupefilter.RFPDupeFilter"])
def test_a_fingerprinter_of_the_project_says_what_a_page_is(name):
    found = filtering(DUPEFILTER_CLASS=name, REQUEST_FINGERPRINTER_CLASS=ByHost)
    first, again, other = ids(found, "http://a/1", "http://a/2", "http://b/1")
    assert first == again != other


@pytest.mark.parametrize("filter_class", [ByPath, ByPathInBytes])
def test_a_fingerprint_of_a_filter_says_what_a_page_is(filter_class):
    first, again, other = ids(filtering(DUPEFILTER_CLASS=filter_class), "http://a/1?x", "http://a/1?y", "http://a/2")
    assert first == again != other


def test_a_fingerprint_of_a_scrapy_filter_works_too():
    with pytest.warns(ScrapyDeprecationWarning, match="request_fingerprint"):
        found = filtering(DUPEFILTER_CLASS=ByPathOfScrapy)
    first, again, other = ids(found, "http://a/1?x", "http://a/1?y", "http://a/2")
    assert first == again != other


@pytest.mark.parametrize("name", ["scrapy.dupefilters.BaseDupeFilter", Unfiltered])
def test_without_a_filter_each_request_is_a_page_and_the_same_one_when_its_parent_is_read_again(name):
    found = filtering(DUPEFILTER_CLASS=name)
    first, second = ids(found, "http://a/", "http://a/")
    assert first != second
    assert ids(found, "http://a/", "http://a/") == [first, second]


@pytest.mark.parametrize(
    ("filter_class", "says"),
    [(Stateful, "URL, method and body say"), (ByPathInBytes, "its request_fingerprint says")],
)
def test_a_filter_that_wants_to_be_asked_is_told_that_it_is_not(filter_class, says, caplog):
    with caplog.at_level(logging.WARNING):
        assert filtering(DUPEFILTER_CLASS=filter_class).active
    assert f"{filter_class.__name__}.request_seen is never asked: the frontier filters, and {says}" in caplog.text


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere.Filter", "cannot be loaded"), ("nodots", "cannot be loaded"), (len, "is no class")]
)
def test_what_is_no_filter_is_a_message(name, says):
    with pytest.raises(ConfigError, match=f"DUPEFILTER_CLASS is .*{says}"):
        filtering(DUPEFILTER_CLASS=name)
