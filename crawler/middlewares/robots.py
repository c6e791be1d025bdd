"""robots.txt: what it forbids, read once for all workers, and RFC 9309 on errors.

The rules of a site (scheme, host and port) come from the robots store; the worker that it names fetches them, the
others wait. A refusal is told apart from other filters. What cannot be read allows nothing: after a 5xx pages are
settled as `robots`; where there is no answer at all, they fail like any request to a site that cannot be reached. Both
are asked again a minute later.

Crawl-delay is applied by `crawler.extensions.politeness`, which listens to the signal that is sent for all rules, also
those that another worker has fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrapy import Request, signals
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import RobotParser
from scrapy.utils.misc import build_from_crawler

from crawler.downloader.downloader import is_ending, our_downloader
from crawler.downloader.shared import alone
from crawler.errors import StoreError
from crawler.frontier.shared_contract import (
    MAX_ROBOTS_BYTES,
    ROBOTS_CLAIM_S,
    ROBOTS_FRESH_S,
    ROBOTS_UNREADABLE_S,
    Robots,
)
from crawler.middlewares.open_pages import PageTurn, RobotsForbidden, RobotsUnreachable, Stopped
from crawler.middlewares.retry_policy import reason_of
from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.downloader.shared import Shared

logger = logging.getLogger(__name__)

#: Who waits for another worker's fetch looks again so often.
_ASK_EVERY_S: Final = 0.1

#: How it shows that a site does not answer, or not to its end.
_NO_ANSWER: Final = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    OSError,
)


class Unreadable(RobotParser):
    """There is a robots.txt that cannot be read: until it can, nothing may be fetched (RFC 9309, 2.3.1.4)."""

    def __init__(self, status: int, reason: str) -> None:
        """`status` 0: there was no answer, for this `reason`."""
        self.status, self.reason = status, reason

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> Self:
        """Never: there is no body to read rules from."""
        _ = crawler, robotstxt_body
        raise AssertionError("made by the middleware, for a site whose robots.txt cannot be read")

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        """Nothing."""
        _ = url, user_agent
        return False


@dataclass(frozen=True, slots=True)
class _Known:
    rules: RobotParser
    until_s: float  # of the monotonic clock


class RobotsTxtMiddleware(ScrapyRobotsTxtMiddleware):
    """See the module."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[RobotParser]] = {}
        self._failures: dict[str, str] = {}  # why a site did not answer us
        self._shared: Shared | None = None

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Refuses what is not allowed.

        Raises:
            RobotsForbidden: by a rule, or because the rules cannot be read.
            RobotsUnreachable: the site did not answer.
        """
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            if isinstance(rp, Unreadable) and rp.status == 0:
                raise RobotsUnreachable(f"robots.txt could not be fetched: {rp.reason}") from error
            if isinstance(rp, Unreadable):
                raise RobotsForbidden(
                    f"robots.txt answered {rp.status}; nothing is allowed until it answers"
                ) from error
            raise RobotsForbidden("forbidden by robots.txt") from error

    async def robot_parser(self, request: Request) -> RobotParser:
        """The rules of a request's site, in place of Scrapy's table of them.

        Raises:
            Stopped: the crawl ends before they are known.
        """
        known = self.known_rules(request)
        if known is not None:
            return known
        site = _site(request)
        asking = self._asking.get(site)
        if asking is None:
            asking = self._asking[site] = asyncio.get_running_loop().create_task(self._learn(site, request))
            asking.add_done_callback(lambda _: self._asking.pop(site))
        return await asyncio.shield(asking)

    def known_rules(self, request: Request) -> RobotParser | None:
        """The rules of a request's site, if they need not be asked for."""
        known = self._known.get(_site(request))
        return known.rules if known is not None and time.monotonic() < known.until_s else None

    async def _learn(self, site: str, request: Request) -> RobotParser:
        robots = await self._ask(site)
        if robots.readable:
            body = b"" if robots.status >= 400 else robots.body  # an error page is no set of rules
            rules = build_from_crawler(self._parserimpl, self.crawler, body)
            await self.crawler.signals.send_catch_log_async(
                signal=signals.robots_parsed, robotparser=rules, request=request
            )
        else:
            rules = Unreadable(robots.status, self._failures.get(site, "the site did not answer"))
        fresh = ROBOTS_FRESH_S if robots.readable else ROBOTS_UNREADABLE_S
        self._known[site] = _Known(rules, time.monotonic() + fresh)
        return rules

    async def _ask(self, site: str) -> Robots:
        """robots.txt from the store, or from the site if nobody else is fetching it."""
        shared = self._neighbours()
        while True:
            reply = await shared.robots.ask(site, worker=shared.worker)
            if reply.robots is not None:
                return reply.robots
            if reply.yours:
                robots = await self._fetch_and_say_so(site, shared)
                await shared.robots.keep(site, robots)
                return robots
            if is_ending(self.crawler):
                raise Stopped("the crawl is ending")
            await asyncio.sleep(_ASK_EVERY_S)

    async def _fetch_and_say_so(self, site: str, shared: Shared) -> Robots:
        """Fetches, and lets the others know that this worker lives: a site may take its time to answer."""
        fetching = asyncio.get_running_loop().create_task(self._fetch(site))
        try:
            while not (await asyncio.wait({fetching}, timeout=ROBOTS_CLAIM_S / 3))[0]:
                with contextlib.suppress(StoreError):  # then another one fetches it, too
                    await shared.robots.ask(site, worker=shared.worker)
            return fetching.result()
        finally:
            fetching.cancel()

    def _neighbours(self) -> Shared:
        if self._shared is None:
            downloader = our_downloader(self.crawler)
            self._shared = downloader.shared if downloader is not None else alone(self.crawler)
        return self._shared

    async def _fetch(self, site: str) -> Robots:
        """What the site answers.

        Raises:
            Stopped: the crawl is ending.
        """
        self._failures.pop(site, None)
        self._stats.inc_value("robotstxt/request_count")
        asked = Request(
            f"{site}/robots.txt",
            priority=self.DOWNLOAD_PRIORITY,
            meta={"dont_obey_robotstxt": True},
            callback=NO_CALLBACK,
        )
        try:
            response = await self.crawler.engine.download_async(asked)
        except PageTurn:
            raise
        except IgnoreRequest as error:
            # One of our own rules keeps us from it, or its redirects lead nowhere (RFC 9309, 2.3.1.2): as if it were
            # not there. Whatever keeps us from robots.txt by a rule keeps us from the site's pages too.
            logger.debug("robots.txt of %s is not fetched: %s", site, error)
            return Robots(status=404)
        except _NO_ANSWER as error:
            self._failures[site] = reason_of(error)
            logger.warning("robots.txt of %s could not be fetched: %s", site, self._failures[site])
            self._stats.inc_value(f"robotstxt/exception_count/{type(error)}")
            return Robots(status=0)
        self._stats.inc_value("robotstxt/response_count")
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        return Robots(status=response.status, body=response.body[:MAX_ROBOTS_BYTES])


def _site(request: Request) -> str:
    return url_origin(request.url).site
