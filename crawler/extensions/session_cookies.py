"""Cookies of sessions: in jars of their own, one for each version, so that an old session cannot spoil the new one.

The jars are those of the cookie middleware, which picks one by `meta["cookiejar"]`; each worker's copy goes on with
what the site sets there. Knows nothing of logins.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import itertools
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import LoginFailed
from crawler.middlewares.cookies import CookiesMiddleware

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from scrapy import Request
    from scrapy.crawler import Crawler

_JAR: Final = "session"

#: Versions whose jars are kept: pages of the one before are under way.
_JARS: Final = 2

#: A login that sets more, or longer, cookies sends no login.
_MAX_COOKIES: Final = 300
_MAX_BYTES: Final = 256 * 1024


class Cookie(msgspec.Struct, frozen=True):
    """One cookie on the wire; `expires` in seconds since 1970."""

    name: str
    value: str
    domain: str
    path: str = "/"
    secure: bool = False
    expires: int | None = None


class SessionCookies:
    """The jars of one crawl."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._numbers = itertools.count(1)
        self._versions: list[int] = []

    def enter(self, request: Request, version: int) -> None:
        """The request is sent with the cookies of that session."""
        request.meta["cookiejar"] = f"{_JAR}:{version}"

    def leave(self, request: Request) -> None:
        """The request is not sent with the cookies of any session; one that was copied from another may be."""
        if str(request.meta.get("cookiejar", "")).startswith(f"{_JAR}:"):
            del request.meta["cookiejar"]

    @contextlib.contextmanager
    def login(self) -> Iterator[str]:
        """The name of a new jar, which is gone afterwards.

        Raises:
            LoginFailed: cookies are switched off.
        """
        jar = f"{_JAR}:login:{next(self._numbers)}"
        jars = self._middleware().jars
        try:
            yield jar
        finally:
            jars.pop(jar, None)

    def of(self, jar: str) -> tuple[Cookie, ...]:
        """The cookies in a jar.

        Raises:
            LoginFailed: there are more than any login sets.
        """
        cookies = tuple(
            Cookie(
                name=cookie.name,
                value=cookie.value or "",
                domain=cookie.domain,
                path=cookie.path,
                secure=cookie.secure,
                expires=None if cookie.expires is None else int(cookie.expires),
            )
            for cookie in self._middleware().jars[jar]
        )
        if len(cookies) > _MAX_COOKIES or sum(len(one.name) + len(one.value) for one in cookies) > _MAX_BYTES:
            raise LoginFailed("the site has set more cookies than any login needs")
        return cookies

    def fill(self, version: int, cookies: Iterable[Cookie]) -> None:
        """Makes the jar of a session."""
        jars = self._middleware().jars
        jar = jars[f"{_JAR}:{version}"]
        for cookie in cookies:
            jar.set_cookie(_of_the_library(cookie))
        self._versions.append(version)
        for old in self._versions[:-_JARS]:
            jars.pop(f"{_JAR}:{old}", None)
        self._versions = self._versions[-_JARS:]

    def written(self, text: str, hosts: Collection[str]) -> tuple[Cookie, ...]:
        """The cookies that are written as in the header `Cookie`, for these hosts (see `RecipeSpider.session_hosts`).

        Raises:
            LoginFailed: it is none.
        """
        parts = [part.strip().partition("=") for part in text.split(";") if part.strip()]
        if not parts or not all(name and is_one for name, is_one, _ in parts):
            raise LoginFailed("the secret is no list of cookies, name=value; name=value")
        secure = all(host.startswith("https:") for host in hosts)
        domains = dict.fromkeys(host.rpartition("//")[2] for host in hosts)
        return tuple(
            Cookie(name=name.strip(), value=value.strip(), domain=domain, secure=secure)
            for domain in domains
            for name, _, value in parts
        )

    def _middleware(self) -> CookiesMiddleware:
        middleware: CookiesMiddleware | None = self._crawler.get_downloader_middleware(CookiesMiddleware)
        if middleware is None:
            raise LoginFailed("cookies are switched off (COOKIES_ENABLED), and there is no session without them")
        return middleware


def _of_the_library(cookie: Cookie) -> http.cookiejar.Cookie:
    domain = cookie.domain if "." in cookie.domain else f"{cookie.domain}.local"  # as the library calls it
    return http.cookiejar.Cookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain.startswith("."),
        domain_initial_dot=domain.startswith("."),
        path=cookie.path,
        path_specified=True,
        secure=cookie.secure,
        expires=cookie.expires,
        discard=cookie.expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )
