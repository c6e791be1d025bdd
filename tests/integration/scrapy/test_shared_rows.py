"""What travels between the workers of a job: rows, with their types and ids, and requests; and what cannot travel."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections import Counter
from decimal import Decimal

import scrapy
from fleet import Shared, Worker, rows_of
from loopback import good, goods_recipe, links, listing, spider_for
from scrapy import Request, signals
from scrapy.exceptions import DropItem

ALONE = (Worker("a"),)


def books(frontier):
    return asyncio.run(frontier.audit())


def rows(frontier):
    return asyncio.run(rows_of(frontier))


# --- rows ---


def test_items_of_every_kind_become_rows_with_their_types(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    class Product(scrapy.Item):
        name = scrapy.Field()
        seen = scrapy.Field()

    @dataclasses.dataclass
    class Offer:
        price: Decimal
        parts: tuple

    def parse(self, response):
        yield {"plain": [1, "two", None, {"deep": 0.5}]}
        yield Product(name="n", seen=dt.date(2026, 11, 22))
        yield Offer(price=Decimal("1.50"), parts=(Offer(price=Decimal(1), parts=()),))

    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=ALONE)
    assert rows(frontier) == [
        ("dict", {"plain": [1, "two", None, {"deep": 0.5}]}),
        ("Product", {"name": "n", "seen": dt.date(2026, 11, 22)}),
        ("Offer", {"price": Decimal("1.50"), "parts": ({"price": Decimal(1), "parts": ()},)}),
    ]
    assert books(frontier).rows == {"dict": 1, "Product": 1, "Offer": 1}


def test_rows_of_a_recipe_are_kept_once_whoever_reads_them(goods, crawl_together):
    frontier = Shared()
    recipe = goods_recipe()
    crawl_together(recipe, frontier=frontier, site=goods.url)
    kept = rows(frontier)
    assert sorted(values["name"] for _, values in kept) == [f"Good {number}" for number in range(1, 6)]
    assert list(kept[0][1]) == ["url", "name", "price"]
    assert all(isinstance(values["price"], Decimal) for _, values in kept)


def test_rows_that_are_not_what_they_should_be_are_counted_with_their_page(goods, crawl_together):
    frontier = Shared()
    goods["/g/2"] = good("")
    goods["/g/4"] = good("", price="")
    crawl_together(goods_recipe(), frontier=frontier, site=goods.url)
    assert books(frontier).rows == {"good": 3}
    assert books(frontier).rejected == 2


def test_a_key_that_another_worker_has_given_is_a_duplicate_and_is_reported(goods, crawl_together):
    frontier = Shared()
    goods["/g/2"] = good("Good 1")
    ended = crawl_together(goods_recipe().replace("key: [url]", "key: [name]"), frontier=frontier, site=goods.url)
    assert len(rows(frontier)) == 4
    assert sum(result.summary.facts.duplicates.get("good", 0) for result in ended.values()) == 1
    assert sum(result.stats.get("recipe/duplicates/good", 0) for result in ended.values()) == 1
    assert books(frontier).duplicates == 1


def test_a_unique_value_that_another_row_has_is_a_reject(goods, crawl_together):
    frontier = Shared()
    unique = "name: {type: string, required: true, unique: true}"
    goods["/g/2"] = good("Good 1", "7")
    recipe = goods_recipe().replace("name: {type: string, required: true}", unique)
    ended = crawl_together(recipe, frontier=frontier, site=goods.url)
    assert len(rows(frontier)) == 4
    rejects = [reject for result in ended.values() for reject in result.rejects]
    assert [(reject.item, reject.reasons[0].field, reject.reasons[0].rule) for reject in rejects] == [
        ("good", "name", "unique")
    ]


def test_the_same_value_in_two_unique_fields_is_no_clash(goods, crawl_together):
    frontier = Shared()
    unique = "name: {type: string, required: true, unique: true}"
    recipe = goods_recipe().replace("name: {type: string, required: true}", unique)
    recipe = recipe.replace("price: {type: decimal, minimum: 0}", "price: {type: string, unique: true}")
    goods["/"] = listing("/g/1", "/g/2")
    goods["/g/1"], goods["/g/2"] = good("5", "7"), good("7", "5")
    crawl_together(recipe, frontier=frontier, site=goods.url, workers=ALONE)
    assert len(rows(frontier)) == 2


def test_a_row_that_cannot_travel_makes_its_page_fail_and_says_which_field(site, crawl_together, caplog):
    frontier = Shared()
    site["/"] = links("/p/1", "/p/2")
    site.pages.update({"/p/1": "x", "/p/2": "x"})

    def parse(self, response):
        yield {"fine": 1}
        yield {"name": "n", "handle": object()}
        yield from response.follow_all(css="a")

    ended = crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=ALONE)
    final = books(frontier)
    assert final.settled == {"ok": 1, "page_error": 3}
    assert {failure.reason for failure in final.failures} == {
        "dict: handle: object is no plain value; let items hold plain values"
    }
    assert final.rows == {"dict": 3}
    assert caplog.text.count("More rows of this kind are only counted") == 1
    assert ended["a"].stats["scheduler/rows_refused"] == 3


def test_what_pipelines_drop_or_change_is_what_counts_also_of_start(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    class Choosing:
        async def process_item(self, item):
            await asyncio.sleep(0.02)
            if item["n"] % 3 == 0:
                raise DropItem("no")
            if item["n"] % 3 == 1:
                raise RuntimeError("a pipeline fails")
            return {**item, "seen": True}

    async def start(self):
        for number in range(6):
            yield {"n": number}
        yield Request(f"{site.url}/")

    def parse(self, response):
        yield {"n": 11}

    spider = spider_for(site, start=start, parse=parse, custom_settings={"ITEM_PIPELINES": {Choosing: 1}})
    crawl_together(spider, frontier=frontier, workers=ALONE)
    kept = asyncio.run(frontier.read_rows(limit=100))
    assert sorted((row.page == 1, values["n"]) for row, (_, values) in zip(kept, rows(frontier), strict=True)) == [
        (False, 11),
        (True, 2),
        (True, 5),
    ]
    assert books(frontier).settled == {"ok": 2}


def test_an_item_of_no_page_is_refused_loudly(site, crawl_together, caplog):
    frontier = Shared()
    site["/"] = "x"

    async def parse(self, response):
        await self.crawler.engine.scraper.start_itemproc_async({"n": 1}, response=None)

    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=ALONE)
    assert rows(frontier) == []
    assert "an item dict of no page cannot be kept" in caplog.text


# --- requests ---


def test_requests_that_cannot_travel_make_their_page_fail_and_are_logged_once_of_each_kind(
    site, crawl_together, caplog
):
    frontier = Shared()
    site["/"] = links("/p/1", "/p/2")
    site.pages.update({"/p/1": "x", "/p/2": "x", "/fine": "x"})
    dropped = []

    class Listening(spider_for(site)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.note, signal=signals.request_dropped)
            return spider

        def note(self, request):
            dropped.append(request.url)

        def parse(self, response):
            yield from response.follow_all(css="a", callback=self.product)

        def product(self, response):
            yield Request(response.urljoin("/never/1"), callback=lambda response: None)
            yield Request(response.urljoin("/never/2"), callback=self.product, meta={"page": object()})
            yield Request(response.urljoin("/fine"), callback=self.fine)

        def fine(self, response):
            pass

    ended = crawl_together(Listening, frontier=frontier, workers=ALONE)
    final = books(frontier)
    assert final.settled == {"ok": 3, "page_error": 2}
    assert site.hits["/fine"] == 1
    assert not [path for path in site.hits if "never" in path]
    reasons = {failure.reason for failure in final.failures}
    assert len(reasons) == 1
    assert "callback" in reasons.pop()
    said = [record.message for record in caplog.records if "More requests of this kind" in record.message]
    assert len(said) == 2
    assert "its callback" in said[0]
    assert "is no method of spider 'hand'; make it one" in said[0]
    assert "meta.page: object is no plain value" in said[1]
    assert ended["a"].stats["scheduler/cannot_travel"] == 4
    assert Counter(dropped)[f"{site.url}/never/1"] == 2


def test_start_requests_that_cannot_travel_make_start_fail_and_the_others_are_crawled(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    async def start(self):
        yield Request(f"{site.url}/never", callback=lambda response: None)
        yield Request(f"{site.url}/")

    crawl_together(spider_for(site, start=start), frontier=frontier, workers=ALONE)
    assert books(frontier).settled == {"ok": 1, "page_error": 1}
    assert dict(site.hits) == {"/": 1}


def test_requests_from_extensions_travel_by_value_and_never_collide(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"
    site["/more"] = "x"
    refused = []

    class Adding(spider_for(site)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.opened, signal=signals.spider_opened)
            crawler.signals.connect(spider.dropped, signal=signals.request_dropped)
            return spider

        def opened(self):
            engine = self.crawler.engine
            engine.crawl(Request(f"{site.url}/more", callback=self.more, dont_filter=True))
            engine.crawl(Request(f"{site.url}/more", callback=lambda response: None))

        def dropped(self, request):
            refused.append(request.url)

        def more(self, response):
            yield {"by": self.crawler.engine.scheduler._worker}

        def parse(self, response):
            pass

    crawl_together(Adding, frontier=frontier)
    assert site.hits["/more"] == 2  # one of each worker: neither is taken for the other's
    assert len(rows(frontier)) == 2
    assert refused == [f"{site.url}/more"] * 2
