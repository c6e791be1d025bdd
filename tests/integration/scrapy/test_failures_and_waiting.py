"""What a site can do to a crawl, and what becomes of the pages: retries, silence, redirects, robots.txt, limits."""

from __future__ import annotations

import itertools

import pytest
import scrapy
from loopback import html, links, redirect, text
from scrapy import Request


def spider_for(site, **attributes):
    def parse(self, response):
        yield {"url": response.url}
        yield from response.follow_all(css="a")

    return type(
        "Hand", (scrapy.Spider,), {"name": "hand", "start_urls": [f"{site.url}/"], "parse": parse, **attributes}
    )


def bad(status: int = 500, **headers: str):
    return html(
        "oops", status=status, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items())
    )


# --- retries ---


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


# --- redirects ---


def test_a_cookie_wall_is_passed_in_place(site, crawl):
    def wall(request):
        if "consent" in request.cookies:
            return html("<h1>in</h1>")
        return redirect("/page", Set_Cookie="consent=1; Path=/")

    site["/"] = links("/page")
    site["/page"] = wall
    result = crawl(spider_for(site))
    assert {"url": f"{site.url}/page"} in result.items
    assert result.outcomes == {"ok": 2}
    assert site.hits["/page"] == 2


def test_a_cookie_wall_on_a_page_of_its_own_is_passed_too(site, crawl):
    def guarded(request):
        return html("<h1>in</h1>") if "consent" in request.cookies else redirect("/wall?back=/page")

    site["/"] = links("/page", "/other")
    site["/page"] = site["/other"] = guarded
    site["/wall"] = lambda request: redirect(request.parameters["back"], Set_Cookie="consent=1; Path=/")
    result = crawl(spider_for(site), {"CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert {"url": f"{site.url}/page"} in result.items
    assert {"url": f"{site.url}/other"} in result.items
    assert result.summary.outcome == "complete"


def test_a_page_that_only_redirects_to_itself_is_given_up(site, crawl):
    site["/"] = redirect("/")
    result = crawl(spider_for(site))
    assert result.outcomes == {"gave_up": 1}
    assert site.hits["/"] == 6
    assert result.summary.outcome == "partial"


def test_two_pages_that_redirect_to_each_other_are_given_up(site, crawl):
    site["/"] = links("/a")
    site["/a"], site["/b"] = redirect("/b"), redirect("/a")
    result = crawl(spider_for(site))
    assert result.outcomes["gave_up"] == 1
    assert "circle" in "".join(result.summary.facts.reasons.values())
    assert sum(site.hits.values()) < 15


def test_an_endless_chain_of_redirects_is_given_up(site, crawl):
    site["/"] = redirect("/0")
    for number in range(40):
        site[f"/{number}"] = redirect(f"/{number + 1}")
    result = crawl(spider_for(site))
    assert result.outcomes == {"redirected": 20, "gave_up": 1}


def test_the_target_of_a_redirect_is_a_page_that_is_fetched_once(site, crawl):
    site["/"] = links("/old", "/older", "/new")
    site["/old"] = site["/older"] = redirect("/new", 301)
    site["/new"] = "x"
    result = crawl(spider_for(site))
    assert site.hits["/new"] == 1
    assert result.outcomes == {"ok": 2, "redirected": 2}


def test_a_redirect_off_site_is_dropped_and_named_as_filtered(site, crawl):
    site["/"] = links("/away")
    site["/away"] = redirect("http://localhost:9/elsewhere")
    result = crawl(spider_for(site, allowed_domains=["127.0.0.1"]))
    assert result.outcomes == {"ok": 1, "filtered": 1}
    assert result.summary.outcome == "complete"


def test_a_meta_refresh_is_a_redirect(site, crawl):
    site["/"] = '<meta http-equiv="refresh" content="0; url=/there">'
    site["/there"] = "<h1>there</h1>"
    result = crawl(spider_for(site))
    assert result.items == [{"url": f"{site.url}/there"}]
    assert result.outcomes == {"redirected": 1, "ok": 1}


def test_a_redirect_to_another_host_waits_in_that_hosts_queue(site, crawl):
    port = site.url.rpartition(":")[2]
    site["/"] = redirect(f"http://localhost:{port}/there")
    site["/there"] = "x"
    slots = []

    def parse(self, response):
        slots.append(response.meta["download_slot"])

    crawl(spider_for(site, parse=parse))
    assert slots == ["localhost"]


# --- robots.txt and delays ---


def test_pages_that_robots_txt_forbids_are_settled_as_robots_and_no_failure(site, crawl):
    site["/robots.txt"] = text("User-agent: Crawlery\nDisallow: /private\n\nUser-agent: *\nDisallow: /")
    site["/"] = links("/private", "/public")
    site["/public"] = "x"
    result = crawl(spider_for(site))
    assert result.outcomes == {"ok": 2, "robots": 1}
    assert result.summary.outcome == "complete"
    assert "/private" not in site.hits


def test_a_robots_txt_that_cannot_be_read_forbids_everything(site, crawl):
    site["/robots.txt"] = bad(500)
    site["/"] = "x"
    result = crawl(spider_for(site), {"RETRY_TIMES": 0})
    assert result.outcomes == {"robots": 1}
    assert not site.hits


def test_an_error_page_at_robots_txt_is_no_set_of_rules(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nDisallow: /", status=404)
    site["/"] = "x"
    assert crawl(spider_for(site)).outcomes == {"ok": 1}


def test_crawl_delay_is_kept_between_requests_whatever_autothrottle_thinks(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 0.2")
    site["/"] = links("/p/1", "/p/2", "/p/3")
    for number in (1, 2, 3):
        site[f"/p/{number}"] = "x"
    crawl(spider_for(site))
    times = sorted(time for path in site.hits for time in site.times(path))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.19


def test_crawl_delay_counts_up_to_the_deployments_maximum(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 86400")
    site["/"] = links("/p/1")
    site["/p/1"] = "x"
    result = crawl(spider_for(site), {"CRAWL_DELAY_MAX": 0.1})
    assert result.outcomes == {"ok": 2}
    assert result.stats["robotstxt/crawl_delay_s"] == 0.1


def test_no_more_requests_of_a_host_are_open_than_allowed(site, crawl):
    site["/"] = links(*(f"/p/{number}" for number in range(12)))
    for number in range(12):
        site[f"/p/{number}"] = html("x", delay_s=0.05)
    crawl(spider_for(site), {"CONCURRENT_REQUESTS_PER_DOMAIN": 2, "AUTOTHROTTLE_ENABLED": False})
    assert max(entry.concurrent for entry in site.server.log) == 2


def test_a_slow_host_never_blocks_another(site, crawl):
    port = site.url.rpartition(":")[2]
    slow = [f"http://localhost:{port}/slow/{number}" for number in range(40)]
    fast = [f"/fast/{number}" for number in range(10)]
    site["/"] = links(*slow, *fast)
    for number in range(40):
        site[f"/slow/{number}"] = html("x", delay_s=0.05)
    for page in fast:
        site[page] = "x"
    crawl(spider_for(site), {"AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    last_fast = max(site.times(page)[0] for page in fast)
    slow_before = sum(site.times(f"/slow/{number}")[0] < last_fast for number in range(40))
    assert slow_before < 20


# --- limits ---


@pytest.fixture
def endless(site):
    site.pages.update({f"/{number}": links(f"/{number + 1}") for number in range(1, 500)})
    site["/"] = links("/1")
    return site


def test_no_more_pages_are_fetched_than_the_limit_and_the_rest_is_counted(endless, crawl):
    endless["/"] = links("/1", "/100", "/200")
    result = crawl(spider_for(endless), {"REQUESTS_LIMIT": 5})
    assert sum(endless.hits.values()) == 5
    assert result.outcomes["cancelled"] >= 1
    assert result.summary.facts.limit == "limits.requests"
    assert result.summary.outcome == "complete"
    assert "limits.requests ended the crawl" in result.summary.text()


def test_a_crawl_ends_after_its_duration(endless, crawl):
    result = crawl(spider_for(endless), {"DURATION_LIMIT": 0.3, "DOWNLOAD_DELAY": 0.05})
    assert (result.reason, result.summary.outcome) == ("limits.duration", "partial")
    assert result.outcomes["cancelled"] == 1


def test_the_end_does_not_wait_for_pages_that_wait_for_their_delay(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 30")
    site["/"] = links("/p/1", "/p/2", "/p/3")
    result = crawl(spider_for(site), {"DURATION_LIMIT": 0.5})
    assert result.outcomes == {"cancelled": 1}  # it waits since robots.txt was read
    assert result.summary.facts.elapsed_s < 2


def test_a_crawl_ends_after_so_many_failed_pages(site, crawl):
    site["/"] = links(*(f"/gone/{number}" for number in range(100)))
    result = crawl(spider_for(site), {"ERRORS_LIMIT": 3, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert result.reason == "limits.stop_after_errors"
    assert 3 <= result.outcomes["http_404"] <= 5
    assert result.outcomes["cancelled"] > 90


def test_a_body_over_the_limit_is_too_large(site, crawl):
    site["/"] = links("/big")
    site["/big"] = "x" * 200_000
    result = crawl(spider_for(site), {"DOWNLOAD_MAXSIZE": 100_000, "COMPRESSION_ENABLED": False})
    assert result.outcomes == {"ok": 1, "too_large": 1}


def test_a_body_that_is_over_the_limit_when_unpacked_is_too_large(site, crawl):
    site["/"] = links("/bomb")
    site["/bomb"] = "x" * 5_000_000
    result = crawl(spider_for(site), {"DOWNLOAD_MAXSIZE": 1_000_000})
    assert result.outcomes == {"ok": 1, "too_large": 1}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/html,x", "s3://bucket/key"])
def test_other_schemes_than_http_are_refused(site, crawl, url):
    result = crawl(spider_for(site, start_urls=[url]))
    assert result.outcomes == {"filtered": 1}
    assert not result.items
