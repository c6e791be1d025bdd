"""Looks at each answer, before anything reads it, for signs that it keeps crawlers out in place of the page.

What the signs are is `blocked_signs`' business, what follows from one that of `crawler.extensions.blocks`. Behind the
middleware that unpacks bodies, and before those that follow a refresh or try an error again: a challenge has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawler.extensions.blocks import blocks_of
from crawler.middlewares.blocked_signs import SIGN_HEADERS, challenge_sign, has_login_form, is_nothing
from crawler.middlewares.open_pages import Redirected

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.extensions.blocks import Blocks


class BlockedMiddleware:
    """See the module."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The middleware of a crawl.

        Raises:
            NotConfigured: somebody has taken the extension out that knows what to do.
        """
        blocks = blocks_of(crawler)
        if blocks is None:
            raise NotConfigured
        return cls(blocks)

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Response:
        """Lets pages through.

        Raises:
            TryLater: it is none; the page comes back.
            Blocked: ditto, after its last try.
            Redirected: the address at which people log in asks nobody to: it is a page like others.
        """
        _ = spider
        page = self._blocks.page_of(request)
        if page is None:
            return response
        kind, body = _value(response, b"Content-Type"), response.body
        headers = {SIGN_HEADERS[spelt]: _value(response, spelt) for spelt in SIGN_HEADERS.keys() & response.headers}
        sign = challenge_sign(response.status, headers, body if not kind or "html" in kind.lower() else b"")
        if sign:
            self._blocks.refused(page, request, sign)
        if response.status >= 400 and (sign := self._blocks.said_of(request, response)):
            self._blocks.refused(page, request, sign)
        if page.at_login and has_login_form(body):
            self._blocks.refused(page, request, f"login wall ({response.url})", may_be_this_page_only=True)
        if page.at_login:
            raise Redirected(request, f"to {request.url}")
        if request.method == "GET" and is_nothing(response.status, kind, body) and self._blocks.gives_rows(request):
            self._blocks.refused(page, request, "an empty page with status 200")
        return response

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> None:
        """Notes failures of the network.

        Raises:
            TryLater: there are too many in a row; the page comes back.
            Blocked: ditto, after its last try.
        """
        _ = spider
        page = self._blocks.page_of(request)
        if page is not None:
            self._blocks.failed(page, request, exception)


def _value(response: Response, name: bytes) -> str:
    """Of a header; its name as Scrapy spells it, or else that would have to be done again here."""
    values = dict.get(response.headers, name)
    return values[-1].decode("latin-1") if values else ""
