"""Cookies as Scrapy keeps them, without its hidden download, and found once for all pages of a host.

Scrapy asks `tldextract` whether a cookie's domain is a public suffix, and `tldextract` fetches a list from the internet
the first time: blocking the event loop, past every rule about which addresses may be talked to. The list that comes
with the package is used instead.

Which cookies of a jar go with a request takes Python's library 0.3 ms to find out. Nearly all sites set theirs for all
of their pages: then it is the same for all requests to a host until the jar changes, or a cookie is too old.
"""

from __future__ import annotations

import http.cookiejar
import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from scrapy.downloadermiddlewares import cookies
from scrapy.http.cookies import CookieJar

from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler


class CountingJar(CookieJar):
    """Scrapy's jar; `changes` tells one state of it from another."""

    def __init__(self, policy: http.cookiejar.CookiePolicy | None = None, check_expired_frequency: int = 10000) -> None:
        super().__init__(policy, check_expired_frequency)
        lock = self.jar._cookies_lock  # type: ignore[attr-defined]  # noqa: SLF001 - Scrapy's, which locks nothing
        self.jar = _CountingLibraryJar(self.policy)
        self.jar._cookies_lock = lock  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    @property
    def changes(self) -> int:
        """How often a cookie was set or taken out."""
        changes: int = self.jar.changes  # type: ignore[attr-defined]
        return changes


class _CountingLibraryJar(http.cookiejar.CookieJar):
    changes = 0

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        self.changes += 1
        super().set_cookie(cookie)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        self.changes += 1
        super().clear(domain, path, name)


class _Found(NamedTuple):
    """What the requests to one origin are sent with.

    Attributes:
        changes: of the jar, when it was found.
        until: seconds since 1970, when the first cookie is too old.
        values: of the header; None: there is none.
    """

    changes: int
    until: float
    values: list[bytes] | None


class CookiesMiddleware(cookies.CookiesMiddleware):
    """See the module."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - as Scrapy has it
        super().__init__(debug)
        self.jars = defaultdict(CountingJar)
        self._found: dict[tuple[Any, str, str], _Found] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Switches the download off for this process."""
        cookies._split_domain.suffix_list_urls = ()  # noqa: SLF001 - Scrapy makes it when it is imported
        return super().from_crawler(crawler)

    def process_request(self, request: Request, spider: Any = None) -> None:
        """Puts the cookies of the request's jar into its header."""
        _ = spider
        jar = self.jars.get(request.meta.get("cookiejar"))
        if (
            self.debug
            or request.cookies
            or not isinstance(jar, CountingJar)
            or request.meta.get("dont_merge_cookies", False)
        ):
            super().process_request(request)
            return
        origin = url_origin(request.url)
        key = (request.meta.get("cookiejar"), origin.scheme, origin.host)
        found = self._found.get(key)
        if found is None or found.changes != jar.changes or time.time() >= found.until:
            super().process_request(request)
            self._remember(key, jar, request)
            return
        headers = request.headers
        dict.pop(headers, b"Cookie", None)
        if found.values is not None:
            dict.__setitem__(headers, b"Cookie", list(found.values))

    def _remember(self, key: tuple[Any, str, str], jar: CountingJar, request: Request) -> None:
        """Keeps what was found, if it is the same for all paths."""
        self._found.pop(key, None)
        if any(cookie.path != "/" or cookie.port is not None for cookie in jar):
            return
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        until = min((cookie.expires for cookie in jar if cookie.expires is not None), default=math.inf)
        values = dict.get(request.headers, b"Cookie")
        self._found[key] = _Found(jar.changes, until, values and list(values))


#: So many origins are remembered.
_MOST_FOUND = 4096
