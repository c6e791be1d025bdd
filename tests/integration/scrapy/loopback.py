"""A site whose pages a test writes, and short ways to write them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import scrapy

from crawler.sample_shop.httpd import HttpResponse, HttpServer

if TYPE_CHECKING:
    from crawler.sample_shop.httpd import HttpRequest

#: A crawl on loopback that lasts longer than this hangs.
PATIENCE_S = 60.0


class Site:
    """Answers by path; a page is text, a response, or a function of the request. Anything else is 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.url = ""
        self.server: HttpServer | None = None

    def __setitem__(self, path: str, page: Any) -> None:
        self.pages[path] = page

    def handle(self, request: HttpRequest) -> HttpResponse:
        page = self.pages.get(request.target, self.pages.get(request.path))
        if isinstance(page, list):  # one after another; the last one stays
            page = page.pop(0) if len(page) > 1 else page[0]
        if callable(page):
            page = page(request)
        if page is None:
            return HttpResponse(status=404, body=b"<h1>Not found</h1>")
        return page if isinstance(page, HttpResponse) else html(page)

    @property
    def hits(self) -> Counter[str]:
        return Counter(entry.path for entry in self.server.log if entry.path != "/robots.txt")

    def times(self, path: str) -> list[float]:
        return [entry.at_s for entry in self.server.log if entry.path == path]


@contextlib.contextmanager
def serving(host: str):
    site = Site()
    started: Future = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with HttpServer(site.handle, host=host) as server:
            site.server, site.url = server, server.url
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop = started.result(timeout=PATIENCE_S)
    yield site
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=PATIENCE_S)


def html(text: str, **kwargs) -> HttpResponse:
    return HttpResponse(body=f"<!DOCTYPE html><html><body>{text}</body></html>".encode(), **kwargs)


def jsonp(value: Any, **kwargs) -> HttpResponse:
    return HttpResponse(body=json.dumps(value).encode(), content_type="application/json", **kwargs)


def links(*paths: str) -> str:
    return "".join(f'<a class="l" href="{path}">x</a>' for path in paths)


def redirect(location: str, status: int = 302, **headers: str) -> HttpResponse:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpResponse(status=status, headers=(("Location", location), *pairs))


def text(content: str, content_type: str = "text/plain", **kwargs) -> HttpResponse:
    return HttpResponse(body=content.encode(), content_type=content_type, **kwargs)


def spider_for(site: Site, **attributes) -> type[scrapy.Spider]:
    """An ordinary spider that starts at the root; by default it gives each URL and follows all links."""

    def parse(self, response):
        yield {"url": response.url}
        yield from response.follow_all(css="a")

    return type(
        "Hand", (scrapy.Spider,), {"name": "hand", "start_urls": [f"{site.url}/"], "parse": parse, **attributes}
    )


RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
inputs:
  site: {{type: string, format: uri}}
  top: {{type: integer, default: 1000}}
{head}
start:
  - urls: ["{{{{ inputs.site }}}}/"]
    page: listing
pages:
  listing:
    follow:
      - links: a.l
        page: good
      - links: a.category
        page: listing
    paginate: {{next: a.next}}
  good:
    item: good
    fields:
      url: {{response: url}}
      name: h1
      price: [b.sale, b.price]
items:
  good:
    version: 1
    key: [url]
    fields:
      url: {{type: string, format: uri, required: true}}
      name: {{type: string, required: true}}
      price: {{type: decimal, minimum: 0}}
{tail}
"""


def goods_recipe(head: str = "", tail: str = "") -> str:
    return RECIPE.format(head=head, tail=tail)


def good(name: str, price: str = "1.50") -> str:
    return f'<h1>{name}</h1><b class="price">{price}</b>'


def listing(*paths: str, following: str = "", categories: tuple[str, ...] = ()) -> str:
    more = f'<a class="next" href="{following}">next</a>' if following else ""
    return links(*paths) + more + "".join(f'<a class="category" href="{path}">c</a>' for path in categories)


def names(result):
    return sorted(item["name"] for item in result.items)
