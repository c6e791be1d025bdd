"""How fast one site is asked: AutoThrottle, Crawl-delay of robots.txt, and silence when a site asks for it.

All of it acts on the downloader's slot of a host, through which everything goes that leaves for it: pages, robots.txt,
images. Scrapy's AutoThrottle does the adapting; what it must not go below is kept here.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Final

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.extensions.throttle import AutoThrottle
from scrapy.utils.asyncio import AsyncioLoopingCall, call_later, create_looping_call

from crawler.middlewares.open_pages import Stopped

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser
    from twisted.internet.task import LoopingCall

logger = logging.getLogger(__name__)

#: How soon the end of a crawl is noticed.
_WATCH_EVERY_S: Final = 0.2


class Politeness(AutoThrottle):
    """AutoThrottle with a floor per host; without AUTOTHROTTLE_ENABLED only the floors."""

    def __init__(self, crawler: Crawler) -> None:
        """Connects to the downloader's signals."""
        self.adaptive = True
        self._floors: dict[str, float] = {}
        self._silent_until: dict[str, float] = {}
        self._longest_delay_s = crawler.settings.getfloat("CRAWL_DELAY_MAX")
        try:
            super().__init__(crawler)
        except NotConfigured:
            self.adaptive = False
        self._watch: AsyncioLoopingCall | LoopingCall | None = None
        crawler.signals.connect(self._engine_started, signal=signals.engine_started)
        crawler.signals.connect(self._engine_stopped, signal=signals.engine_stopped)
        crawler.signals.connect(self._robots_parsed, signal=signals.robots_parsed)
        crawler.signals.connect(self._request_reached_downloader, signal=signals.request_reached_downloader)

    def hold(self, host: str, seconds: float) -> None:
        """Sends nothing to a host for so long, not even what waits in the downloader already."""
        until = monotonic() + seconds
        if until <= self._silent_until.get(host, 0.0):
            return
        logger.info("%s asked for silence: nothing is sent to it for %.1f s", host, seconds)
        self._silent_until[host] = until
        self._silence(host)

    def current_delay(self) -> float:
        """The longest delay between two requests that any host has now, in seconds."""
        return max((slot.delay for slot in self.crawler.engine.downloader.slots.values()), default=0.0)

    # --- the end: what waits for its turn is not sent any more ---

    def _engine_started(self) -> None:
        self._watch = create_looping_call(self._drop_waiting)
        self._watch.start(_WATCH_EVERY_S, now=False)

    def _engine_stopped(self) -> None:
        if self._watch is not None and self._watch.running:
            self._watch.stop()

    def _drop_waiting(self) -> None:
        """Scrapy closes when the last request in its hands is done, also those that wait minutes for their delay."""
        engine = self.crawler.engine
        if engine._slot is None or engine._slot.closing is None:  # noqa: SLF001 - no signal tells of it
            return
        for slot in engine.downloader.slots.values():
            while slot.queue:
                _, waiting = slot.queue.popleft()
                waiting.errback(Stopped("the crawl is ending"))

    # --- the floor and the silence of a host ---

    def _silence(self, host: str) -> None:
        """The downloader does not touch a slot that waits for its `latercall`."""
        downloader = self.crawler.engine.downloader
        slot, wait = downloader.slots.get(host), self._silent_until[host] - monotonic()
        if slot is None or wait <= 0:
            return
        if slot.latercall is not None:
            slot.latercall.cancel()
        slot.latercall = call_later(wait, downloader._latercall, slot)  # noqa: SLF001 - there is no other door

    def _robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        settings = self.crawler.settings
        agent = settings["ROBOTSTXT_USER_AGENT"] or request.headers.get("User-Agent") or settings["USER_AGENT"]
        asked = robotparser.crawl_delay(agent)
        if not asked or asked <= 0:
            return
        host = self.crawler.engine.downloader.get_slot_key(request)
        delay = min(asked, self._longest_delay_s)
        logger.info("robots.txt of %s asks for a delay of %s s; %s s between requests", host, asked, delay)
        self.crawler.stats.max_value("robotstxt/crawl_delay_s", delay)
        self._floors[host] = delay
        self._apply_floor(host)

    def _request_reached_downloader(self, request: Request, spider: Spider) -> None:
        """A slot that was idle for a minute is made anew, and knows nothing of its floor and its silence."""
        _ = spider
        host = request.meta["download_slot"]
        self._apply_floor(host)
        if host in self._silent_until:
            self._silence(host)

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        super()._response_downloaded(response, request, spider)
        self._apply_floor(request.meta.get("download_slot", ""))

    def _apply_floor(self, host: str) -> None:
        slot: Slot | None = self.crawler.engine.downloader.slots.get(host)
        floor = self._floors.get(host)
        if slot is not None and floor is not None:
            slot.delay = max(slot.delay, floor)
            slot.jitter = 0.0  # a delay that the site asked for is a minimum, not a mean
