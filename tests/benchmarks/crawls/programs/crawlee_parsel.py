"""The shop with crawlee's ParselCrawler, as its documentation does it; storage in memory, no sessions to rotate."""

from __future__ import annotations

import asyncio
import re
import sys
from urllib.parse import urljoin

from crawlee import ConcurrencySettings
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.storage_clients import MemoryStorageClient
from marks import mark

_AMOUNT = re.compile(r"[\d,]+(?:\.\d+)?")


def amount(texts):
    found = _AMOUNT.search("".join(texts))
    return found[0].replace(",", "") if found else None


def folded(text):
    return None if text is None else " ".join(text.split())


def joined(texts):
    return ",".join(" ".join(text.split()) for text in texts)


crawler = ParselCrawler(
    storage_client=MemoryStorageClient(),
    use_session_pool=False,
    respect_robots_txt_file=True,
    concurrency_settings=ConcurrencySettings(min_concurrency=64, desired_concurrency=64, max_concurrency=64),
)


@crawler.router.default_handler
async def read_index(context: ParselCrawlingContext) -> None:
    await context.enqueue_links(selector="a.list-link", label="list")


@crawler.router.handler("list")
async def read_list(context: ParselCrawlingContext) -> None:
    await context.enqueue_links(selector="a.product-link", label="product")


@crawler.router.handler("product")
async def read_product(context: ParselCrawlingContext) -> None:
    css, url = context.selector.css, context.request.url
    await context.push_data(
        {
            "url": url,
            "name": folded(css("h1.product_title::text").get()),
            "sku": folded(css(".sku::text").get()),
            "price": amount(css(".summary .price ins .amount ::text").getall()),
            "regular_price": amount(css(".summary .price del .amount ::text").getall()),
            "availability": folded(css("p.stock::text").get()),
            "brand": folded(css("a.brand::text").get()),
            "category": joined(css("nav.woocommerce-breadcrumb a::text").getall()),
            "description": folded(css(".woocommerce-product-details__short-description::text").get()),
            "images": ",".join(urljoin(url, src) for src in css("figure.gallery img::attr(src)").getall()),
            "rating": css(".star-rating::attr(title)").get(),
            "votes": css(".star-rating::attr(data-votes)").get(),
            "canonical": css("link[rel=canonical]::attr(href)").get(),
            "weight": folded(css("#specs tr:last-child td::text").get()),
            "spec_values": joined(css("#specs td::text").getall()),
            "reviewers": joined(css(".review .author::text").getall()),
        }
    )


async def main(site: str, file: str) -> None:
    mark("opened")
    await crawler.run([f"{site}/index"])
    await crawler.export_data(file)
    mark("closed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
