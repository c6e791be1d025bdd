"""The limit: an event loop, connections that are kept, lexbor, rows to CSV; nothing else of a crawler.

No robots.txt, cookies, delays, retries, timeouts, redirects, charsets, statistics. `bare_loop.py SITE FILE [FETCH]`;
with FETCH=fetch products are fetched and not read.
"""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop
from marks import mark
from selectolax.lexbor import LexborHTMLParser

sys.path.insert(0, str(Path(__file__).parents[4]))

from crawler.recipe.allocator import tune_allocator

CONNECTIONS = 64

COLUMNS = (
    *("url", "name", "sku", "price", "regular_price", "availability", "brand", "category", "description", "images"),
    *("rating", "votes", "canonical", "weight", "spec_values", "reviewers"),
)

amount = re.compile(r"\d+(?:\.\d+)?").search


def folded(node) -> str:
    return " ".join(node.text().split())


class Crawl:
    """What is to be fetched, and the rows."""

    def __init__(self, site: str, writer, *, reads: bool) -> None:
        self.site, self.writer, self.reads = site, writer, reads
        self.waiting: deque[str] = deque(["/index"])
        self.seen = {"/index"}
        self.idle: list[Connection] = []
        self.done = asyncio.get_running_loop().create_future()

    def page(self, path: str, body: bytes) -> None:
        if path[1] == "p":
            if self.reads:
                self.writer.writerow(self.row(path, body))
            return
        tree = LexborHTMLParser(body)
        for link in tree.css("a.product-link" if path[1] == "c" else "a.list-link"):
            href = link.attributes["href"]
            if href not in self.seen:
                self.seen.add(href)
                self.waiting.append(href)
        while self.waiting and self.idle:
            self.idle.pop().fetch(self.waiting.popleft())

    def row(self, path: str, body: bytes) -> list[str]:
        """Each field is looked for in the smallest part of the page that holds it."""
        site, tree = self.site, LexborHTMLParser(body)
        main = tree.css_first("main")
        summary = main.css_first(".summary")
        first, specs = summary.css_first, [folded(node) for node in main.css("#specs td")]
        price, rating = first(".price"), first(".star-rating").attributes
        return [
            site + path,
            folded(first("h1.product_title")),
            folded(first(".sku")),
            amount(price.css_first("ins .amount").text())[0],
            amount(price.css_first("del .amount").text())[0],
            folded(first("p.stock")),
            folded(first("a.brand")),
            ",".join([folded(node) for node in main.css("nav.woocommerce-breadcrumb a")]),
            folded(first(".woocommerce-product-details__short-description")),
            ",".join([site + node.attributes["src"] for node in main.css("figure.gallery img")]),
            rating["title"],
            rating["data-votes"],
            tree.head.css_first("link[rel=canonical]").attributes["href"],
            specs[-1],
            ",".join(specs),
            ",".join([folded(node) for node in main.css(".review .author")]),
        ]

    def next_of(self, connection: Connection) -> None:
        if self.waiting:
            connection.fetch(self.waiting.popleft())
            return
        self.idle.append(connection)
        if len(self.idle) == CONNECTIONS:
            self.done.set_result(None)


class Connection(asyncio.Protocol):
    """One request after the other."""

    def __init__(self, crawl: Crawl, host: str) -> None:
        self.crawl, self.path, self.chunks = crawl, "", []
        self.tail = f" HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()
        self.parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.crawl.next_of(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.crawl.done.done():
            self.crawl.done.set_exception(error or ConnectionError("the server has closed a connection"))

    def fetch(self, path: str) -> None:
        self.path, self.chunks = path, []
        self.transport.write(b"GET " + path.encode() + self.tail)

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        assert self.parser.get_status_code() == 200, self.path
        self.crawl.page(self.path, b"".join(self.chunks))
        self.crawl.next_of(self)


async def crawl(site: str, writer, *, reads: bool) -> None:
    parts = urlsplit(site)
    mark("opened")
    loop, whole = asyncio.get_running_loop(), Crawl(site, writer, reads=reads)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(whole, parts.netloc), parts.hostname, parts.port)
    await whole.done
    mark("closed")


if __name__ == "__main__":
    tune_allocator()
    with Path(sys.argv[2]).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        uvloop.run(crawl(sys.argv[1], rows, reads=sys.argv[3:] != ["fetch"]))
