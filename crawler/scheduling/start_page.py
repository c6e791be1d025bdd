"""`start()` as a page: the first one of a job, read by whoever holds its lease, and read again if its reader is lost.

Every worker of a fleet has a spider, and Scrapy asks each for its start requests; here they wait until it is known who
reads them. The engine does so once. A worker that is given the start page after its own `start()` has run runs it again
itself, through the same spider middlewares. Requests for the same pages have the ids that they had before, in whatever
order they come this time, so none is crawled twice and none is taken for another.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from scrapy.exceptions import CloseSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scrapy.crawler import Crawler

    from crawler.middlewares.open_pages import OpenPage

logger = logging.getLogger(__name__)

#: What the start page is called in the books.
START_URL: Final = "start()"


class StartPage:
    """Who reads the start page.

    Attributes:
        page: the start page while it is ours.
    """

    def __init__(self, crawler: Crawler, *, settle: Callable[[OpenPage], None]) -> None:
        """`settle` is called with the page when `start()` is exhausted and its items are through the pipelines."""
        self.page: OpenPage | None = None
        self._crawler = crawler
        self._settle = settle
        self._over = False  # settled by somebody, or never to be leased again
        self._changed = asyncio.Event()
        self._engine_served = False
        self._strays: OpenPage | None = None  # a start page that was lost; some of its items may be in the pipelines
        self._item_went = asyncio.Event()
        self._again: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def leased(self, page: OpenPage) -> None:
        """The start page is ours now. It was over for us, if the store has forgotten that somebody has settled it."""
        self.page, self._over = page, False
        self._changed.set()
        if self._engine_served:
            logger.info("The start page is given out again: start() runs once more")
            self._again = asyncio.get_running_loop().create_task(self._run_again())
            self._again.add_done_callback(self._ran_again)

    def over(self) -> None:
        """Nobody here will read it (any more)."""
        self._over = True
        self._changed.set()

    async def begin(self) -> OpenPage | None:
        """Waits until it is known whether this process reads the start page; the page if it does."""
        while not self._over:
            if self.page is not None and not self.page.lost:
                self._engine_served = True
                return self.page
            self._changed.clear()
            await self._changed.wait()
        self._engine_served = True
        return None

    def lose(self) -> OpenPage | None:
        """Takes the page away, for whoever has it from now on."""
        page, self.page = self.page, None
        if page is not None:
            page.lost = True
            self._strays = page
        return page

    def finish(self, page: OpenPage, *, outcome: str, reason: str) -> None:
        """`start()` has ended; the page is settled when its last item is through the pipelines."""
        page.fail(outcome, reason)
        page.ended = True
        self.settle_if_done(page)

    def item_done(self) -> OpenPage | None:
        """An item of `start()` is through the pipelines, or was dropped there. Answers the page that gave it.

        `settle_if_done` is to be called with that page when what there is to note of the item is noted.
        """
        for page in (self.page, self._strays):
            if page is not None and page.in_pipelines:
                page.in_pipelines -= 1
                self._item_went.set()
                return page
        return None

    def settle_if_done(self, page: OpenPage) -> None:
        """Settles the page if nothing more can come of it."""
        if page is self.page and page.ended and not page.in_pipelines:
            self.page = None
            self._settle(page)

    async def stop(self) -> None:
        """Ends a `start()` that runs again."""
        self.over()
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait([self._again])

    async def _run_again(self) -> None:
        """Iterates `start()`: our outermost spider middleware keeps its requests, so that only items come out."""
        while self._strays is not None and self._strays.in_pipelines:  # or they would be taken for those of this run
            self._item_went.clear()
            await self._item_went.wait()
        scraper = self._crawler.engine.scraper
        outputs: AsyncIterator[Any] | None = await scraper.spidermw.process_start()
        if outputs is None:
            raise AssertionError("Scrapy gives an iterator")
        async for item in outputs:
            await scraper.start_itemproc_async(item, response=None)

    def _ran_again(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CloseSpider):
            engine = self._crawler.engine
            self._closing = asyncio.get_running_loop().create_task(
                engine.close_spider_async(reason=error.reason or "cancelled")
            )
        elif error is not None:
            logger.error("start() failed when it was run again", exc_info=error)
