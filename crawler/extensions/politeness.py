"""The Crawl-delay of a site goes to the door when it becomes known.

The door (`crawler.downloader`) holds back everything that leaves for a host, here and through the gate in all other
workers. It hears of a wish for silence from the downloader. AutoThrottle is the gate's too; Scrapy's own extension is
not loaded.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scrapy import signals
from scrapy.utils.asyncio import AsyncioLoopingCall, create_looping_call
from scrapy.utils.httpobj import urlparse_cached

from crawler.downloader.downloader import is_ending, our_downloader
from crawler.middlewares.open_pages import Stopped

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser
    from twisted.internet.task import LoopingCall

logger = logging.getLogger(__name__)

#: How soon the end of a crawl is noticed.
_WATCH_EVERY_S: Final = 0.2


class Politeness:
    """Tells the door."""

    def __init__(self, crawler: Crawler, *, longest_crawl_delay_s: float) -> None:
        """A Crawl-delay counts up to `longest_crawl_delay_s`."""
        self._crawler = crawler
        self._longest_crawl_delay_s = longest_crawl_delay_s
        self._asked_of: dict[str, dict[str, float]] = {}  # by host and site, in seconds
        self._delayed: set[str] = set()  # hosts of which the door knows a delay
        self._watch: AsyncioLoopingCall | LoopingCall | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connects what is to be heard."""
        politeness = cls(crawler, longest_crawl_delay_s=crawler.settings.getfloat("CRAWL_DELAY_MAX"))
        crawler.signals.connect(politeness.engine_started, signal=signals.engine_started)
        crawler.signals.connect(politeness.engine_stopped, signal=signals.engine_stopped)
        crawler.signals.connect(politeness.robots_parsed, signal=signals.robots_parsed)
        return politeness

    def current_delay(self) -> float:
        """The longest delay between two requests that any host has now, in seconds."""
        return max((slot.delay for slot in self._crawler.engine.downloader.slots.values()), default=0.0)

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Notes the Crawl-delay of a site. Sites of one host (http and https) keep the longest."""
        downloader = our_downloader(self._crawler)
        if downloader is None:
            return
        settings = self._crawler.settings
        agent = settings["ROBOTSTXT_USER_AGENT"] or request.headers.get("User-Agent") or settings["USER_AGENT"]
        host, parts = downloader.get_slot_key(request), urlparse_cached(request)
        asked = robotparser.crawl_delay(agent) or 0.0
        sites = self._asked_of.setdefault(host, {})
        sites[f"{parts.scheme}://{parts.netloc}"] = min(max(0.0, asked), self._longest_crawl_delay_s)
        delay = max(sites.values())
        if delay > 0:
            logger.info("robots.txt of %s asks for a delay of %s s; %s s between requests", host, asked, delay)
            self._crawler.stats.max_value("robotstxt/crawl_delay_s", delay)
        if delay > 0 or host in self._delayed:
            downloader.door.crawl_delay(host, delay)
            self._delayed.add(host)

    # --- the end: what waits for its turn is not sent any more ---

    def engine_started(self) -> None:
        """Begins to watch for the end."""
        self._watch = create_looping_call(self._drop_waiting)
        self._watch.start(_WATCH_EVERY_S, now=False)

    def engine_stopped(self) -> None:
        """Ends the watch."""
        if self._watch is not None and self._watch.running:
            self._watch.stop()

    def _drop_waiting(self) -> None:
        """Scrapy closes when the last request in its hands is done, also those that wait minutes for their delay."""
        downloader = our_downloader(self._crawler)
        if downloader is not None and is_ending(self._crawler):
            downloader.door.refuse_waiting(lambda: Stopped("the crawl is ending"))
