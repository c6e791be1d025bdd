"""A site whose answers are a function of the path, on a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threaded_site import ThreadedSite

from crawler.sample_shop.httpd import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable


class ServedSite(ThreadedSite):
    """Serves while its context lasts; `url` is without a slash at the end.

    Attributes:
        asked: paths with their queries, in their order.
    """

    def __init__(self, page: Callable[[str, str], str | None]) -> None:
        """`page(site, path)` is the text of a page, XML and JSON by how it begins; None: there is none."""
        self._page = page
        self.asked: list[str] = []

    def _answer(self, request) -> HttpResponse:
        path = request.target
        self.asked.append(path)
        text = self._page(self.url, path)
        if text is None:
            return HttpResponse(status=404, body=b"no", content_type="text/html")
        kind = {"<?xml": "application/xml", '{"pro': "application/json"}.get(text[:5], "text/html")
        return HttpResponse(body=text.encode(), content_type=f"{kind}; charset=utf-8")
