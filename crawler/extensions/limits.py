"""Ends a crawl when it has what was asked for, has run long enough, or fails too often.

Pages that are in flight are finished and their rows kept; the frontier counts the rest as cancelled. `limits.requests`
is not here: the frontier gives no more pages out.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from scrapy import signals

from crawler.frontier.contract import HARMLESS
from crawler.signals import page_settled

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class Limits:
    """Watches rows, time and failed pages."""

    def __init__(self, crawler: Crawler, *, items: int, duration_s: float, errors: int) -> None:
        """A limit of 0 is none."""
        self._crawler = crawler
        self._items, self._duration_s, self._errors = items, duration_s, errors
        self._seen_items = self._seen_errors = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

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

    def item_scraped(self) -> None:
        """Counts a row."""
        self._seen_items += 1
        if self._seen_items == self._items:
            self._end("limits.items")

    def page_settled(self, page: Any, outcome: str) -> None:
        """Counts a failed page."""
        _ = page
        self._seen_errors += outcome not in HARMLESS
        if self._errors and self._seen_errors >= self._errors:
            self._end("limits.stop_after_errors")

    def _end(self, limit: str) -> None:
        if self._closing is not None:
            return
        logger.info("%s is reached: the crawl ends here", limit)
        self._crawler.stats.set_value("limits/reached", limit)
        self._closing = asyncio.get_running_loop().create_task(self._crawler.engine.close_spider_async(reason=limit))
