"""Hand-written spiders of every kind run unchanged."""

from __future__ import annotations

import dataclasses

import pytest
import scrapy
from loopback import html, jsonp, spider_for, text
from scrapy import Request
from scrapy.http import JsonRequest
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule, SitemapSpider


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
