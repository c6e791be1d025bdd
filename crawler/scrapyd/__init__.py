"""A node: Scrapyd that takes its work from the store, and starts its workers warm. May load Scrapy and Twisted.

Scrapyd is a module beside this package; imports here are absolute, so `scrapyd` is always Scrapyd itself.
"""
