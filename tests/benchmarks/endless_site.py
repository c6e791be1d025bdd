"""A shop of as many products as are asked for, served by one fast process: what a crawl of it costs is the crawl's.

Product pages are made of a few templates (`shop_pages`) with the number of the product put in, so that a million of
them is no more work for the site than one. `/` leads to the first lists, each list to its products and to another list.

`python endless_site.py --products 100000 --size large` prints where it serves as one line of JSON, and serves until it
is killed. `/-/served` tells how many product pages it has given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import uvloop

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Stands in the templates for the number of a product.
_MARK: Final = 900_000_001

#: Different ones; their words, prices and reviews differ.
_TEMPLATES: Final = 24

#: As many lists are led to by the start page: enough for any number of requests at once.
_FIRST_LISTS: Final = 64

#: What stands on a product page of each size: see `shop_pages`; `tiny` is for what has nothing to do with pages.
SIZES: Final = ("large", "small", "tiny")

#: Fields of product pages by their selectors, as an engineer would write them.
BY_CSS: Final = {
    "url": "{response: url}",
    "name": "h1",
    "sku": ".sku",
    "price": "{css: .summary .price ins .amount, process: [price]}",
    "availability": "p.stock",
    "brand": "a.brand",
    "reviewers": '{css: "#reviews .author", all: true}',
    "images": '{css: "figure.gallery img::attr(src)", all: true}',
}
BY_XPATH: Final = {"url": "{response: url}", "name": "{xpath: '//h1'}", "sku": "{xpath: '//span[@class=\"sku\"]'}"}
TINY: Final = {name: BY_CSS[name] for name in ("url", "name", "sku")}

_TYPES: Final = {
    "url": "{type: string, format: uri, required: true}",
    "name": "{type: string, required: true}",
    "sku": "{type: string, required: true}",
    "price": "{type: decimal}",
    "availability": "{type: string}",
    "brand": "{type: string}",
    "reviewers": "{type: array, items: {type: string}}",
    "images": "{type: array, items: {type: string, format: uri}}",
}

_RECIPE: Final = """
schema_version: 1
name: endless
version: "1.0.0"
inputs: {{site: {{type: string, format: uri}}}}
start: [{{urls: "{{{{ inputs.site }}}}/", page: listing}}]
pages:
  listing:
    follow:
      - {{links: a.list, page: listing}}
      - {{links: a.product, page: product}}
  product:
    item: product
    fields: {{{fields}}}
items:
  product:
    version: 1
    fields: {{{types}}}
exports: [{{name: products, item: product, format: jsonl}}]
"""


def recipe(rules: Mapping[str, str]) -> str:
    """The recipe `endless` with these rules of fields."""
    written = [", ".join(f"{name}: {of[name]}" for name in rules) for of in (rules, _TYPES)]
    return _RECIPE.format(fields=written[0], types=written[1])


class EndlessSite:
    """The site in a process of its own: `with EndlessSite(products=1000) as site: site.url`."""

    def __init__(self, *, products: int, size: str = "small", per_list: int = 50) -> None:
        """`size`: one of `SIZES`; `per_list`: products that a list leads to."""
        self.products = products
        self.pages = products + -(-products // per_list) + 1
        self.url = ""
        words = ["--products", str(products), "--size", size, "--per-list", str(per_list)]
        self._command = [sys.executable, str(Path(__file__)), *words]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        from valkey_server import mortal  # the process itself starts in this folder and does not find it

        self._process = subprocess.Popen(mortal(*self._command), stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self._process.stdout.readline())["url"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def served(self) -> int:
        """Product pages that it has given."""
        with urllib.request.urlopen(f"{self.url}/-/served", timeout=20) as answer:
            return int(answer.read())


class _Shop:
    """What each path holds."""

    def __init__(self, *, products: int, size: str, per_list: int) -> None:
        self.served = 0
        self._products = products
        self._per_list = per_list
        self._lists = -(-products // per_list)
        self._templates = _templates(size)

    def page(self, path: str) -> bytes | None:
        _, kind, number = f"{path}//".split("/", 3)[:3]
        if kind == "p" and 0 <= int(number) < self._products:
            self.served += 1
            parts = self._templates[int(number) % len(self._templates)]
            return number.encode().join(parts)
        if kind == "l" and 0 <= int(number) < self._lists:
            return self._list(int(number))
        if path == "/":
            return _links("list", "l", range(min(_FIRST_LISTS, self._lists)))
        return str(self.served).encode() if path == "/-/served" else None

    def _list(self, number: int) -> bytes:
        first = number * self._per_list
        products = _links("product", "p", range(first, min(first + self._per_list, self._products)))
        following = number + _FIRST_LISTS
        return products + (_links("list", "l", [following]) if following < self._lists else b"")


def _templates(size: str) -> list[list[bytes]]:
    """Pages, cut where the number of the product stands."""
    if size == "tiny":
        page = f"<!DOCTYPE html><title>P</title><h1>Product</h1><span class=sku>SKU-{_MARK}</span>"
        return [page.encode().split(str(_MARK).encode())]
    from shop_pages import LARGE, SMALL, product_page

    sizes = {"large": LARGE, "small": SMALL}
    pages = [product_page(_MARK + number, sizes[size]) for number in range(_TEMPLATES)]
    return [page.split(str(_MARK + number).encode()) for number, page in enumerate(pages)]


def _links(kind: str, folder: str, numbers) -> bytes:
    return "".join(f'<a class="{kind}" href="/{folder}/{number}">{number}</a>\n' for number in numbers).encode()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as crawlers need it: requests without a body, connections that are kept."""

    def __init__(self, shop: _Shop) -> None:
        self._shop = shop
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for request in requests:
            body = self._shop.page(request.split(b" ", 2)[1].decode())
            status = "404 Not Found" if body is None else "200 OK"
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body or b'')}"
            self._transport.write(head.encode() + b"\r\n\r\n" + (body or b""))


async def _serve(shop: _Shop) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(shop), "127.0.0.1", 0)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--products", type=int, required=True)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--per-list", type=int, default=50)
    options = parser.parse_args()
    uvloop.run(_serve(_Shop(products=options.products, size=options.size, per_list=options.per_list)))
