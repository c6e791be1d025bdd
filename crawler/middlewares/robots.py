"""robots.txt: Scrapy's middleware, with a page's refusal told apart from other filters, and RFC 9309 on errors.

Crawl-delay is applied by `crawler.extensions.politeness`, which listens to the signal that this middleware sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser

from crawler.middlewares.open_pages import RobotsForbidden

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class Unreadable(RobotParser):
    """robots.txt answered with a server error: until it can be read, nothing may be fetched (RFC 9309, 2.3.1.4)."""

    def __init__(self, status: int) -> None:
        self.status = status

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> Self:
        """Never: there is no body to read rules from."""
        _ = crawler, robotstxt_body
        raise AssertionError("made by the middleware, for a site whose robots.txt cannot be read")

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        """Nothing."""
        _ = url, user_agent
        return False


class RobotsTxtMiddleware(ScrapyRobotsTxtMiddleware):
    """See the module."""

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Refuses what is not allowed.

        Raises:
            RobotsForbidden: by a rule, or because the rules cannot be read.
        """
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            if isinstance(rp, Unreadable):
                raise RobotsForbidden(
                    f"robots.txt answered {rp.status}; nothing is allowed until it answers"
                ) from error
            raise RobotsForbidden("forbidden by robots.txt") from error

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status < 500:
            if response.status >= 400:
                response = response.replace(body=b"")  # an error page is no set of rules
            await super()._parse_robots(response, netloc, request)
            return
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        waiting, rules = self._parsers[netloc], Unreadable(response.status)
        self._parsers[netloc] = rules
        # Until its rules are known, Scrapy keeps a Deferred here for those who wait for them.
        waiting.callback(rules)  # type: ignore[union-attr]
