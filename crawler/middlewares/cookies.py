"""Cookies as Scrapy keeps them, without its hidden download, and found once for all pages of a host.

Scrapy asks `tldextract` whether a cookie's domain is a public suffix, and `tldextract` fetches a list from the internet
the first time: blocking the event loop, past every rule about which addresses may be talked to. The list that comes
with the package is used instead, and not read (20 ms) where all cookies are for the very host that sets them.

Which cookies of a jar go with a request takes Python's library 0.3 ms to find out. Nearly all sites set theirs for all
of their pages: then it is the same for all requests to a host until the jar changes, or a cookie is too old.
"""

from __future__ import annotations

import http.cookiejar
import math
import time
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from scrapy.downloadermiddlewares import cookies
from scrapy.http.cookies import CookieJar, potential_domain_matches
from scrapy.utils.httpobj import urlparse_cached

from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler


class CountingJar(CookieJar):
    """Scrapy's jar, which can tell one state of a domain's cookies from another."""

    def __init__(self, policy: http.cookiejar.CookiePolicy | None = None, check_expired_frequency: int = 10000) -> None:
        super().__init__(policy, check_expired_frequency)
        lock = self.jar._cookies_lock  # type: ignore[attr-defined]  # noqa: SLF001 - Scrapy's, which locks nothing
        self._counting = _CountingLibraryJar(self.policy)
        self._counting._cookies_lock = lock  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        self.jar = self._counting

    def state(self, domains: tuple[str, ...]) -> tuple[int, ...]:
        """Another one whenever a cookie of these domains was set or taken out."""
        changes = self._counting.changes
        return (self._counting.clearings, *[changes.get(domain, 0) for domain in domains])

    def of(self, domains: tuple[str, ...]) -> Iterator[http.cookiejar.Cookie]:
        """The cookies of these domains."""
        for domain in domains:
            for cookies_of_path in self._cookies.get(domain, {}).values():
                yield from cookies_of_path.values()


class _CountingLibraryJar(http.cookiejar.CookieJar):
    """Attributes: changes: by domain. clearings: of everything."""

    def __init__(self, policy: http.cookiejar.CookiePolicy) -> None:
        super().__init__(policy)
        self.changes: dict[str, int] = {}
        self.clearings = 0

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        self.changes[cookie.domain] = self.changes.get(cookie.domain, 0) + 1
        super().set_cookie(cookie)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        if domain is None:
            self.clearings += 1
        else:
            self.changes[domain] = self.changes.get(domain, 0) + 1
        super().clear(domain, path, name)


class _Found(NamedTuple):
    """What the requests to one origin are sent with.

    Attributes:
        jar: in which it was found.
        domains: whose cookies may go with them.
        state: of those in the jar, then.
        until: seconds since 1970, when the first cookie is too old.
        values: of the header; None: there is none.
    """

    jar: CountingJar
    domains: tuple[str, ...]
    state: tuple[int, ...]
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
        if (
            found is None
            or found.jar is not jar
            or found.state != jar.state(found.domains)
            or time.time() >= found.until
        ):
            super().process_request(request)
            self._remember(key, jar, request)
            return
        headers = request.headers
        dict.pop(headers, b"Cookie", None)
        if found.values is not None:
            dict.__setitem__(headers, b"Cookie", list(found.values))

    def _process_cookies(self, cookies: Iterable[http.cookiejar.Cookie], *, jar: CookieJar, request: Request) -> None:
        """As Scrapy does, which takes a cookie that is for the request's own host, whatever kind of name that has."""
        host = (urlparse_cached(request).hostname or "").lower()
        for cookie in cookies:
            if host and cookie.domain == host:
                jar.set_cookie_if_ok(cookie, request)
            else:
                super()._process_cookies([cookie], jar=jar, request=request)

    def _remember(self, key: tuple[Any, str, str], jar: CountingJar, request: Request) -> None:
        """Keeps what was found, if it is the same for all paths."""
        self._found.pop(key, None)
        domains, now = _domains(key[2]), time.time()
        # Those that are too old are not sent, and stay in the jar until it is tidied up.
        alive = [cookie for cookie in jar.of(domains) if cookie.expires is None or cookie.expires > now]
        if any(cookie.path != "/" or cookie.port is not None for cookie in alive):
            return
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        until = min((cookie.expires for cookie in alive if cookie.expires is not None), default=math.inf)
        values = dict.get(request.headers, b"Cookie")
        self._found[key] = _Found(jar, domains, jar.state(domains), until, values and list(values))


@lru_cache(maxsize=4096)
def _domains(host: str) -> tuple[str, ...]:
    """Domains whose cookies may go to a host, as Scrapy's jar looks for them; those of addresses are among them."""
    names = potential_domain_matches(host)
    if "." not in host:
        names = names + potential_domain_matches(f"{host}.local")
    return tuple(dict.fromkeys(names))


#: So many origins are remembered.
_MOST_FOUND = 4096
