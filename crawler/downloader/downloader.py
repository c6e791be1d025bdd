"""Scrapy's downloader with a door: every download of every handler passes it - pages, robots.txt, hops, media.

Scrapy's own slots stay, because extensions look at them, but hold nothing back: how many requests are open and how far
apart they are is the door's business, which asks a gate that knows all workers.

An answer that asks for silence is heard here, before anything else looks at it: it is meant for everybody who asks this
host for anything, whether its own request is tried again or not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from scrapy import Request, signals
from scrapy.core.downloader import Downloader as ScrapyDownloader
from scrapy.core.downloader import Slot
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError, DownloadFailedError

from crawler import faults
from crawler.downloader.curl_answer import REFUSED
from crawler.downloader.door import Closed, Door, LongSilence, NotSent
from crawler.downloader.pace import Paces
from crawler.downloader.resolver import installed_resolver
from crawler.downloader.shared import shared_of
from crawler.egress.persons import hosts_of
from crawler.middlewares.open_pages import LeaseLost, SentBack, Stopped
from crawler.middlewares.retry_policies import RetryPolicies, retry_after_of, tries_of
from crawler.middlewares.retry_policy import silence_s
from crawler.scheduler import open_page, our_scheduler
from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.defer import Deferred

    from crawler.fastpath.announcer import Announcer
    from crawler.scheduler import Scheduler

logger = logging.getLogger(__name__)

_MANY: Final = 1 << 30

#: A request to this machine has left after so many seconds, and so many turns of the event loop, if that is busy.
_LEAVES_WITHIN_S: Final = 0.005
_LEAVES_WITHIN_TURNS: Final = 10

#: Answers of a site that works: the page, or that it has not changed.
_READ: Final = frozenset({200, 304})


class DoorSlot(Slot):
    """A slot of Scrapy's as extensions know it: it shows the delay in force, and a delay that is set is kept.

    It holds nothing back itself.
    """

    def __init__(self, door: Door, host: str, *, concurrency: int) -> None:
        self._door, self._host = door, host
        super().__init__(concurrency, 0.0, 0.0)

    @property
    def delay(self) -> float:
        """Seconds between two requests to this host, in force."""
        return self._door.delay(self._host)

    @delay.setter
    def delay(self, seconds: float) -> None:
        if seconds > 0:
            self._door.slow_down(self._host, seconds)

    def free_transfer_slots(self) -> int:
        """As many as you like: the door counts."""
        return _MANY

    def download_delay(self) -> float:
        """None: the door waits."""
        return 0.0


class Downloader(ScrapyDownloader):
    """See the module; `settings.py` names it as DOWNLOADER.

    Attributes:
        paces: how carefully each host is asked.
        shared: what is shared with other workers.
        door: through which everything goes.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Made by the engine.

        Raises:
            ConfigError: a setting that says how fast to be cannot be used.
        """
        self.paces = Paces(crawler.settings)
        self.shared = shared_of(crawler)
        self.door = Door(self.shared.gate, worker=self.shared.worker, job=self.shared.job, paces=self.paces)
        if self.shared.before_departure is not None:
            self.shared.before_departure(self.door.ask_along)
        super().__init__(crawler)
        if crawler.settings.getfloat("DOWNLOAD_DELAY_JITTER") > 0:
            logger.warning("DOWNLOAD_DELAY_JITTER is not used: a delay is a minimum, and requests keep it exactly")
        self._retry_policies = RetryPolicies(crawler)
        self._log_latencies = crawler.settings.getbool("AUTOTHROTTLE_DEBUG")
        self._resolver = installed_resolver(crawler.settings)
        if not crawler.settings["SEAT_TOKEN"]:  # a person has started this, and named where to begin
            self._resolver.trust(hosts_of(getattr(crawler.spider, "start_urls", ())))
        self._handlers_send = self.handlers.download_request_async
        self.handlers.download_request_async = self._through_the_door  # type: ignore[method-assign]  # whoever downloads calls this; Scrapy makes the handlers itself
        crawler.signals.connect(self._spider_closed, signal=signals.spider_closed)

    def fetch(self, request: Request, spider: Any = None) -> Deferred[Response | Request]:
        """As Scrapy's; a page whose request a middleware replaces is told of it before the engine hands that in."""
        _ = spider
        fetched = super().fetch(request)
        fetched.addCallback(self._fetched, request)
        return fetched

    def _fetched(self, result: Response | Request, request: Request) -> Response | Request:
        scheduler = our_scheduler(self.crawler) if isinstance(result, Request) else None
        if scheduler is not None and isinstance(result, Request):
            scheduler.pages.replace(request, result)
        return result

    async def send(self, request: Request, announcer: Announcer) -> Response:
        """Downloads past the queues of Scrapy's slots, which hold nothing back here, with the same signals."""
        key, slot = self._get_slot(request)
        request.meta[self.DOWNLOAD_SLOT] = key
        told: dict[str, Any] = {"request": request, "spider": self.crawler.spider}
        slot.active.add(request)
        slot.transferring.add(request)
        slot.lastseen = time.monotonic()
        try:
            announcer.send(signals.request_reached_downloader, **told)
            response = await self._through_the_door(request)
            announcer.send(signals.response_downloaded, response=response, **told)
            return response
        finally:
            slot.transferring.discard(request)
            slot.active.discard(request)
            announcer.send(signals.request_left_downloader, **told)

    def lasts_s(self, host: str, coming: int) -> float:
        """For how many seconds so many pages of a host will be at its door; the scheduler wants no more than enough."""
        return self.door.lasts_s(host, coming)

    async def _through_the_door(self, request: Request) -> Response:
        host = self.get_slot_key(request)
        scheduler, still_ours, patient = our_scheduler(self.crawler), None, True
        if scheduler is not None:
            scheduler.times.waits(request)
            still_ours = partial(_may_leave, scheduler, request)
            patient = scheduler.pages.of(request) is None  # a page can lie in the frontier instead
        try:
            async with self.door.pass_(host, still_ours=still_ours, patient=patient) as passage:
                response = await (self._fail_or_send(request) if faults.is_on() else self._send(request))
                latency = request.meta.get("download_latency")
                if latency is not None and not request.meta.get("autothrottle_dont_adjust_delay", False):
                    passage.answered(latency, ok=response.status in _READ)
                self._heed(host, request, response)
                if self._log_latencies:
                    self._log(host, latency or 0.0, response)
                return response
        except Closed as error:
            raise Stopped(str(error)) from error
        except LongSilence as error:
            raise SentBack(str(error)) from error
        except NotSent as error:
            raise LeaseLost(str(error)) from error
        except CannotResolveHostError:
            if any(map(self._resolver.refused, hosts_of([request.url]))):
                raise DownloadConnectionRefusedError(REFUSED) from None
            raise

    def _send(self, request: Request) -> Awaitable[Response]:
        """By the handler of its scheme; where there is none yet, Scrapy makes it, which parses all of the URL."""
        scheme, handlers = request.url.partition(":")[0], self.handlers
        handler = handlers._handlers.get(scheme)  # noqa: SLF001 - those that have been made; Scrapy tells nobody
        if handler is None or scheme in handlers._old_style_handlers:  # noqa: SLF001 - as above
            return self._handlers_send(request)
        return handler.download_request(request)

    async def _fail_or_send(self, request: Request) -> Response:
        """The same, with a fault point between request and answer; it fails as a site that breaks the connection."""
        sending = asyncio.ensure_future(self._send(request))
        await asyncio.wait([sending], timeout=_LEAVES_WITHIN_S)
        for _ in range(_LEAVES_WITHIN_TURNS):
            await asyncio.sleep(0)
        try:
            faults.at("fetch")
        except ConnectionResetError as error:
            sending.cancel()
            await asyncio.wait([sending])
            raise DownloadFailedError(str(error)) from error
        return await sending

    def _heed(self, host: str, request: Request, response: Response) -> None:
        """Leaves the host alone if the answer asks for it."""
        if response.status < 400:
            return
        seconds = silence_s(
            self._retry_policies.of(request),
            tries=tries_of(open_page(self.crawler, request), request),
            status=response.status,
            retry_after=retry_after_of(response),
            now=datetime.now(UTC),
        )
        if seconds > 0:
            logger.info("%s asked for silence: nothing is sent to it for %.1f s", host, seconds)
            self.door.silence(host, seconds)

    def get_slot_key(self, request: Request) -> str:
        """The host of a request, or the slot that it names."""
        key: str | None = request.meta.get(self.DOWNLOAD_SLOT)
        return url_origin(request.url).host if key is None else key

    def _get_slot(self, request: Request) -> tuple[str, Slot]:  # type: ignore[override]  # Scrapy's accepts a spider that is not used any more
        """The slot of a request's host, which is one of ours."""
        key = self.get_slot_key(request)
        slot = self.slots.get(key)
        if slot is None:
            site, own = self.paces(key)
            limits = [pace.concurrency for pace in (site, own) if pace.concurrency]
            slot = self.slots[key] = DoorSlot(self.door, key, concurrency=min(limits, default=0))
            self._start_slot_gc()
        return key, slot

    def _log(self, host: str, latency: float, response: Response) -> None:
        logger.info(
            "slot: %s | delay: %.0f ms | latency: %.0f ms | size: %d bytes",
            host,
            self.door.delay(host) * 1000,
            latency * 1000,
            len(response.body),
        )

    async def _spider_closed(self) -> None:
        """Hands the slots back, and says in the stats what it took."""
        await self.door.close()
        counters, stats = self.door.counters, self.crawler.stats
        stats.set_value("door/passes", counters.passes)
        stats.set_value("door/waits", counters.waits)
        stats.set_value("door/permit_calls", counters.calls)
        stats.set_value("door/round_trips", counters.round_trips)
        stats.set_value("door/void_starts", counters.void_starts)


def _may_leave(scheduler: Scheduler, request: Request) -> bool:
    """Whether the page of a request is still leased to us; a request that is no page is nobody's."""
    scheduler.times.leaves(request)
    return scheduler.lease_still_ours(request)


def our_downloader(crawler: Crawler) -> Downloader | None:
    """The downloader of a running crawl, if it is this one."""
    downloader = crawler.engine.downloader
    return downloader if isinstance(downloader, Downloader) else None


def is_ending(crawler: Crawler) -> bool:
    """Whether the crawl is being closed: what waits is not sent any more."""
    slot = crawler.engine._slot  # noqa: SLF001 - no signal tells of it
    return slot is not None and slot.closing is not None
