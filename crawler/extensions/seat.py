"""A worker's seat: kept while it works, given up when it is gone, wanted by others, or of no use.

Only in crawls that a node has started (SEAT_TOKEN). A worker without a seat would be one more than its job may have, so
it leaves; leaving is that of any worker that is told to go: it begins no page, has a few seconds for those that it has,
and hands the rest back. The job goes on with the others, or when a node takes a seat for it again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawler.errors import StoreError
from crawler.extensions.fleet import fleet_of
from crawler.scheduler import our_scheduler

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.extensions.fleet import Fleet

logger = logging.getLogger(__name__)

#: Why a worker leaves its job to others, as the reason for which its spider is closed.
SEAT_GONE: Final = "seat_gone"
SEAT_YIELDED: Final = "seat_yielded"
WORKER_IDLE: Final = "worker_idle"
LEFT_TO_OTHERS: Final = frozenset({SEAT_GONE, SEAT_YIELDED, WORKER_IDLE})

#: Whether there is anything to do is looked at so often, in seconds.
_LOOK_EVERY_S: Final = 0.5


class SeatKeeper:
    """See the module."""

    def __init__(self, crawler: Crawler, token: str, *, ttl_s: float, idle_s: float) -> None:
        """The keeper of a seat.

        Args:
            crawler: the crawl.
            token: of the seat.
            ttl_s: a seat is free when its worker has been silent for so long.
            idle_s: a worker that has had nothing to do for so long leaves.
        """
        self._crawler = crawler
        self._token = token
        self._ttl_s = ttl_s
        self._idle_s = idle_s
        self._keeping: asyncio.Task[str] | None = None
        self._leaving: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Of a worker that has a seat.

        Raises:
            NotConfigured: the crawl has none.
        """
        settings = crawler.settings
        if not settings["SEAT_TOKEN"]:
            raise NotConfigured
        keeper = cls(
            crawler,
            str(settings["SEAT_TOKEN"]),
            ttl_s=settings.getfloat("SEAT_TTL"),
            idle_s=settings.getfloat("WORKER_IDLE_S"),
        )
        crawler.signals.connect(keeper.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(keeper.spider_closed, signal=signals.spider_closed)
        return keeper

    def spider_opened(self) -> None:
        """Begins to keep the seat."""
        fleet = fleet_of(self._crawler)
        if fleet is None:
            logger.warning("SEAT_TOKEN means nothing: this crawl is not shared")
            return
        self._keeping = asyncio.get_running_loop().create_task(self._keep(fleet))
        self._keeping.add_done_callback(self._leave)

    async def spider_closed(self) -> None:
        """Gives the seat back; if the store does not answer, it ends by itself."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        fleet = fleet_of(self._crawler)
        if fleet is not None:
            try:
                async with asyncio.timeout(1.0):
                    await fleet.seats().leave(fleet.job.id, self._token)
            except (TimeoutError, StoreError):
                logger.warning("The store does not take the seat back; it ends by itself")

    def _leave(self, keeping: asyncio.Task[str]) -> None:
        """In a task of its own: the end of the spider cancels the one that keeps the seat."""
        if keeping.cancelled():
            return
        error = keeping.exception()
        if error is not None:
            logger.error("The seat cannot be kept", exc_info=error)
        reason = SEAT_GONE if error is not None else keeping.result()
        logger.info("This worker leaves its job to others: %s", reason)
        closing = self._crawler.engine.close_spider_async(reason=reason)
        self._leaving = asyncio.get_running_loop().create_task(closing)

    async def _keep(self, fleet: Fleet) -> str:
        """Returns the reason to leave."""
        from crawler.jobs.seats import SeatReply  # noqa: PLC0415 - with the scripts of jobs; few crawls have a seat

        seats, job = fleet.seats(), fleet.job.id
        kept_at = -self._ttl_s
        busy_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now - kept_at >= self._ttl_s / 3:
                reply = await seats.keep(job, self._token, worker=fleet.worker, ttl_s=self._ttl_s)
                if reply is not SeatReply.KEPT:
                    return SEAT_GONE if reply is SeatReply.GONE else SEAT_YIELDED
                kept_at = now
            scheduler = our_scheduler(self._crawler)
            if scheduler is None or not scheduler.idle:
                busy_at = now
            elif now - busy_at >= self._idle_s:
                return WORKER_IDLE
            await asyncio.sleep(min(_LOOK_EVERY_S, self._ttl_s / 3))
