"""Hosts that keep this crawl out: how long each is left alone, and what becomes of the page that was refused.

Middlewares see the signs and tell them here. The page goes back for a later try and its host is left alone, longer each
time until a page of it is read; after its last try the page ends as `blocked`. How often a host has done so the
frontier counts, for all workers together, because a job that is kept out is paused.

Failures of the network are no sign by themselves. A host that fails several times in a row and answers nothing in
between, while others answer, does it on purpose as far as can be seen from here; but it may as well be dead, so that
this never counts towards a pause. One that answers nothing while no other answers either, refuses connections or has no
address is taken for dead: it is left alone for as long again as it has been away, so that its pages do not use up their
tries while it is started again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from scrapy import signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)

from crawler.downloader.downloader import our_downloader
from crawler.middlewares.open_pages import Blocked, RobotsUnreachable, TryLater
from crawler.middlewares.retry_policies import RetryPolicies
from crawler.middlewares.retry_policy import reason_of
from crawler.scheduler import open_page
from crawler.signals import page_settled

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.middlewares.open_pages import OpenPage
    from crawler.recipe.model import Retry

logger = logging.getLogger(__name__)

#: So many failures of a host in a row, without an answer, are no accident.
_FAILURES_IN_A_ROW: Final = 5

#: How it shows that a host is not there, or does not want us; the first two, that it is not there.
_NOT_THERE: Final = (CannotResolveHostError, DownloadConnectionRefusedError)
_FAILURES: Final = (*_NOT_THERE, DownloadFailedError, DownloadTimeoutError)


@dataclass(slots=True)
class _Host:
    """What a host has done since a page of it was read.

    Attributes:
        steps: times that it was left alone, each longer than the one before.
        until_s: of the clock, when it may be asked again.
        failures: in a row, without an answer.
        failing_since_s: of the clock, when the first of them came.
        answers: of all hosts at that time.
    """

    steps: int = 0
    until_s: float = 0.0
    failures: int = 0
    failing_since_s: float = 0.0
    answers: int = 0


class Blocks:
    """See the module."""

    def __init__(self, crawler: Crawler, *, enabled: bool) -> None:
        """`enabled`: False = nothing is a sign."""
        self._crawler = crawler
        self._enabled = enabled
        self._policies = RetryPolicies(crawler)
        self._hosts: dict[str, _Host] = {}
        self._answers = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connects to what tells that a host lets us in."""
        blocks = cls(crawler, enabled=crawler.settings.getbool("BLOCKED_ENABLED"))
        crawler.signals.connect(blocks.answered, signal=signals.response_downloaded)
        crawler.signals.connect(blocks.page_settled, signal=page_settled)
        return blocks

    def page_of(self, request: Request) -> OpenPage | None:
        """The page of a request if signs count for it: not if its callback takes whatever comes."""
        if not self._enabled or request.meta.get("handle_httpstatus_all", False):
            return None
        return open_page(self._crawler, request)

    def gives_rows(self, request: Request) -> bool:
        """Whether the spider says that the page of a request is to hold something: its rows or its links."""
        says = getattr(self._crawler.spider, "rows_expected", None)
        return callable(says) and bool(says(request))

    def said_of(self, request: Request, response: Response) -> str:
        """What the spider itself says of an answer that will be no page: a sign, or ""."""
        says = getattr(self._crawler.spider, "blocked_sign", None)
        return str(says(request, response)) if callable(says) else ""

    # --- what middlewares tell ---

    def refused(
        self,
        page: OpenPage,
        request: Request,
        sign: str,
        *,
        may_be_this_page_only: bool = False,
        counts: bool = True,
    ) -> NoReturn:
        """Ends a try that was answered with a sign.

        Args:
            page: of the request.
            request: that was answered.
            sign: what was seen, in one line.
            may_be_this_page_only: the first time the host goes on being asked for other pages, and it does not count.
            counts: towards the pause of the job.

        Raises:
            TryLater: the page comes back.
            Blocked: it was its last try.
        """
        host, tries = page.lease.request.host, page.lease.tries
        policy, known = self._policies.of(request), self._known(page)
        now = time.monotonic()
        if may_be_this_page_only and not known.steps:
            known.steps, counts = 1, False
        elif now < known.until_s:  # what was under way when it began teaches nothing new
            counts = False
        else:
            known.steps += 1
            known.until_s = now + _silence_s(policy, max(known.steps - 1, tries))
        hold_s = max(0.0, known.until_s - now)
        self._leave_alone(host, hold_s)
        stats = self._crawler.stats
        stats.inc_value("blocked/count")
        stats.inc_value(f"blocked/sign/{sign}")
        if self._is_last_try(page, request):
            how_often = "1 try" if tries == 0 else f"{tries + 1} tries"
            raise Blocked(f"{sign} (given up after {how_often})", counts=counts)
        wait_s = _longer_than(hold_s, policy)
        logger.warning("%s keeps us out of %s: %s; again in %.1f s", host, page.url, sign, wait_s)
        raise TryLater(sign, wait_s=wait_s, hold_host_s=hold_s, blocked=counts)

    def failed(self, page: OpenPage, request: Request, error: Exception) -> None:
        """Ends a try by a failure of the network, if its host has failed several times in a row.

        Raises:
            TryLater: the page comes back.
            Blocked: others answer, and it was its last try. Where no other host was asked, whoever is told next of the
                failure gives the page up.
        """
        if not isinstance(error, _FAILURES) or isinstance(error, RobotsUnreachable):
            return
        known = self._known(page)
        if not known.failures:
            known.answers, known.failing_since_s = self._answers, time.monotonic()
        known.failures += 1
        if known.failures < _FAILURES_IN_A_ROW:
            return
        if self._answers == known.answers or isinstance(error, _NOT_THERE):
            self._away(page, request, error)
            return
        what = "times out" if isinstance(error, DownloadTimeoutError) else "breaks the connection"
        self.refused(page, request, f"{what} again and again while other hosts answer", counts=False)

    def _away(self, page: OpenPage, request: Request, error: Exception) -> None:
        """A host answers nothing: it is left alone for as long again as it has been away so far."""
        host, policy, known = page.lease.request.host, self._policies.of(request), self._known(page)
        if not policy.network_errors:
            return
        now = time.monotonic()
        if now >= known.until_s:
            away_s = now - known.failing_since_s
            known.until_s = now + min(policy.backoff_max_s, max(policy.backoff_min_s, away_s))
            logger.warning(
                "%s has failed %d times in a row; it is left alone for %.1f s",
                host,
                known.failures,
                known.until_s - now,
            )
        hold_s = known.until_s - now
        self._leave_alone(host, hold_s)
        if not self._is_last_try(page, request):
            self._crawler.stats.inc_value("retry/count")
            self._crawler.stats.inc_value(f"retry/reason_count/{type(error).__name__}")
            raise TryLater(reason_of(error), wait_s=_longer_than(hold_s, policy), hold_host_s=hold_s)

    def _known(self, page: OpenPage) -> _Host:
        return self._hosts.setdefault(page.lease.request.host, _Host())

    def _is_last_try(self, page: OpenPage, request: Request) -> bool:
        return bool(request.meta.get("dont_retry", False)) or page.lease.tries >= self._policies.of(request).times

    def _leave_alone(self, host: str, seconds: float) -> None:
        downloader = our_downloader(self._crawler)
        if downloader is not None and seconds > 0:
            downloader.door.silence(host, seconds)

    def answered(self, request: Request) -> None:
        """A host has answered, whatever it was."""
        self._answers += 1
        downloader = our_downloader(self._crawler)
        known = self._hosts.get(downloader.get_slot_key(request)) if downloader is not None else None
        if known is not None:
            known.failures = 0

    def page_settled(self, page: OpenPage, outcome: str) -> None:
        """A page that was read ends what its host has done before."""
        if outcome == "ok":
            self._hosts.pop(page.lease.request.host, None)


def _longer_than(hold_s: float, policy: Retry) -> float:
    """How long a page waits: longer than its host, so that others are tried first, and this one keeps its tries."""
    return hold_s + max(hold_s, policy.backoff_min_s)


def _silence_s(policy: Retry, times: int) -> float:
    """How long a host is left alone that has been so many times before; as for an answer 429."""
    return min(policy.backoff_max_s, policy.backoff_min_s * 2.0 ** min(times, 30))


def blocks_of(crawler: Crawler) -> Blocks | None:
    """Those of a running crawl; None where somebody has taken the extension out."""
    blocks: Blocks | None = crawler.get_extension(Blocks)
    return blocks
