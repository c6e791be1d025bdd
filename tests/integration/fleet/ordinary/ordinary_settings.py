"""A Scrapy project with spiders of its own on Crawlery's settings, as somebody who comes from scrapy-redis has it."""

from crawler.settings import *  # noqa: F403 - that is how a project builds on settings

SPIDER_MODULES = ["ordinary_spiders", "seeded_spiders"]
ITEM_PIPELINES = {"ordinary_pipelines.Price": 300}

# The site is ours.
AUTOTHROTTLE_ENABLED = False
DOWNLOAD_DELAY = 0.0
ROBOTSTXT_OBEY = False
MEMUSAGE_ENABLED = False
CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 32
LEASE_TTL = 10.0
