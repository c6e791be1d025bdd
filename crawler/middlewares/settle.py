"""Collects what a page gives: the outermost middlewares, nearest to the engine.

Requests that a callback yields do not go to the engine one by one: they become children of the page and are accepted in
the same commit that settles it, so that a page that fails half-way and is read again loses and doubles nothing. Items
pass through. Nothing here decides how a page ended; `crawler.scheduler` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.exceptions import CloseSpider

from crawler.middlewares.open_pages import outcome_of
from crawler.scheduler import open_page, our_scheduler
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response


class SettleSpiderMiddleware:
    """Nearest to the engine, so that it sees what all other spider middlewares let through."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connects the signal that tells of finished items."""
        middleware = cls(crawler)
        crawler.signals.connect(middleware.item_scraped, signal=signals.item_scraped)
        return middleware

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """`start()` is a page too, the first one: read by the process that leases it, settled when it is exhausted."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is None:
            async for output in start:
                yield output
            return
        if not await scheduler.begin_start():
            return
        ending = {"outcome": "page_error", "reason": "start() did not reach its end"}
        try:
            async for output in start:
                if isinstance(output, Request):
                    await scheduler.add_start_request(output)
                else:
                    yield output
            ending = {"outcome": "ok"}
        except CloseSpider:
            ending = {"outcome": "ok"}
            raise
        finally:
            scheduler.finish_start(**ending)

    def process_spider_input(self, response: Response) -> None:
        """A response has come, whatever becomes of it."""
        page = open_page(self._crawler, response.request)
        if page is not None:
            page.responded = True

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Keeps requests as children of the page; without a page they go to the engine, as in Scrapy."""
        scheduler = our_scheduler(self._crawler)
        page = open_page(self._crawler, response.request)
        async for output in result:
            if scheduler is None or page is None or not isinstance(output, Request):
                yield output
            else:
                scheduler.add_child(page, output)

    def process_spider_exception(self, response: Response, exception: Exception) -> None:
        """A callback has failed. What it had found so far still counts; `CloseSpider` is no failure."""
        page = open_page(self._crawler, response.request)
        if page is not None and not isinstance(exception, CloseSpider):
            page.fail(*outcome_of(exception))

    def item_scraped(self, item: Any, response: Response | None) -> None:
        """Counts rows by item for the books of the frontier."""
        page = open_page(self._crawler, getattr(response, "request", None))
        if page is not None:
            page.rows[item.item if isinstance(item, RecipeRow) else type(item).__name__] += 1


class SettleDownloaderMiddleware:
    """Nearest to the engine: notes under which request a page's response will be known to the spider."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """See `__init__`."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Middlewares may answer with a response to another request than the page's."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is not None and response.request is not None and response.request is not request:
            scheduler.pages.alias(request, response)
        return response
