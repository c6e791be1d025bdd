"""Failed tries: back to the frontier for later, with the host on hold there if the site asks for silence.

A page that waits for its next try holds no download slot: it lies in the frontier. Requests that are no page
(robots.txt, images, `engine.download_async`) have nowhere to lie, so they wait here. When is the policy's decision.
That a host is left alone meanwhile is not seen to here but at the door: answers after which nothing is tried again
count, too.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from scrapy.downloadermiddlewares.retry import RetryMiddleware as ScrapyRetryMiddleware
from scrapy.settings import BaseSettings
from scrapy.utils.response import response_status_message

from crawler.middlewares.open_pages import TryLater
from crawler.middlewares.retry_policies import RetryPolicies, retry_after_of, tries_of
from crawler.middlewares.retry_policy import Decision, decide, reason_of
from crawler.scheduler import open_page

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

#: Takes a quarter of a second to load.
_SCRAPYS_CLIENT: Final = "scrapy.core.downloader.handlers.http11"

#: A request that is no page waits at most this long for its next try.
_MAX_WAIT_IN_PLACE_S = 60.0


class RetryMiddleware(ScrapyRetryMiddleware):
    """Scrapy's settings and `meta` keys (`dont_retry`, `max_retry_times`), our waiting."""

    policies: RetryPolicies

    def __init__(self, settings: BaseSettings) -> None:
        """Loads what RETRY_EXCEPTIONS names, but no client of Scrapy's for an exception that only that client raises.

        Handlers are made before middlewares: where it is used, it has been loaded.
        """
        if _SCRAPYS_CLIENT not in sys.modules:
            unused = f"{_SCRAPYS_CLIENT}.TunnelError"
            named = [each for each in settings.getlist("RETRY_EXCEPTIONS") if each != unused]
            settings = BaseSettings({**settings, "RETRY_EXCEPTIONS": named})
        super().__init__(settings)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """See `RetryPolicies`."""
        middleware = super().from_crawler(crawler)
        middleware.policies = RetryPolicies(crawler)
        return middleware

    # Scrapy awaits what a middleware returns; only the signature of its own class is synchronous.
    async def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:  # type: ignore[override]
        """Ends the try here if its status is one that passes."""
        _ = spider
        decision = self._decision(
            request,
            reason=response_status_message(response.status),
            status=response.status,
            retry_after=retry_after_of(response),
        )
        return await self._apply(decision, request) or response

    # As above.
    async def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Request | None:  # type: ignore[override]
        """Ends the try here if the failure is one of the network."""
        _ = spider
        if not isinstance(exception, self.exceptions_to_retry):
            return None
        return await self._apply(self._decision(request, reason=reason_of(exception)), request)

    def _decision(
        self, request: Request, *, reason: str, status: int | None = None, retry_after: str | None = None
    ) -> Decision | None:
        if request.meta.get("dont_retry", False):
            return None
        page = open_page(self.crawler, request)
        return decide(
            self.policies.of(request),
            tries=tries_of(page, request),
            reason=reason,
            status=status,
            retry_after=retry_after,
            now=datetime.now(UTC),
            jitter=random.random(),  # noqa: S311 - spreads waits, keeps no secret
        )

    async def _apply(self, decision: Decision | None, request: Request) -> Request | None:
        """Does what was decided.

        Raises:
            TryLater: the page goes back to the frontier.
        """
        if decision is None:
            return None
        page = open_page(self.crawler, request)
        stats = self.crawler.stats
        if not decision.again:
            stats.inc_value("retry/max_reached")
            logger.warning("Gave up on %s: %s", request, decision.reason)
            if page is not None:
                page.gave_up = decision.reason
            return None
        stats.inc_value("retry/count")
        stats.inc_value(f"retry/reason_count/{decision.reason.partition(':')[0]}")
        logger.debug("%s failed (%s); again in %.1f s", request, decision.reason, decision.wait_s)
        if page is not None:
            raise TryLater(decision.reason, wait_s=decision.wait_s, hold_host_s=decision.hold_host_s)
        if decision.wait_s > _MAX_WAIT_IN_PLACE_S:
            return None
        await asyncio.sleep(decision.wait_s)
        again: Request = request.replace(dont_filter=True)
        again.meta["retry_times"] = request.meta.get("retry_times", 0) + 1
        return again
