"""Hand-written spiders that use what such spiders use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import attrs
import scrapy
from scrapy import FormRequest, Request
from scrapy.exceptions import CloseSpider


@dataclass
class Chair:
    url: str
    name: str
    price: str | float
    found_on: int


@attrs.define
class Table:
    url: str
    name: str
    price: str | float
    found_on: int


class Lamp(scrapy.Item):
    url = scrapy.Field()
    name = scrapy.Field()
    price = scrapy.Field()
    found_on = scrapy.Field()


KINDS = (dict, Chair, Table, Lamp)


class Hand(scrapy.Spider):
    """Lists, products with arguments, a form, a page that is missing."""

    name = "hand"

    async def start(self):
        yield Request(f"{self.site}/", callback=self.parse_lists)
        yield FormRequest(
            f"{self.site}/search",
            formdata={"q": "stools"},
            callback=self.parse_product,
            cb_kwargs={"found_on": -1, "number": 0},
        )
        yield Request(f"{self.site}/missing", callback=self.parse_product, errback=self.failed)

    def parse_lists(self, response):
        yield from response.follow_all(css="a", callback=self.parse_list, priority=1)

    async def parse_list(self, response):
        page = int(response.url.rpartition("/")[2])
        for number, link in enumerate(response.css("a")):
            yield response.follow(
                link, callback=self.parse_product, errback=self.failed, cb_kwargs={"found_on": page, "number": number}
            )

    def parse_product(self, response, found_on, number):
        name, price = response.css("h1::text").get(), response.css("b::text").get()
        yield KINDS[number % 4](url=response.url, name=name, price=price, found_on=found_on)

    def failed(self, failure):
        yield {"url": failure.request.url, "failed": failure.type.__name__}


class Urls(scrapy.Spider):
    """Its URLs are in the class; it counts how often its `start()` runs to the end."""

    name = "urls"

    async def start(self):
        for page in range(3):
            yield Request(f"{self.site}/list/{page}", dont_filter=True)
        yield {"url": "start"}

    def parse(self, response):
        yield {"url": response.url}


class Lambdas(scrapy.Spider):
    """Asks for what no other process can do."""

    name = "lambdas"

    async def start(self):
        yield Request(f"{self.site}/list/0")

    def parse(self, response):
        yield {"url": response.url}
        yield response.follow("/list/1", callback=lambda response: None)


class Twice(scrapy.Spider):
    """Asks for the same page twice."""

    name = "twice"

    async def start(self):
        yield Request(f"{self.site}/list/0")
        yield Request(f"{self.site}/list/0")

    def parse(self, response):
        yield {"url": response.url}


class Shuffled(scrapy.Spider):
    """Its URLs come in no certain order: a worker that is told FORWARDS gives half of them and is stuck."""

    name = "shuffled"

    async def start(self):
        if self.settings.getbool("FORWARDS"):
            for page in range(3):
                yield Request(f"{self.site}/list/{page}", dont_filter=True)
            await asyncio.Event().wait()
        for page in reversed(range(6)):
            yield Request(f"{self.site}/list/{page}", dont_filter=True)

    def parse(self, response):
        yield {"url": response.url}


class Closing(scrapy.Spider):
    """Has more to read than it lives for; one that is told CLOSES ends with its first page, as that says."""

    name = "closing"

    async def start(self):
        for page in range(2_000):
            yield Request(f"{self.site}/item/{page}")

    def parse(self, response):
        yield {"url": response.url}
        closes = self.settings.get("CLOSES")
        if closes == "raise":
            raise CloseSpider("enough")
        if closes == "errback":
            yield Request(f"{self.site}/missing", errback=self.failed, priority=1)
        if closes == "leave":
            self.crawler.engine.close_spider(self, "my own affair")

    def failed(self, failure):
        raise CloseSpider("nothing there")
