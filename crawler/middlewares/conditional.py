"""Asks sites whether a page that an earlier run has read is still the same (RFC 9110, 13.1), and takes their word.

What is asked with stands in the request only while it is under way: a page that goes back, or leads somewhere else,
goes on without it. What a 304 means is the spider's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scrapy.exceptions import NotConfigured

from crawler.extensions.incremental import incremental_of
from crawler.scheduler import open_page

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.extensions.incremental import Incremental

NOT_MODIFIED: Final = 304

_HEADERS: Final = ("If-None-Match", "If-Modified-Since")

#: Lets the spider have the answer.
_LET_THROUGH: Final = "handle_httpstatus_list"

#: A cache of Scrapy's would keep an answer without a page, and give it to somebody who has asked for the page.
_NO_CACHE: Final = "dont_cache"


class ConditionalMiddleware:
    """Nearer to the site than redirects and retries, which would take the question along."""

    def __init__(self, crawler: Crawler, incremental: Incremental) -> None:
        self._crawler = crawler
        self._incremental = incremental

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """See the module.

        Raises:
            NotConfigured: the crawl takes nothing over from earlier ones.
        """
        incremental = incremental_of(crawler)
        if incremental is None:
            raise NotConfigured
        return cls(crawler, incremental)

    def process_request(self, request: Request) -> None:
        """Asks, of a page that is known."""
        page = open_page(self._crawler, request)
        if page is None or page.known is not None or any(name in request.headers for name in _HEADERS):
            return
        known = self._incremental.to_ask_for(request)
        if known is None:
            return
        page.known = known
        request.headers.update(self._incremental.conditions(known))
        request.meta[_LET_THROUGH] = [NOT_MODIFIED]
        request.meta[_NO_CACHE] = True

    def process_response(self, request: Request, response: Response) -> Response:
        """Any other answer than that the page is the same is as if nothing had been asked."""
        if response.status != NOT_MODIFIED:
            self._forget(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """As above."""
        _ = exception
        self._forget(request)

    def _forget(self, request: Request) -> None:
        page = open_page(self._crawler, request)
        if page is None or page.known is None:
            return
        page.known = None
        request.meta.pop(_LET_THROUGH, None)
        request.meta.pop(_NO_CACHE, None)
        for name in _HEADERS:
            request.headers.pop(name, None)
