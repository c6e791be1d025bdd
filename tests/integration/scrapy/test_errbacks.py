"""Failures reach the spider's errback as ever, and are noted on the way."""

from __future__ import annotations

from loopback import html, spider_for
from scrapy import Request


def test_errbacks_get_every_kind_of_failure_and_may_go_on(shop, crawl):
    shop["/cut"] = html("x" * 5000, cut=True)
    got = {}

    def parse(self, response):
        for path in ("/missing", "/cut", "/p/1"):
            yield Request(response.urljoin(path), callback=self.fine, errback=self.failed, meta={"max_retry_times": 1})

    def fine(self, response):
        yield {"fine": response.url}

    def failed(self, failure):
        got[failure.request.url] = failure.type.__name__
        yield {"failed": failure.request.url}
        yield Request(failure.request.url + "?second", callback=self.fine, meta={"dont_retry": True})

    result = crawl(spider_for(shop, parse=parse, fine=fine, failed=failed))
    assert got[f"{shop.url}/missing"] == "HttpError"
    assert len(got) == 2
    assert {"fine": f"{shop.url}/cut?second"} not in result.items
    assert shop.hits["/cut?second"] == 1
    assert shop.hits["/missing?second"] == 1
    assert {"failed": f"{shop.url}/missing"} in result.items
    assert result.outcomes["http_404"] == 2
    assert result.outcomes["gave_up"] == 2
    assert result.outcomes["ok"] == 2


def test_a_copied_request_does_not_carry_our_errback(shop, crawl):
    errbacks = []

    def parse(self, response):
        copy = response.request.replace(url=response.urljoin("/p/1"), callback=self.product)
        errbacks.append(copy.errback)
        yield copy

    def product(self, response):
        yield {"url": response.url}

    result = crawl(spider_for(shop, parse=parse, product=product))
    assert len(result.items) == 1
    assert result.outcomes == {"ok": 2}


def test_what_an_errback_asks_for_after_a_response_goes_through_the_spider_middlewares(site, crawl):
    site["/again"] = "x"

    def failed(self, failure):
        yield Request(f"{site.url}/again", callback=self.again)

    def again(self, response):
        yield {"depth": response.meta["depth"], "referer": response.request.headers.get("Referer")}

    async def start(self):
        yield Request(f"{site.url}/missing", errback=self.failed)

    result = crawl(spider_for(site, start=start, failed=failed, again=again))
    assert result.items == [{"depth": 1, "referer": f"{site.url}/missing".encode()}]
