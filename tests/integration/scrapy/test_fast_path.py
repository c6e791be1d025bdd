"""Pages of recipes pass Scrapy's engine by, and nobody can tell: the same crawl both ways, and who takes which way."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
from typing import ClassVar

import pytest
from loopback import good, goods_recipe, html, listing, names, redirect
from scrapy import signals
from scrapy.exceptions import CloseSpider, DropItem, IgnoreRequest
from scrapy.http import HtmlResponse

from crawler.fastpath.fast_path import FastPath
from crawler.recipe.loader import load_recipe_text
from crawler.sample_shop.httpd import HttpResponse
from crawler.spiders.loader import spider_of

LONG_WAY = {"FASTPATH_ENABLED": False}

#: Stats that tell the time, how often somebody looked, or which pages came before the one that sets a cookie.
_VARYING = ("time", "memusage", "door/", "per_minute", "log_count/", "request_bytes")


def counted(result) -> dict[str, object]:
    return {name: value for name, value in result.stats.items() if not any(word in name for word in _VARYING)}


def many_ways(site) -> None:
    """One page for each way that a request can go."""
    seen = []

    def wall(request):
        seen.append(request)
        return (
            redirect("/wall", Set_Cookie="let=in") if "let=in" not in request.headers.get("cookie", "") else good("in")
        )

    plain = [f"/g/{number}" for number in range(1, 15)]
    ways = (
        *(
            "/moved",
            "/missing",
            "/forbidden",
            "/broken",
            "/once",
            "/never",
            "/refresh",
            "/packed",
            "/wall",
            "/nameless",
        ),
        *("/twin", "/challenge", "/empty", "/away", "http://other.example/x", f"/long?{'x' * 9000}", "/cut", "/text"),
    )
    site["/robots.txt"] = HttpResponse(body=b"User-agent: *\nDisallow: /forbidden\n", content_type="text/plain")
    site["/"] = listing(*plain, *ways, following="?page=2")
    site["/?page=2"] = listing("/g/15", "/g/1")
    for number in range(1, 16):
        site[f"/g/{number}"] = good(f"Good {number}")
    site["/moved"] = redirect("/target", 301)
    site["/target"] = good("target")
    site["/once"] = [html("", status=503), good("once")]
    site["/never"] = html("", status=500)
    site["/refresh"] = '<meta http-equiv="refresh" content="0; url=/g/3">'
    page = f"<!DOCTYPE html><html><body>{good('packed')}</body></html>".encode()
    site["/packed"] = HttpResponse(body=gzip.compress(page), headers=(("Content-Encoding", "gzip"),))
    site["/wall"] = wall
    site["/nameless"] = "<b class=price>1.00</b>"
    site["/challenge"] = [
        html("<script>_cf_chl_opt</script>", status=403, headers=(("cf-mitigated", "challenge"),)),
        good("challenge"),
    ]
    site["/empty"] = [HttpResponse(body=b""), good("empty")]
    site["/away"] = redirect("http://other.example/away")
    site["/cut"] = [html("x" * 4000, cut=True), good("cut")]
    site["/text"] = HttpResponse(body=b"plain words", content_type="text/plain")
    site["/twin"] = good("twin", "no price")


def both_ways(site, crawl, settings=None, *, fill=many_ways, recipe=None):
    results = []
    for way in ({}, LONG_WAY):
        site.pages.clear()
        fill(site)
        text = recipe or goods_recipe()
        results.append(crawl(text, {"RETRY_TIMES": 1, **(settings or {}), **way}, site=site.url))
    return results


def test_a_crawl_is_the_same_both_ways(site, crawl):
    fast, slow = both_ways(site, crawl)
    assert names(fast) == names(slow)
    assert sorted(fast.settled) == sorted(slow.settled)
    assert sorted(one.url for one in fast.rejects) == sorted(one.url for one in slow.rejects)
    assert counted(fast) == counted(slow)
    assert set(fast.outcomes) == {
        *("ok", "redirected", "http_404", "robots", "gave_up", "filtered", "page_error"),
    }


def test_rows_are_the_same_and_limits_hold_both_ways(site, crawl):
    fast, slow = both_ways(site, crawl, {"ITEMS_LIMIT": 4, "CONCURRENT_REQUESTS": 1})
    assert fast.items == slow.items
    assert len(fast.items) == 4
    assert fast.reason == slow.reason == "limits.items"


def test_requests_look_the_same_to_the_site_both_ways(site, crawl):
    def fill(site):
        site["/"] = listing("/g/1")
        site["/g/1"] = good("x")

    heads = []
    for way in ({}, LONG_WAY):
        fill(site)
        asked = len(site.server.log)
        crawl(goods_recipe(), way, site=site.url)
        heads.append([(entry.path, sorted(entry.headers.items())) for entry in site.server.log[asked:]])
    assert heads[0] == heads[1]
    assert any(name == "referer" for name, _ in heads[0][-1][1])


@pytest.fixture
def taken(monkeypatch):
    """Counts pages that take the fast path."""
    pages = []
    begin = FastPath.begin

    def counting(self, page):
        pages.append(page.url)
        begin(self, page)

    monkeypatch.setattr(FastPath, "begin", counting)
    return pages


def test_pages_of_recipes_take_the_fast_path(goods, crawl, taken):
    result = crawl(goods_recipe(), {"CONCURRENT_REQUESTS": 1}, site=goods.url)
    assert len(result.items) == 5
    assert taken


@pytest.mark.parametrize("way", [{}, LONG_WAY])
def test_the_collector_looks_less_often_for_pages_of_recipes_and_only_for_them(goods, crawl, way):
    class Looking:
        thresholds: ClassVar[set[int]] = set()

        @classmethod
        def from_crawler(cls, crawler):
            made = cls()
            crawler.signals.connect(made.item_scraped, signal=signals.item_scraped)
            return made

        def item_scraped(self):
            self.thresholds.add(gc.get_threshold()[0])

    usual = gc.get_threshold()
    crawl(goods_recipe(), {"EXTENSIONS": {Looking: 1}, **way}, site=goods.url)
    [during] = Looking.thresholds
    assert during == usual[0] if way else during > usual[0]
    assert gc.get_threshold() == usual


class Stranger:
    """A spider middleware that nobody knows."""

    def process_spider_input(self, response):
        return None


class Looker:
    """A downloader middleware that nobody knows."""

    seen: ClassVar[list[str]] = []

    def process_request(self, request):
        self.seen.append(request.url)

    async def process_response(self, request, response):
        if request.url.endswith("/g/2"):
            raise IgnoreRequest("not this one")
        if request.url.endswith("/g/3"):
            return HtmlResponse(request.url, body=good("another").encode(), request=request)
        return response


class Pricey:
    """A pipeline beside ours."""

    async def process_item(self, item):
        if item["name"] == "Good 1":
            raise DropItem("too cheap")
        return item


def test_a_spider_middleware_of_a_project_has_pages_take_the_long_way(goods, crawl, taken, caplog):
    result = crawl(goods_recipe(), {"SPIDER_MIDDLEWARES": {Stranger: 500}}, site=goods.url)
    assert len(result.items) == 5
    assert not taken
    assert "Stranger looks at it" in caplog.text


def test_a_downloader_middleware_of_a_project_is_called_on_the_fast_path(goods, crawl, taken):
    Looker.seen.clear()
    settings = {"DOWNLOADER_MIDDLEWARES": {Looker: 560}}
    fast = crawl(goods_recipe(), settings, site=goods.url)
    assert taken
    assert sorted(Looker.seen).count(f"{goods.url}/g/1") == 1
    assert names(fast) == ["Good 1", "Good 4", "Good 5", "another"]
    slow = crawl(goods_recipe(), {**settings, **LONG_WAY}, site=goods.url)
    assert (names(slow), sorted(slow.settled)) == (names(fast), sorted(fast.settled))


def test_pipelines_of_a_project_are_called_on_the_fast_path(goods, crawl, taken):
    fast = crawl(goods_recipe(), {"ITEM_PIPELINES": {Pricey: 100}}, site=goods.url)
    assert taken
    assert names(fast) == ["Good 2", "Good 3", "Good 4", "Good 5"]
    assert fast.stats["item_dropped_count"] == 1


def test_receivers_of_signals_are_told_what_scrapy_tells_them_and_may_fail(
    goods, crawl_broken, taken, caplog, reactor_loop
):
    told = []

    class Listener:
        @classmethod
        def from_crawler(cls, crawler):
            listener = cls()
            for name in ("request_reached_downloader", "request_left_downloader", "response_downloaded"):
                crawler.signals.connect(getattr(listener, name), signal=getattr(signals, name))
            crawler.signals.connect(listener.item, signal=signals.item_scraped)
            return listener

        def request_reached_downloader(self, request, spider):
            told.append(("reached", request.url))

        def request_left_downloader(self, **everything):
            told.append(("left", everything["request"].url, sorted(everything)))

        def response_downloaded(self, response):
            raise RuntimeError("a receiver that fails")

        async def item(self, item, response, signal):
            told.append(("item", response.url, signal is signals.item_scraped))

    crawl_broken(goods_recipe(), {"EXTENSIONS": {Listener: 0}}, site=goods.url)
    assert taken
    url = f"{goods.url}/g/1"
    assert ("reached", url) in told
    assert ("left", url, ["request", "sender", "signal", "spider"]) in told
    assert ("item", url, True) in told
    assert "Error caught on signal handler" in caplog.text


def test_a_callback_that_fails_or_closes_the_spider_ends_as_in_scrapy(site, crawl, taken, monkeypatch, caplog):
    from crawler.spiders.recipe import RecipeSpider

    def fill(site):
        site["/"] = listing("/g/1", "/g/2", "/g/3")
        for number in (1, 2, 3):
            site[f"/g/{number}"] = good(f"Good {number}")

    read = RecipeSpider.read

    def failing(self, response, page=None):
        yield from read(self, response, page)
        if response.url.endswith("/g/2"):
            raise KeyError("in a callback")
        if response.url.endswith("/g/3"):
            raise CloseSpider("enough")

    monkeypatch.setattr(RecipeSpider, "read", failing)
    fast, slow = both_ways(site, crawl, {"CONCURRENT_REQUESTS": 1}, fill=fill)
    assert taken
    assert fast.outcomes == slow.outcomes
    assert fast.outcomes["page_error"] == 1
    assert fast.reason == slow.reason == "enough"
    assert fast.stats["spider_exceptions/KeyError"] == 1


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_scrapys_lines_of_pages_and_rows_are_logged_where_somebody_hears_them(goods, crawl, taken, caplog, level):
    caplog.set_level(level)
    crawl(goods_recipe(), {}, site=goods.url)
    assert taken
    assert (f"Crawled (200) <GET {goods.url}/g/1>" in caplog.text) == (level == logging.DEBUG)
    assert (f"Scraped from <200 {goods.url}/g/1>" in caplog.text) == (level == logging.DEBUG)


@pytest.mark.parametrize(
    ("where", "error"), [("_received", RuntimeError), ("_fetched", RuntimeError), ("_fetched", asyncio.CancelledError)]
)
def test_a_mistake_on_the_path_costs_its_page_and_no_other(run, monkeypatch, where, error):
    method = getattr(FastPath, where)

    def failing(self, request, *more):
        if request.url.endswith("/g/2"):
            raise error("a mistake")
        return method(self, request, *more)

    monkeypatch.setattr(FastPath, where, failing)
    result = run(settings={"CONCURRENT_REQUESTS": 1, "RETRY_TIMES": 0})
    assert names(result) == ["Good 1", "Good 3", "Good 4", "Good 5"]
    assert result.outcomes["page_error"] == 1


def test_a_page_whose_task_is_cancelled_is_read_again(run, monkeypatch):
    fetched, cancelled = FastPath._fetched, []

    async def cancelling(self, request):
        if request.url.endswith("/g/2") and not cancelled:
            cancelled.append(request.url)
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        return await fetched(self, request)

    monkeypatch.setattr(FastPath, "_fetched", cancelling)
    result = run(settings={"CONCURRENT_REQUESTS": 1})
    assert cancelled
    assert names(result) == [f"Good {number}" for number in range(1, 6)]


@pytest.mark.parametrize("head", ["fetch: {timeout: 0s}", "fetch: {headers: {User-Agent: of a recipe}}"])
def test_what_a_recipe_says_of_its_requests_holds_both_ways(goods, crawl, taken, head):
    agents = []
    for way in ({}, LONG_WAY):
        asked = len(goods.server.log)
        result = crawl(goods_recipe(head=head), way, site=goods.url)
        assert len(result.items) == 5
        agents.append({entry.headers["user-agent"] for entry in goods.server.log[asked:]})
    assert taken
    assert agents[0] == agents[1]


class Doorman:
    """A downloader middleware that says who we are."""

    def process_request(self, request):
        request.meta["http_user"], request.meta["http_pass"] = "a", "b"


def test_credentials_that_a_middleware_gives_are_sent(goods, crawl, taken):
    crawl(goods_recipe(), {"DOWNLOADER_MIDDLEWARES": {Doorman: 200}}, site=goods.url)
    assert taken
    assert goods.server.log[-1].headers["authorization"] == "Basic YTpi"


def test_a_spider_with_a_parse_of_its_own_takes_the_long_way(goods, crawl, taken):
    base = spider_of(load_recipe_text(goods_recipe()))

    class Own(base):
        async def parse(self, response, page=None):
            for output in super().parse(response, page):
                yield output

    result = crawl(Own, {}, site=goods.url)
    assert len(result.items) == 5
    assert not taken


@pytest.mark.filterwarnings("ignore:The 'user_agent' spider attribute is deprecated")
def test_the_name_of_a_spider_that_has_one_is_sent(goods, crawl, taken):
    base = spider_of(load_recipe_text(goods_recipe()))
    crawl(type("Named", (base,), {"user_agent": "its own"}), {}, site=goods.url)
    assert taken
    assert goods.server.log[-1].headers["user-agent"] == "its own"


def test_a_page_in_slow_pipelines_keeps_no_place_of_a_download(goods, crawl, taken):
    class Slow:
        most = 0
        now = 0

        async def process_item(self, item):
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
            await asyncio.sleep(0.05)
            Slow.now -= 1
            return item

    crawl(goods_recipe(), {"ITEM_PIPELINES": {Slow: 100}, "CONCURRENT_REQUESTS": 1}, site=goods.url)
    assert taken
    assert Slow.most > 1
