"""A try that failed: again later, without holding up others, and silence when a site asks for it."""

from __future__ import annotations

import pytest
from loopback import goods_recipe, html, links, spider_for, text
from scrapy import Request


def bad(status: int = 500, **headers: str):
    return html(
        "oops", status=status, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items())
    )


def test_a_page_that_answers_500_three_times_and_then_200_loses_nothing(site, crawl):
    site["/"] = [bad(), bad(), bad(), links("/p/1")]
    site["/p/1"] = "x"
    result = crawl(spider_for(site))
    assert len(result.items) == 2
    assert site.hits["/"] == 4
    assert (result.ledger.retries, result.outcomes) == (3, {"ok": 2})


def test_a_page_that_always_answers_500_is_given_up_and_named(site, crawl):
    site["/"] = links("/p/1", "/p/2")
    site["/p/1"] = bad()
    site["/p/2"] = "x"
    result = crawl(spider_for(site))
    assert site.hits["/p/1"] == 4
    assert result.summary.outcome == "partial"
    assert result.summary.as_dict()["failures"] == {"gave_up": [f"{site.url}/p/1"]}
    assert "500 Internal Server Error (given up after 4 tries)" in result.summary.text()


def test_a_connection_that_breaks_is_tried_again(site, crawl):
    site["/"] = [html("x" * 4000, cut=True), "whole"]
    result = crawl(spider_for(site))
    assert result.outcomes == {"ok": 1}
    assert result.ledger.retries == 1


def test_a_site_that_is_not_there_is_given_up(site, crawl):
    result = crawl(spider_for(site, start_urls=["http://127.0.0.1:1/"]), {"RETRY_TIMES": 1})
    assert result.outcomes == {"gave_up": 1}
    assert "Connection" in result.summary.facts.reasons["http://127.0.0.1:1/"]


@pytest.mark.parametrize(
    "client",
    [
        {"DOWNLOAD_CLIENT": "curl"},
        {"DOWNLOAD_CLIENT": "scrapy"},
        {"DOWNLOAD_HANDLERS": {"https": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"}},
    ],
    ids=["curl", "scrapy", "a project's"],
)
def test_a_proxy_that_opens_no_tunnel_is_asked_again(site, crawl, client):
    async def start(self):
        yield Request("https://127.0.0.1:1/", meta={"proxy": site.url})

    settings = {"RETRY_TIMES": 1, "ROBOTSTXT_OBEY": False, **client}
    result = crawl(spider_for(site, start=start), settings)
    assert "tunnel" in result.summary.facts.reasons["https://127.0.0.1:1/"]
    assert result.outcomes == {"gave_up": 1}
    assert result.ledger.retries == 1


def test_an_answer_that_takes_too_long_is_a_timeout(site, crawl):
    site["/"] = html("late", delay_s=1.0)
    result = crawl(spider_for(site), {"DOWNLOAD_TIMEOUT": 0.2, "RETRY_TIMES": 0})
    assert result.outcomes == {"gave_up": 1}
    result = crawl(spider_for(site), {"DOWNLOAD_TIMEOUT": 0.2, "RETRY_ENABLED": False})
    assert result.outcomes == {"timeout": 1}


def test_a_page_waits_for_its_next_try_without_holding_up_others(site, crawl):
    site["/"] = links("/bad", *(f"/p/{number}" for number in range(20)))
    site["/bad"] = [bad(), "x"]
    for number in range(20):
        site[f"/p/{number}"] = "x"
    crawl(spider_for(site), {"RETRY_BACKOFF_MIN": 1.0, "RETRY_BACKOFF_MAX": 1.0, "CONCURRENT_REQUESTS": 1})
    first, second = site.times("/bad")
    between = [path for path in site.hits if path.startswith("/p/") and first < site.times(path)[0] < second]
    assert len(between) == 20
    assert second - first >= 0.5


def test_a_429_with_retry_after_silences_the_whole_host(site, crawl):
    pages = [f"/p/{number}" for number in range(12)]
    site["/"] = links(*pages)
    for page in pages:
        site[page] = "x"
    site["/p/3"] = [bad(429, Retry_After="1"), "x"]
    result = crawl(spider_for(site))
    asked = site.times("/p/3")[0]
    after = sorted(time for page in pages for time in site.times(page) if time > asked + 0.05)
    assert after, "the crawl went on"
    assert after[0] - asked >= 0.95
    assert result.outcomes == {"ok": 13}


def test_a_503_that_says_when_is_waited_for_and_others_are_not_asked(site, crawl):
    site["/"] = links("/p/1", "/p/2")
    site["/p/1"] = [bad(503, Retry_After="1"), "x"]
    site["/p/2"] = "x"
    result = crawl(spider_for(site), {"CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    first, second = site.times("/p/1")
    assert second - first >= 0.95
    assert site.times("/p/2")[0] - first >= 0.95
    assert result.outcomes == {"ok": 3}


@pytest.mark.parametrize(
    ("settings", "meta"),
    [
        ({"RETRY_TIMES": 0}, {}),
        ({"RETRY_ENABLED": False}, {}),
        ({"RETRY_HTTP_CODES": [500]}, {}),
        ({}, {"dont_retry": True}),
    ],
    ids=["last try", "retries off", "not listed", "dont_retry"],
)
def test_a_host_is_silent_when_it_asks_for_it_even_if_the_page_is_not_tried_again(site, crawl, settings, meta):
    pages = [f"/p/{number}" for number in range(5)]

    async def start(self):
        for page in pages:
            yield Request(site.url + page, meta=meta, callback=lambda response: None)

    site.pages.update(dict.fromkeys(pages, "x"))
    site["/p/0"] = bad(429, Retry_After="1")
    result = crawl(spider_for(site, start=start), {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, **settings})
    refused = site.times("/p/0")
    assert len(refused) == 1
    others = sorted(time for page in pages[1:] for time in site.times(page))
    assert len(others) == 4
    assert 0.95 <= others[0] - refused[0] < 2.0  # and the end of the silence is noticed
    assert result.outcomes["ok"] == 4


def test_requests_that_are_no_page_are_tried_again_too(site, crawl):
    site["/robots.txt"] = [bad(503), text("User-agent: *\nDisallow: /secret")]
    site["/"] = links("/secret")
    result = crawl(spider_for(site))
    assert result.outcomes == {"ok": 1, "robots": 1}
    assert len(site.times("/robots.txt")) == 2


@pytest.mark.parametrize("meta", [{"dont_retry": True}, {"max_retry_times": 0}])
def test_a_request_can_refuse_to_be_retried(site, crawl, meta):
    site["/"] = bad()
    result = crawl(spider_for(site, start=_start_with(site, meta)))
    assert site.hits["/"] == 1
    assert result.outcomes in ({"http_5xx": 1}, {"gave_up": 1})


def _start_with(site, meta):
    async def start(self):
        yield Request(f"{site.url}/", meta=meta)

    return start


def test_retries_said_on_the_command_line_win_over_the_recipes(goods, run):
    goods["/g/2"] = bad()
    text_of_recipe = goods_recipe("fetch: {retry: {times: 2, backoff: 10ms..20ms}}")
    run(text_of_recipe)
    assert goods.hits["/g/2"] == 3
    run(text_of_recipe, settings={"RETRY_TIMES": 0})
    assert goods.hits["/g/2"] == 4
