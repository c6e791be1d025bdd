"""Spiders whose URLs come from the store."""

from __future__ import annotations

import os
import signal

import scrapy_redis.spiders
from scrapy import Request
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import Rule

from crawler.scheduling.seed_store import SeedStore
from crawler.spiders.redis import RedisCrawlSpider, RedisSpider


class Seeded(RedisSpider):
    """Gives what it was asked for."""

    name = "seeded"
    max_idle_time = 1

    def parse(self, response):
        meta = {key: value for key, value in response.meta.items() if key == "mine"}
        yield {"url": response.url, "method": response.request.method, **meta}


class SeededRules(RedisCrawlSpider):
    """Follows rules from its seeds."""

    name = "seeded_rules"
    redis_key = "rules:seeds"
    max_idle_time = 1
    rules = (Rule(LinkExtractor(allow=r"/item/"), callback="parse_item"),)

    def parse_item(self, response):
        yield {"url": response.url}


class Dying(Seeded):
    """Is killed at work on a batch: when it makes the request of a path, or when it would `take` it off."""

    name = "dying"
    redis_key = "seeded:start_urls"
    redis_batch_size = 20

    async def start(self):
        if self.settings.get("DIES_AT") == "take":  # the frontier has the requests, and the seeds are still there
            SeedStore.take = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        return
        yield

    def make_request_from_data(self, data):
        if data.decode().endswith(self.settings.get("DIES_AT", "nowhere")):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().make_request_from_data(data)


class Several(Seeded):
    """A seed is a number: two pages, or none."""

    name = "several"

    def make_request_from_data(self, data):
        for page in range(int(data)):
            yield Request(f"{self.site}/list/{page}")


class Stock(scrapy_redis.spiders.RedisSpider):
    """That of scrapy-redis itself."""

    name = "stock"
    max_idle_time = 4

    def parse(self, response):
        yield {"url": response.url}
