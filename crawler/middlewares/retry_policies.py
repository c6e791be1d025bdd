"""Which retry policy a request has: what its spider says of its page, else the settings'; the operator's word wins.

`retry_policy` knows what a policy means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from scrapy.settings import SETTINGS_PRIORITIES

from crawler.recipe.model import Retry

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.middlewares.open_pages import OpenPage


class RetryPolicies:
    """Those of one crawl."""

    def __init__(self, crawler: Crawler) -> None:
        """Reads the policy of pages that have none of their own."""
        settings = crawler.settings
        self._crawler = crawler
        self._policy = Retry(
            times=settings.getint("RETRY_TIMES"),
            statuses=frozenset(int(status) for status in settings.getlist("RETRY_HTTP_CODES")),
            backoff_min_s=settings.getfloat("RETRY_BACKOFF_MIN"),
            backoff_max_s=settings.getfloat("RETRY_BACKOFF_MAX"),
        )
        self._said_by_operator = (settings.getpriority("RETRY_TIMES") or 0) >= SETTINGS_PRIORITIES["cmdline"]

    def of(self, request: Request) -> Retry:
        """The policy of a request."""
        own = getattr(self._crawler.spider, "retry_policy", None)
        policy = (own(request) if callable(own) else None) or self._policy
        times = request.meta.get("max_retry_times")
        if isinstance(times, int):
            return replace(policy, times=times)
        # `-s RETRY_TIMES=0` is the operator's word, and wins over the recipe's.
        return replace(policy, times=self._policy.times) if self._said_by_operator else policy

    def may_retry(self, status: int) -> bool:
        """Whether any page may be tried again because of a status."""
        recipe = getattr(self._crawler.spider, "recipe", None)
        own = [] if recipe is None else [recipe.fetch.retry, *(page.fetch.retry for page in recipe.pages.values())]
        return any(status in policy.statuses for policy in (self._policy, *own))


def tries_of(page: OpenPage | None, request: Request) -> int:
    """How often a request has failed before; `page` is None for one that is no page."""
    tries: int = page.lease.tries if page is not None else request.meta.get("retry_times", 0)
    return tries


def retry_after_of(response: Response) -> str | None:
    """The value of a response's `Retry-After` header."""
    value = response.headers.get("Retry-After")
    return value.decode("latin-1") if value else None
