"""The spider that somebody would write for the big site with scrapy-redis."""

from scrapy_redis.spiders import RedisSpider


class Stock(RedisSpider):
    """Its first URL is in the list `stock:start_urls`; it looks there when it is idle."""

    name = "stock"

    def parse(self, response):
        if response.css("h1"):
            yield {"url": response.url, "name": response.css("h1::text").get(), "price": response.css("b::text").get()}
        yield from response.follow_all(css="a", callback=self.parse)
