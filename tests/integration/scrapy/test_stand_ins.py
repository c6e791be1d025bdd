"""What a downloader middleware of a project puts in the place of a page is a child of that, taken by its commit."""

from __future__ import annotations

import asyncio

import pytest
from fleet import Shared, Worker, rows_of
from loopback import spider_for
from scrapy import Request, signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import IgnoreRequest


class Replacing:
    """Puts another request in the place of `/p/1`, once."""

    @classmethod
    def from_crawler(cls, crawler):
        middleware = cls()
        middleware.crawler = crawler
        middleware.done = False
        return middleware

    def replaced(self, request):
        if not request.url.endswith("/p/1") or self.done:
            return None
        self.done = True
        return self.another(request)

    def another(self, request):
        return request.replace(url=f"{request.url}?again")


class BeforeItIsSent(Replacing):
    def process_request(self, request):
        return self.replaced(request)


class ByItsResponse(Replacing):
    def process_response(self, request, response):
        return self.replaced(request) or response


class ByItsFailure(Replacing):
    def process_request(self, request):
        if request.url.endswith("/p/1") and not self.done:
            raise ConnectionError("no way")

    def process_exception(self, request, exception):
        return self.replaced(request)


class Retrying(ByItsResponse):
    def another(self, request):
        return get_retry_request(request, spider=self.crawler.spider, reason="not this one", max_retry_times=2)


class ItsOwn(ByItsResponse):
    def another(self, request):
        request.dont_filter = True
        request.meta["seen"] = True
        return request


def parse(self, response):
    yield Request(response.urljoin("/p/1"), callback=self.product, cb_kwargs={"name": "one"})


def product(self, response, name):
    yield {"url": response.url, "name": name, "seen": response.meta.get("seen", False)}


def replacing(site, middleware, **attributes):
    site["/"], site["/p/1"] = "x", "x"
    return spider_for(
        site,
        **{"parse": parse, "product": product, **attributes},
        custom_settings={"DOWNLOADER_MIDDLEWARES": {middleware: 950}},
    )


class Watched(Shared):
    """Remembers what each page's end has handed in."""

    def __init__(self):
        super().__init__()
        self.ends = []

    async def commit(self, commits):
        self.ends += [(commit.url, commit.outcome, len(commit.children)) for commit in commits]
        return await super().commit(commits)


MIDDLEWARES = [
    (BeforeItIsSent, "/p/1?again", 0),
    (ByItsResponse, "/p/1?again", 1),
    (ByItsFailure, "/p/1?again", 0),
    (Retrying, "/p/1", 2),
    (ItsOwn, "/p/1", 2),
]


@pytest.mark.parametrize(("middleware", "path", "hits"), MIDDLEWARES)
def test_what_stands_in_for_a_page_is_handed_in_by_its_end_and_by_nothing_else(
    site, crawl_together, middleware, path, hits
):
    frontier = Watched()
    crawl_together(replacing(site, middleware), frontier=frontier, workers=(Worker("a"),))
    url = f"{site.url}/p/1"
    assert frontier.ends[2:] == [(url, "redirected", 1), (f"{site.url}{path}", "ok", 0)]
    assert frontier.calls.count("enqueue") == 2  # the start page, and what start() gives
    row = {"url": f"{site.url}{path}", "name": "one", "seen": middleware is ItsOwn}
    assert asyncio.run(rows_of(frontier)) == [("dict", row)]
    assert site.hits["/p/1"] == hits
    final = asyncio.run(frontier.audit())
    assert final.balanced
    assert final.settled == {"ok": 3, "redirected": 1}


@pytest.mark.parametrize(("middleware", "path", "hits"), MIDDLEWARES)
def test_on_a_laptop_it_is_the_same(site, crawl, middleware, path, hits):
    result = crawl(replacing(site, middleware))
    assert [item["url"] for item in result.items] == [f"{site.url}{path}"]
    assert result.outcomes == {"ok": 2, "redirected": 1}
    assert site.hits["/p/1"] == hits


def test_a_callback_that_is_no_method_stays_on_a_laptop_also_when_its_request_is_replaced(site, crawl):
    def parse(self, response):
        yield Request(response.urljoin("/p/1"), callback=lambda response: {"url": response.url})

    result = crawl(replacing(site, ByItsResponse, parse=parse))
    assert result.items == [{"url": f"{site.url}/p/1?again"}]


def test_a_stand_in_that_is_known_already_is_dropped_as_in_scrapy(site, crawl):
    class Unchanged(ByItsResponse):
        def another(self, request):
            return request.copy()

    result = crawl(replacing(site, Unchanged))
    assert result.items == []
    assert result.outcomes == {"ok": 1, "redirected": 1}
    assert result.stats["dupefilter/filtered"] == 1


def test_a_stand_in_that_is_refused_makes_its_page_filtered(site, crawl):
    class Refusing(replacing(site, ByItsResponse)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.scheduled, signal=signals.request_scheduled)
            return spider

        def scheduled(self, request):
            if request.url.endswith("?again"):
                raise IgnoreRequest

    result = crawl(Refusing)
    assert result.outcomes == {"ok": 1, "filtered": 1}


def test_what_stands_in_for_a_page_whose_lease_was_lost_is_left_to_whoever_has_the_page(site, crawl_together):
    frontier = Watched()

    class Losing(ByItsResponse):
        def another(self, request):
            scheduler = self.crawler.engine.scheduler
            page = scheduler.pages.of(request)
            task = asyncio.get_running_loop().create_task(frontier.expire(page.lease.request.id))
            scheduler.losing = task
            scheduler._ends.lose([page.lease])
            return super().another(request)

    crawl_together(replacing(site, Losing), frontier=frontier, workers=(Worker("a"),))
    assert [end for end in frontier.ends if "/p/1" in end[0]] == [(f"{site.url}/p/1", "ok", 0)]
    assert site.hits["/p/1"] == 2
    assert "/p/1?again" not in site.hits


def test_the_next_page_of_a_list_may_be_replaced_and_its_list_goes_on(goods, run):
    class Retrying:
        done = False

        def process_response(self, request, response):
            if request.url.endswith("?page=2") and not self.done:
                self.done = True
                return request.replace(dont_filter=True)
            return response

    result = run(settings={"DOWNLOADER_MIDDLEWARES": {Retrying: 950}})
    assert sorted(item["name"] for item in result.items) == [f"Good {number}" for number in range(1, 6)]
    assert goods.hits["/?page=2"] == 2
    assert result.ledger.stalled == 0
