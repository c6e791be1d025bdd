"""Sends pages of a recipe as somebody who is logged in, and sees when nobody is any more.

Nearer to the site than redirects: an answer that leads to the login is no redirect but the end of a session. What
follows from that is `crawler.extensions.sessions`' business. Requests that are no pages (robots.txt, the login itself)
pass as they are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from scrapy.exceptions import NotConfigured

from crawler.extensions.sessions import sessions_of
from crawler.scheduler import open_page

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.extensions.sessions import Sessions

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class SessionMiddleware:
    """See the module."""

    def __init__(self, crawler: Crawler, sessions: Sessions) -> None:
        self._crawler = crawler
        self._sessions = sessions

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The middleware of a crawl.

        Raises:
            NotConfigured: its spider is no recipe with a session.
        """
        sessions = sessions_of(crawler)
        if sessions is None:
            raise NotConfigured
        return cls(crawler, sessions)

    async def process_request(self, request: Request, spider: Any = None) -> None:
        """Waits until somebody is logged in.

        Raises:
            SentBack: nobody can be.
            Stopped: the crawl ends before.
        """
        _ = spider
        page = open_page(self._crawler, request)
        if page is None:
            return
        page.session = await self._sessions.show(request)

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Response:
        """Lets pages through.

        Raises:
            TryLater: it is of nobody who is logged in; the page comes back.
            SentBack: ditto, and that nobody can be.
            Blocked: ditto, after its last try.
        """
        _ = spider
        page = open_page(self._crawler, request)
        if page is None or not page.session:
            return response
        self._sessions.hide(request)
        page.sent_s = time.monotonic() - float(request.meta.get("download_latency") or 0.0)
        if response.status == 401:
            raise self._sessions.invalid(page, request, "status 401")
        if response.status in _REDIRECTS:
            target = urljoin(request.url, (response.headers.get("Location") or b"").decode("latin-1"))
            if self._sessions.is_login(target):
                raise self._sessions.invalid(page, request, f"redirected to the login {target}")
        return response

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> None:
        """Takes back what it has shown."""
        _ = exception, spider
        page = open_page(self._crawler, request)
        if page is not None and page.session:
            self._sessions.hide(request)
