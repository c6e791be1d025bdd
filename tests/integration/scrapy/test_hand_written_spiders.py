"""Ordinary Scrapy spiders run unchanged on our scheduler, and every page they ask for is settled once."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest
import scrapy
from loopback import html, jsonp, links, redirect, text
from scrapy import Request, signals
from scrapy.exceptions import CloseSpider, DontCloseSpider, DropItem, IgnoreRequest
from scrapy.http import JsonRequest
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule, SitemapSpider


@pytest.fixture
def shop(site):
    site["/"] = links("/p/1", "/p/2", "/p/3")
    for number in (1, 2, 3):
        site[f"/p/{number}"] = f"<h1>Product {number}</h1>" + links("/", "/p/1")
    return site


def spider_for(site, **attributes):
    return type("Hand", (scrapy.Spider,), {"name": "hand", "start_urls": [f"{site.url}/"], **attributes})


def test_requests_and_items_of_callbacks_with_arguments(shop, crawl):
    def parse(self, response):
        for link in response.css("a"):
            yield response.follow(
                link, callback=self.product, cb_kwargs={"found": 7}, meta={"mine": (1, 2)}, priority=3
            )

    def product(self, response, found):
        assert response.meta["mine"] == (1, 2)
        yield {"title": response.css("h1::text").get(), "found": found}

    result = crawl(spider_for(shop, parse=parse, product=product))
    assert sorted(item["title"] for item in result.items) == ["Product 1", "Product 2", "Product 3"]
    assert {item["found"] for item in result.items} == {7}
    assert shop.hits == {"/": 1, "/p/1": 1, "/p/2": 1, "/p/3": 1}
    assert result.outcomes == {"ok": 4}
    assert (result.reason, result.summary.outcome, result.summary.exit_code) == ("finished", "complete", 0)


def test_duplicates_are_filtered_unless_the_spider_says_otherwise(shop, crawl):
    def parse(self, response):
        if response.meta.get("depth", 0) < 2:
            yield Request(response.urljoin("/p/1"))
            yield Request(response.urljoin("/p/1#again"))
            yield Request(response.urljoin("/p/2"), dont_filter=True)
            yield Request(response.urljoin("/p/2"), dont_filter=True)

    result = crawl(spider_for(shop, parse=parse))
    assert shop.hits["/p/1"] == 1
    assert shop.hits["/p/2"] == 2 + 6  # of the first page, and of each page it leads to
    assert result.stats["dupefilter/filtered"] > 0


def test_dropped_duplicates_are_announced(shop, crawl):
    dropped = []

    class Listening(spider_for(shop)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.note, signal=signals.request_dropped)
            return spider

        def note(self, request):
            dropped.append(request.url)

        def parse(self, response):
            yield Request(response.urljoin("/p/1"))
            yield Request(response.urljoin("/p/1"))

    crawl(Listening)
    assert dropped.count(f"{shop.url}/p/1") == 3  # once by the list, twice by the product page itself


def test_lambdas_closures_and_objects_work_in_the_process_that_made_them(shop, crawl):
    seen = []

    def parse(self, response):
        yield Request(response.urljoin("/p/1"), callback=lambda response: seen.append(response.url))
        yield Request(response.urljoin("/p/2"), callback=self.keep, cb_kwargs={"box": seen})
        yield Request(response.urljoin("/p/3"), meta={"object": shop}, callback=self.keep, cb_kwargs={"box": seen})

    def keep(self, response, box):
        box.append(response.meta.get("object") or response.url)

    crawl(spider_for(shop, parse=parse, keep=keep))
    assert f"{shop.url}/p/1" in seen
    assert shop in seen


def test_async_callbacks_coroutines_and_plain_returns(shop, crawl):
    async def parse(self, response):
        yield Request(response.urljoin("/p/1"), callback=self.coroutine)
        yield Request(response.urljoin("/p/2"), callback=self.returning)

    async def coroutine(self, response):
        other = await self.crawler.engine.download_async(Request(response.urljoin("/p/3")))
        return [{"other": other.css("h1::text").get()}]

    def returning(self, response):
        return {"url": response.url}

    result = crawl(spider_for(shop, parse=parse, coroutine=coroutine, returning=returning))
    assert {"other": "Product 3"} in result.items
    assert {"url": f"{shop.url}/p/2"} in result.items
    assert result.outcomes == {"ok": 3}


def test_errbacks_get_every_kind_of_failure_and_may_go_on(shop, crawl):
    shop["/cut"] = html("x" * 5000, cut=True)
    got = {}

    def parse(self, response):
        for path in ("/missing", "/cut", "/p/1"):
            yield Request(response.urljoin(path), callback=self.fine, errback=self.failed, meta={"max_retry_times": 1})

    def fine(self, response):
        yield {"fine": response.url}

    def failed(self, failure):
        got[failure.request.url] = failure.type.__name__
        yield {"failed": failure.request.url}
        yield Request(failure.request.url + "?second", callback=self.fine, meta={"dont_retry": True})

    result = crawl(spider_for(shop, parse=parse, fine=fine, failed=failed))
    assert got[f"{shop.url}/missing"] == "HttpError"
    assert len(got) == 2
    assert {"fine": f"{shop.url}/cut?second"} not in result.items
    assert shop.hits["/cut?second"] == 1
    assert shop.hits["/missing?second"] == 1
    assert {"failed": f"{shop.url}/missing"} in result.items
    assert result.outcomes["http_404"] == 2
    assert result.outcomes["gave_up"] == 2
    assert result.outcomes["ok"] == 2


def test_a_callback_that_fails_half_way_keeps_what_it_gave_and_is_named(shop, crawl):
    def parse(self, response):
        yield {"first": 1}
        yield Request(response.urljoin("/p/1"), callback=self.fine)
        raise RuntimeError("half-way")

    def fine(self, response):
        yield {"second": 2}

    result = crawl(spider_for(shop, parse=parse, fine=fine))
    assert result.items == [{"first": 1}, {"second": 2}]
    assert result.outcomes == {"ok": 1, "page_error": 1}
    assert result.summary.facts.reasons[f"{shop.url}/"] == "RuntimeError: half-way"
    assert result.stats["spider_exceptions/RuntimeError"] == 1


@pytest.mark.parametrize("status", [403, 410, 501])
def test_other_statuses_have_their_class(site, crawl, status):
    site["/"] = html("x", status=status)
    expected = {403: "http_4xx", 410: "http_404", 501: "http_5xx"}[status]
    assert crawl(spider_for(site, parse=lambda self, response: None)).outcomes == {expected: 1}


def test_a_status_that_the_spider_handles_is_no_failure(site, crawl):
    def parse(self, response):
        yield {"status": response.status}

    result = crawl(spider_for(site, parse=parse, handle_httpstatus_list=[404], start_urls=[f"{site.url}/none"]))
    assert result.items == [{"status": 404}]
    assert result.outcomes == {"ok": 1}


def test_start_may_be_slow_mixed_and_endless_looking(shop, crawl):
    async def start(self):
        yield {"item": "from start"}
        for number in range(120):
            yield Request(f"{shop.url}/p/{number % 3 + 1}?n={number}")
        await asyncio.wait_for(self.seen.wait(), 5)  # crawled while start() still runs
        yield Request(f"{shop.url}/p/1?last")

    def parse(self, response):
        self.seen.set()

    result = crawl(spider_for(shop, start=start, parse=parse, seen=asyncio.Event()))
    assert result.items == [{"item": "from start"}]
    assert shop.hits["/p/1?last"] == 1
    assert result.outcomes == {"ok": 121}


def test_a_start_that_fails_ends_the_crawl_and_says_so(shop, crawl):
    async def start(self):
        yield Request(f"{shop.url}/p/1")
        raise ValueError("no more")

    result = crawl(spider_for(shop, start=start, parse=lambda self, response: None))
    assert result.reason == "start_error"
    assert result.summary.outcome == "partial"
    assert shop.hits == {"/p/1": 1}


def test_close_spider_in_a_callback_ends_the_crawl_with_its_reason(shop, crawl):
    def parse(self, response):
        yield Request(response.urljoin("/p/1"))
        raise CloseSpider("enough")

    result = crawl(spider_for(shop, parse=parse))
    assert result.reason == "enough"
    assert result.ledger.settled["ok"] == 2  # start() and the first page


def test_a_crawl_spider_follows_its_rules(shop, crawl):
    class Rules(CrawlSpider):
        name = "rules"
        start_urls = (f"{shop.url}/",)
        rules = (Rule(LinkExtractor(allow=r"/p/"), callback="product", follow=True),)

        def product(self, response):
            yield {"url": response.url, "text": response.meta["link_text"]}

    result = crawl(Rules)
    assert len(result.items) == 3
    assert shop.hits["/p/2"] == 1


def test_a_sitemap_spider_reads_robots_index_and_urlset(site, crawl):
    site["/robots.txt"] = text(f"User-agent: *\nDisallow:\nSitemap: {site.url}/sitemap.xml\n")
    urls = "".join(f"<url><loc>{site.url}/p/{number}</loc></url>" for number in (1, 2))
    site["/sitemap.xml"] = text(
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>', content_type="application/xml"
    )
    site["/p/1"] = site["/p/2"] = "<h1>x</h1>"

    class Maps(SitemapSpider):
        name = "maps"
        sitemap_urls = (f"{site.url}/robots.txt",)
        sitemap_rules = (("/p/", "product"),)

        def product(self, response):
            yield {"url": response.url}

    assert len(crawl(Maps).items) == 2


def test_requests_from_an_extension_are_crawled_and_idle_handlers_can_add_more(shop, crawl):
    class Adding(spider_for(shop)):
        rounds = 0

        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.idle, signal=signals.spider_idle)
            return spider

        def idle(self):
            if self.rounds < 2:
                self.rounds += 1
                self.crawler.engine.crawl(Request(f"{shop.url}/p/{self.rounds}", callback=lambda response: None))
                raise DontCloseSpider

        def parse(self, response):
            pass

    result = crawl(Adding)
    assert shop.hits == {"/": 1, "/p/1": 1, "/p/2": 1}
    assert result.outcomes == {"ok": 3}


def test_handlers_of_request_scheduled_can_refuse_requests(shop, crawl):
    class Refusing(spider_for(shop)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.scheduled, signal=signals.request_scheduled)
            return spider

        def scheduled(self, request):
            if request.url.endswith("/p/2"):
                raise IgnoreRequest

        def parse(self, response):
            yield from response.follow_all(css="a")

    crawl(Refusing)
    assert shop.hits == {"/": 2, "/p/1": 1, "/p/3": 1}  # the start URL is not filtered, as in Scrapy


def test_off_site_links_are_not_followed(shop, crawl):
    def parse(self, response):
        yield Request("http://localhost:9/elsewhere")
        yield Request(response.urljoin("/p/1"))

    result = crawl(spider_for(shop, parse=parse, allowed_domains=["127.0.0.1"]))
    assert result.stats["offsite/filtered"] == 2  # on both pages
    assert result.outcomes == {"ok": 2}


def test_items_are_through_the_pipelines_before_a_page_is_settled(shop, crawl):
    order = []

    class Slow:
        async def process_item(self, item):
            await asyncio.sleep(0.02)
            order.append("piped")
            if item["n"] == 1:
                raise DropItem("not this one")
            if item["n"] == 2:
                raise RuntimeError("a pipeline fails")
            return item

    class Watching(spider_for(shop)):
        custom_settings = {"ITEM_PIPELINES": {Slow: 1}}  # noqa: RUF012

        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            from crawler.signals import page_settled

            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.settled, signal=page_settled)
            return spider

        def settled(self, page):
            if page.url.endswith("/"):
                order.append("settled")

        def parse(self, response):
            yield from ({"n": n} for n in range(4))

    result = crawl(Watching)
    assert order == ["piped"] * 4 + ["settled"]
    assert [item["n"] for item in result.items] == [0, 3]
    assert result.summary.outcome == "partial"
    assert result.ledger.rows == {"dict": 2}


def test_items_may_be_dataclasses_and_scrapy_items(shop, crawl):
    @dataclasses.dataclass
    class Product:
        item: str

    class Classic(scrapy.Item):
        name = scrapy.Field()

    def parse(self, response):
        yield Product(item="x")
        yield Classic(name="y")

    result = crawl(spider_for(shop, parse=parse))
    assert result.summary.facts.rows == {"Product": 1, "Classic": 1}


def test_a_downloader_middleware_may_swap_the_request(shop, crawl):
    class Swapping:
        def process_response(self, request, response):
            if request.url.endswith("/p/1"):
                return request.replace(url=request.url + "?swapped", dont_filter=True)
            return response

    def parse(self, response):
        yield Request(response.urljoin("/p/1"), callback=self.product)

    def product(self, response):
        yield {"url": response.url}

    attributes = {"parse": parse, "product": product, "custom_settings": {"DOWNLOADER_MIDDLEWARES": {Swapping: 950}}}
    result = crawl(spider_for(shop, **attributes))
    assert result.items == [{"url": f"{shop.url}/p/1?swapped"}]
    assert result.outcomes == {"ok": 2, "redirected": 1}


def test_a_downloader_middleware_may_answer_with_the_response_of_another_request(shop, crawl):
    class Answering:
        def __init__(self, crawler):
            self.crawler = crawler

        @classmethod
        def from_crawler(cls, crawler):
            return cls(crawler)

        async def process_request(self, request):
            if request.url.endswith("/p/1"):
                return await self.crawler.engine.download_async(Request(request.url.replace("/p/1", "/p/2")))
            return None

    def parse(self, response):
        yield Request(response.urljoin("/p/1"), callback=self.product)

    def product(self, response):
        raise RuntimeError("seen")

    def fallback(self, response):
        yield {"h1": response.css("h1::text").get()}

    attributes = {
        "parse": lambda self, response: (
            fallback(self, response) if "Product" in response.text else parse(self, response)
        ),
        "product": product,
        "custom_settings": {"DOWNLOADER_MIDDLEWARES": {Answering: 50}},
    }
    result = crawl(spider_for(shop, **attributes))
    assert result.items == [{"h1": "Product 2"}]
    assert result.outcomes == {"ok": 2}


def test_json_requests_keep_method_and_body_and_are_told_apart_by_them(site, crawl):
    site["/api"] = lambda request: jsonp({"got": request.body.decode(), "method": request.method})

    async def start(self):
        for page in (1, 2, 1):
            yield JsonRequest(f"{site.url}/api", data={"page": page})

    def parse(self, response):
        yield response.json()

    result = crawl(spider_for(site, start=start, parse=parse))
    assert sorted(item["got"] for item in result.items) == ['{"page": 1}', '{"page": 2}']
    assert {item["method"] for item in result.items} == {"POST"}


def test_a_fingerprinter_of_the_project_decides_what_is_a_duplicate(shop, crawl):
    class ByPath:
        def fingerprint(self, request):
            return request.url.partition("?")[0].encode()

    def parse(self, response):
        yield Request(response.urljoin("/p/1?a"), callback=self.product)
        yield Request(response.urljoin("/p/1?b"), callback=self.product)

    def product(self, response):
        yield {"url": response.url}

    attributes = {"parse": parse, "product": product, "custom_settings": {"REQUEST_FINGERPRINTER_CLASS": ByPath}}
    assert len(crawl(spider_for(shop, **attributes)).items) == 1


def test_a_copied_request_does_not_carry_our_errback(shop, crawl):
    errbacks = []

    def parse(self, response):
        copy = response.request.replace(url=response.urljoin("/p/1"), callback=self.product)
        errbacks.append(copy.errback)
        yield copy

    def product(self, response):
        yield {"url": response.url}

    result = crawl(spider_for(shop, parse=parse, product=product))
    assert len(result.items) == 1
    assert result.outcomes == {"ok": 2}


def test_redirects_reach_the_callback_with_scrapys_meta(site, crawl):
    site["/"] = redirect("/there", 301)
    site["/there"] = "<h1>There</h1>"

    def parse(self, response):
        yield {"url": response.url, "from": response.meta["redirect_urls"], "why": response.meta["redirect_reasons"]}

    result = crawl(spider_for(site, parse=parse))
    assert result.items == [{"url": f"{site.url}/there", "from": [f"{site.url}/"], "why": [301]}]
    assert result.outcomes == {"redirected": 1, "ok": 1}


def test_the_spider_closes_within_half_a_second_of_its_last_page(shop, crawl):
    marks = {}

    class Timed(spider_for(shop)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.closed_now, signal=signals.spider_closed)
            return spider

        def parse(self, response):
            marks["last"] = time.monotonic()

        def closed_now(self):
            marks["closed"] = time.monotonic()

    crawl(Timed)
    assert marks["closed"] - marks["last"] < 0.5
