"""The shop with crawlee's HttpCrawler and lexbor: what somebody does who wants to be fast with crawlee."""

from __future__ import annotations

import asyncio
import re
import sys
from urllib.parse import urljoin

from crawlee import ConcurrencySettings, Request
from crawlee.crawlers import HttpCrawler, HttpCrawlingContext
from crawlee.storage_clients import MemoryStorageClient
from marks import mark
from selectolax.lexbor import LexborHTMLParser

_AMOUNT = re.compile(r"[\d,]+(?:\.\d+)?")


def amount(node):
    return _AMOUNT.search(node.text())[0].replace(",", "")


def folded(node):
    return " ".join(node.text().split())


def joined(nodes):
    return ",".join(" ".join(node.text().split()) for node in nodes)


crawler = HttpCrawler(
    storage_client=MemoryStorageClient(),
    use_session_pool=False,
    respect_robots_txt_file=True,
    concurrency_settings=ConcurrencySettings(min_concurrency=64, desired_concurrency=64, max_concurrency=64),
)


async def follow(context: HttpCrawlingContext, selector: str, label: str) -> None:
    tree = LexborHTMLParser(await context.http_response.read())
    links = [urljoin(context.request.url, node.attributes["href"]) for node in tree.css(selector)]
    await context.add_requests([Request.from_url(link, label=label) for link in links])


@crawler.router.default_handler
async def read_index(context: HttpCrawlingContext) -> None:
    await follow(context, "a.list-link", "list")


@crawler.router.handler("list")
async def read_list(context: HttpCrawlingContext) -> None:
    await follow(context, "a.product-link", "product")


@crawler.router.handler("product")
async def read_product(context: HttpCrawlingContext) -> None:
    tree, url = LexborHTMLParser(await context.http_response.read()), context.request.url
    first, every = tree.css_first, tree.css
    rating = first(".star-rating").attributes
    await context.push_data(
        {
            "url": url,
            "name": folded(first("h1.product_title")),
            "sku": folded(first(".sku")),
            "price": amount(first(".summary .price ins .amount")),
            "regular_price": amount(first(".summary .price del .amount")),
            "availability": folded(first("p.stock")),
            "brand": folded(first("a.brand")),
            "category": joined(every("nav.woocommerce-breadcrumb a")),
            "description": folded(first(".woocommerce-product-details__short-description")),
            "images": ",".join(urljoin(url, node.attributes["src"]) for node in every("figure.gallery img")),
            "rating": rating["title"],
            "votes": rating["data-votes"],
            "canonical": first("link[rel=canonical]").attributes["href"],
            "weight": folded(first("#specs tr:last-child td")),
            "spec_values": joined(every("#specs td")),
            "reviewers": joined(every(".review .author")),
        }
    )


async def main(site: str, file: str) -> None:
    mark("opened")
    await crawler.run([f"{site}/index"])
    await crawler.export_data(file)
    mark("closed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
