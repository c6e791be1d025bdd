"""Scrapy's scheduler contract: duplicates, requests from elsewhere, idleness and the end."""

from __future__ import annotations

import time

from loopback import redirect, spider_for
from scrapy import Request, signals
from scrapy.exceptions import DontCloseSpider


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
