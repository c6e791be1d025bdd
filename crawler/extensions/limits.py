"""Ends a crawl when it has what was asked for, has run long enough, or fails too often.

Pages that are in flight are finished and their rows kept; the frontier counts the rest as cancelled. `limits.requests`
is not here: the frontier gives no more pages out.

A limit is the job's. Where workers share one, each looks into the books that they keep together, once a second while
pages come in; whoever finds a limit reached says that the job is to end, so that the others get no more pages, and the
last one to go closes it. `limits.duration` is counted from the start of each worker: that of the first one ends it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from scrapy import signals

from crawler.frontier.contract import RowFate
from crawler.jobs.outcomes import HARMLESS
from crawler.scheduler import our_scheduler
from crawler.signals import page_settled, rows_settled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.scheduler import Scheduler

logger = logging.getLogger(__name__)

#: The books that workers share are looked into so often, in seconds.
_LOOK_EVERY_S: Final = 1.0


class Limits:
    """Watches rows, time and failed pages."""

    def __init__(self, crawler: Crawler, *, items: int, duration_s: float, errors: int) -> None:
        """A limit of 0 is none."""
        self._crawler = crawler
        self._items, self._duration_s, self._errors = items, duration_s, errors
        self._seen_items = self._seen_errors = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Reads the limits from the settings and connects what is needed."""
        settings = crawler.settings
        limits = cls(
            crawler,
            items=settings.getint("ITEMS_LIMIT"),
            duration_s=settings.getfloat("DURATION_LIMIT"),
            errors=settings.getint("ERRORS_LIMIT"),
        )
        crawler.signals.connect(limits.item_scraped, signal=signals.item_scraped)
        crawler.signals.connect(limits.page_settled, signal=page_settled)
        crawler.signals.connect(limits.rows_settled, signal=rows_settled)
        crawler.signals.connect(limits.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(limits.spider_closed, signal=signals.spider_closed)
        return limits

    def spider_opened(self) -> None:
        """Starts the clock."""
        if self._duration_s:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._duration_s, self._end, "limits.duration")

    def spider_closed(self) -> None:
        """Stops the clock."""
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def item_scraped(self) -> None:
        """Counts a row, which where workers share a frontier may not be one yet."""
        if self._sharing() is not None:
            return
        self._seen_items += 1
        if self._seen_items == self._items:
            self._end("limits.items")

    def rows_settled(self, rows: Sequence[tuple[Any, RowFate]]) -> None:
        """The frontier knows the limit too."""
        if any(fate is RowFate.OVER_LIMIT for _, fate in rows):
            self._end("limits.items")

    def page_settled(self, page: Any, outcome: str) -> None:
        """Counts a failed page."""
        _ = page
        scheduler = self._sharing()
        if scheduler is not None:
            self._look_soon(scheduler)
            return
        self._seen_errors += outcome not in HARMLESS
        self._check_errors(self._seen_errors)

    def _check_errors(self, errors: int) -> None:
        if self._errors and errors >= self._errors:
            self._end("limits.stop_after_errors")

    def _sharing(self) -> Scheduler | None:
        scheduler = our_scheduler(self._crawler)
        return scheduler if scheduler is not None and scheduler.shared else None

    def _look_soon(self, scheduler: Scheduler) -> None:
        if (self._items or self._errors) and (self._looking is None or self._looking.done()):
            self._looking = asyncio.get_running_loop().create_task(self._look(scheduler))

    async def _look(self, scheduler: Scheduler) -> None:
        await asyncio.sleep(_LOOK_EVERY_S)
        books = await scheduler.books()
        if self._items and sum(books.rows.values()) >= self._items:
            self._end("limits.items")
        self._check_errors(sum(count for outcome, count in books.settled.items() if outcome not in HARMLESS))

    def _end(self, limit: str) -> None:
        if self._closing is not None:
            return
        logger.info("%s is reached: the crawl ends here", limit)
        self._crawler.stats.set_value("limits/reached", limit)
        scheduler = our_scheduler(self._crawler)
        if scheduler is not None:
            scheduler.ending.say(limit)
        self._closing = asyncio.get_running_loop().create_task(self._crawler.engine.close_spider_async(reason=limit))
