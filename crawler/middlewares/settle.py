"""Collects what a page gives: the outermost middlewares, nearest to the engine.

Requests that a callback yields do not go to the engine one by one: they become children of the page and are accepted in
the same commit that settles it, so that a page that fails half-way and is read again loses and doubles nothing. Items
pass through. Nothing here decides how a page ended; `crawler.scheduler` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.exceptions import CloseSpider

from crawler.middlewares.open_pages import LeaseLost, outcome_of, reason_of
from crawler.scheduler import open_page, our_scheduler

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
        """Connects the signals that tell of finished items."""
        middleware = cls(crawler)
        crawler.signals.connect(middleware.item_scraped, signal=signals.item_scraped)
        crawler.signals.connect(middleware.item_gone, signal=signals.item_dropped)
        crawler.signals.connect(middleware.item_gone, signal=signals.item_error)
        return middleware

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """`start()` is a page too, the first one: read by the process that leases it, settled when it is exhausted."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is None:
            async for output in start:
                yield output
            return
        page = await scheduler.start.begin()
        if page is None:
            scheduler.finish_start(None)
            return
        ending = {"outcome": "page_error", "reason": "start() did not reach its end"}
        try:
            async for output in start:
                if page.lost:
                    break
                if isinstance(output, Request):
                    await scheduler.add_start_request(page, output)
                else:
                    page.in_pipelines += scheduler.shared
                    yield output
            ending = {"outcome": "ok"}
        except CloseSpider as error:
            ending = {"outcome": "ok"}
            scheduler.ending.say(reason_of(error))
            raise
        finally:
            scheduler.finish_start(page, **ending)

    def process_spider_input(self, response: Response) -> None:
        """A response has come, whatever becomes of it."""
        scheduler = our_scheduler(self._crawler)
        page = open_page(self._crawler, response.request)
        if scheduler is not None and page is not None:
            page.responded = True
            scheduler.times.goes_on(page)

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Keeps requests as children of the page; without a page they go to the engine, as in Scrapy."""
        scheduler = our_scheduler(self._crawler)
        page = open_page(self._crawler, response.request)
        async for output in result:
            if scheduler is None or page is None:
                yield output
            elif page.lost:
                break
            elif isinstance(output, Request):
                scheduler.harvest.add_child(page, output)
            else:
                yield output

    def process_spider_exception(self, response: Response, exception: Exception) -> None:
        """A callback has failed. What it had found so far still counts; `CloseSpider` is no failure."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is None:
            return
        if isinstance(exception, CloseSpider):
            scheduler.ending.say(reason_of(exception))
            return
        page = scheduler.pages.of(response.request)
        if page is not None:
            page.fail(*outcome_of(exception))

    def item_scraped(self, item: Any, response: Response | None) -> None:
        """The item becomes a row of its page."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is not None:
            scheduler.item_done(item, response, kept=True)

    def item_gone(self, item: Any, response: Response | None) -> None:
        """The item becomes nothing."""
        scheduler = our_scheduler(self._crawler)
        if scheduler is not None:
            scheduler.item_done(item, response, kept=False)


class SettleDownloaderMiddleware:
    """Nearest to the engine: notes under which request a page's response will be known to the spider.

    A page that somebody else has by now goes no further.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """See `__init__`."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Middlewares may answer with a response to another request than the page's.

        Raises:
            LeaseLost: the lease of the page was lost while it was fetched.
        """
        scheduler = our_scheduler(self._crawler)
        if scheduler is None:
            return response
        page = scheduler.pages.of(request)
        if page is not None and page.lost:
            raise LeaseLost(f"the lease of {page.url} was lost while it was fetched")
        if response.request is not None and response.request is not request:
            scheduler.pages.alias(request, response)
        return response
