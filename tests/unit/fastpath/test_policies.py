"""What the fast path knows of Scrapy's middlewares without asking them."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.downloadermiddlewares.stats import DownloaderStats
from scrapy.http import Response
from scrapy.utils.request import request_httprepr
from scrapy.utils.test import get_crawler

from crawler.fastpath.policies import request_bytes, response_bytes, wants_spider


@pytest.mark.parametrize(
    "request_",
    [
        Request("http://shop.example"),
        Request("https://shop.example/a/b;v=1?x=1&y=é#top", headers={"A": ["1", "22"], "Cookie": "a=b"}),
        Request("http://shop.example:8080/?q", method="POST", body=b"x=1", headers={"Content-Type": "text/plain"}),
        Request("http://[::1]/x"),
    ],
    ids=str,
)
def test_the_size_of_a_request_is_counted_as_scrapy_counts_it(request_):
    assert request_bytes(request_) == len(request_httprepr(request_))


@pytest.mark.parametrize("status", [200, 404, 599])
@pytest.mark.parametrize("headers", [{}, {"A": ["1", "22"], "Set-Cookie": ["a=b", "c=d"]}], ids=["none", "some"])
def test_the_size_of_a_response_is_counted_as_scrapy_counts_it(status, headers):
    response, stats = Response("http://shop.example/", status, headers=headers, body=b"12345"), get_crawler().stats
    DownloaderStats(stats).process_response(Request(response.url), response)
    assert response_bytes(response) == stats.get_value("downloader/response_bytes")


class Old:
    def process_request(self, request, spider):
        """As before Scrapy 2.14."""


class New:
    def process_request(self, request, spider=None):
        """As since then."""


@pytest.mark.parametrize(("middleware", "wants"), [(Old(), True), (New(), False)])
def test_middlewares_that_insist_on_the_spider_are_found(middleware, wants):
    assert wants_spider([middleware]) is wants
