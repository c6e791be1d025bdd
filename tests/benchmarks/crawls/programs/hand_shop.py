"""The spiders that an engineer writes for the shop who knows Scrapy and its pages: one query a field.

scrapy runspider hand_shop.py -a site=http://127.0.0.1:8000 -O rows.csv
"""

from __future__ import annotations

import re

import scrapy

_AMOUNT = re.compile(r"[\d,]+(?:\.\d+)?")


def amount(texts):
    found = _AMOUNT.search("".join(texts))
    return found[0].replace(",", "") if found else None


def folded(text):
    return None if text is None else " ".join(text.split())


def all_folded(texts):
    return [" ".join(text.split()) for text in texts]


class ShopSpider(scrapy.Spider):
    name = "hand"

    async def start(self):
        yield scrapy.Request(f"{self.site}/index")

    def parse(self, response):
        yield from response.follow_all(css="a.list-link", callback=self.parse_list)

    def parse_list(self, response):
        yield from response.follow_all(css="a.product-link", callback=self.parse_product)

    def parse_product(self, response):
        css = response.css
        yield {
            "url": response.url,
            "name": folded(css("h1.product_title::text").get()),
            "sku": folded(css(".sku::text").get()),
            "price": amount(css(".summary .price ins .amount ::text").getall()),
            "regular_price": amount(css(".summary .price del .amount ::text").getall()),
            "availability": folded(css("p.stock::text").get()),
            "brand": folded(css("a.brand::text").get()),
            "category": all_folded(css("nav.woocommerce-breadcrumb a::text").getall()),
            "description": folded(css(".woocommerce-product-details__short-description::text").get()),
            "images": [response.urljoin(src) for src in css("figure.gallery img::attr(src)").getall()],
            "rating": css(".star-rating::attr(title)").get(),
            "votes": css(".star-rating::attr(data-votes)").get(),
            "canonical": response.urljoin(css("link[rel=canonical]::attr(href)").get()),
            "weight": folded(css("#specs tr:last-child td::text").get()),
            "spec_values": all_folded(css("#specs td::text").getall()),
            "reviewers": all_folded(css(".review .author::text").getall()),
        }
