"""What Scrapy's spider middlewares do with requests of pages, against those middlewares."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse
from scrapy.settings import Settings
from scrapy.spidermiddlewares.referer import RefererMiddleware
from scrapy.utils.test import get_crawler

from crawler.fastpath.requests import request_steps

PAGES = ["http://a.example/x?y#z", "https://a.example:8443/x", "https://u:p@a.example/", "http://a.example"]
LINKS = ["http://a.example/1", "https://a.example/2", "http://b.example/3", "ftp://a.example/4"]


@pytest.mark.parametrize("policy", ["scrapy-default", "no-referrer", "origin"])
@pytest.mark.parametrize("said", [None, "no-referrer", "unsafe-url"])
@pytest.mark.parametrize("page", PAGES)
def test_the_referer_is_what_scrapy_sends(page, said, policy):
    middleware = RefererMiddleware(Settings({"REFERRER_POLICY": policy}))
    (step,) = request_steps([middleware])
    headers = {} if said is None else {"Referrer-Policy": said}
    response = HtmlResponse(page, headers=headers, request=Request(page))
    for link in LINKS:
        for meta in ({}, {"referrer_policy": "origin"}):
            ours, theirs = Request(link, meta=meta), Request(link, meta=meta)
            assert step(ours, response) is ours
            middleware.get_processed_request(theirs, response)
            assert dict(ours.headers) == dict(theirs.headers)


def test_a_referer_that_a_request_has_is_left():
    (step,) = request_steps([RefererMiddleware(Settings())])
    request = Request("http://a.example/1", headers={"Referer": "http://own.example/"})
    step(request, HtmlResponse("http://a.example/", request=Request("http://a.example/")))
    assert request.headers["Referer"] == b"http://own.example/"


def test_depth_is_counted_and_long_urls_are_refused_as_in_scrapy():
    crawler = get_crawler(settings_dict={"DEPTH_LIMIT": 2, "URLLENGTH_LIMIT": 40})
    crawler._apply_settings()
    from scrapy.core.spidermw import SpiderMiddlewareManager

    steps = request_steps(SpiderMiddlewareManager.from_crawler(crawler).middlewares)
    response = HtmlResponse("http://a.example/", request=Request("http://a.example/"))

    def taken(request):
        for step in steps:
            request = step(request, response)
            if request is None:
                return None
        return request

    assert taken(Request("http://a.example/1")).meta["depth"] == 1
    assert taken(Request("http://a.example/" + "1" * 40)) is None
    response.meta["depth"] = 2
    assert taken(Request("http://a.example/2")) is None
    assert crawler.stats.get_value("request_depth_max") == 1
    assert crawler.stats.get_value("urllength/request_ignored_count") == 1
