"""As `hand_shop`, by somebody who knows that XPath with exact classes is faster than CSS classes in parsel."""

from __future__ import annotations

import scrapy
from hand_shop import all_folded, amount, folded


class ShopSpider(scrapy.Spider):
    name = "hand"

    async def start(self):
        yield scrapy.Request(f"{self.site}/index")

    def parse(self, response):
        yield from response.follow_all(xpath="//a[@class='list-link']", callback=self.parse_list)

    def parse_list(self, response):
        yield from response.follow_all(xpath="//a[@class='product-link']", callback=self.parse_product)

    def parse_product(self, response):
        xpath = response.xpath
        yield {
            "url": response.url,
            "name": folded(xpath("//h1[@class='product_title entry-title']/text()").get()),
            "sku": folded(xpath("//span[@class='sku']/text()").get()),
            "price": amount(xpath("//p[@class='price']/ins/span//text()").getall()),
            "regular_price": amount(xpath("//p[@class='price']/del/span//text()").getall()),
            "availability": folded(xpath("//p[@class='stock in-stock']/text()").get()),
            "brand": folded(xpath("//a[@class='brand']/text()").get()),
            "category": all_folded(xpath("//nav[@class='woocommerce-breadcrumb']/a/text()").getall()),
            "description": folded(xpath("//div[@class='woocommerce-product-details__short-description']/text()").get()),
            "images": [response.urljoin(src) for src in xpath("//figure[@class='gallery']//img/@src").getall()],
            "rating": xpath("//div[@class='star-rating']/@title").get(),
            "votes": xpath("//div[@class='star-rating']/@data-votes").get(),
            "canonical": response.urljoin(xpath("//link[@rel='canonical']/@href").get()),
            "weight": folded(xpath("//div[@id='specs']//tr[last()]/td/text()").get()),
            "spec_values": all_folded(xpath("//div[@id='specs']//td/text()").getall()),
            "reviewers": all_folded(xpath("//strong[@class='author']/text()").getall()),
        }
