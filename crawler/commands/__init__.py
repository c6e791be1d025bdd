"""Scrapy's commands where recipes need a word of their own: `scrapy crawl`, `scrapy list`."""

from crawler.collector import loading_begins

loading_begins()  # nothing of ours but the settings is loaded before Scrapy looks here for commands
