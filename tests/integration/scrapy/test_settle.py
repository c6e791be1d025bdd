"""A page ends once: with everything it gave, when its items are through the pipelines."""

from __future__ import annotations

import asyncio

from loopback import spider_for
from scrapy import Request, signals
from scrapy.exceptions import CloseSpider, DropItem, IgnoreRequest


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
        custom_settings = {"ITEM_PIPELINES": {Slow: 1}}  # noqa: RUF012 - Scrapy's name and its plain dict

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
