"""A site whose pages a test writes, and short ways to write them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from crawler.sample_shop.httpd import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from crawler.sample_shop.httpd import HttpServer


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
