"""Scrapy's commands where recipes need a word of their own: `scrapy crawl`, `scrapy list`."""
