"""Requests that are made of what is known to be right: of a URL that Scrapy has escaped before, of finished headers.

Scrapy's `Request` escapes its URL each time (50 us), also one that comes back from the frontier as it went there, and
spells each header anew. Here its private attributes are set directly; `tests/unit/test_lean_requests.py` holds such
requests against Scrapy's own and fails if an upgrade brings another attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.http import Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class LeanRequest(Request):
    """A `Request` like any other, but for the way it is made."""

    __slots__ = ()

    @classmethod
    def of(
        cls,
        url: str,
        *,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None,
        method: str = "GET",
        headers: Iterable[tuple[bytes, list[bytes]]] = (),
        body: bytes = b"",
        meta: dict[str, Any] | None = None,
        cookies: Any = None,
        cb_kwargs: dict[str, Any] | None = None,
        encoding: str = "utf-8",
        priority: int = 0,
        dont_filter: bool = False,
        flags: list[str] | None = None,
    ) -> LeanRequest:
        """A request of these values, which are taken over as they are.

        Args:
            url: as the `url` of a request is.
            callback: of the spider.
            errback: ditto.
            method: in upper case.
            headers: names as Scrapy spells them, with their values.
            body: what is sent.
            meta: belongs to the request from now on.
            cookies: as Scrapy takes them.
            cb_kwargs: as `meta`.
            encoding: of the page that it was found on.
            priority: higher ones first.
            dont_filter: it is another page than those that were asked for before.
            flags: for the log.
        """
        request = cls.__new__(cls)
        request._encoding = encoding
        request.method = method
        request._meta = meta
        request._url = url
        request._body = body
        request.priority = priority
        request.callback = callback
        request.errback = errback
        request._cookies = cookies or None
        request._headers = finished_headers(headers, encoding) if headers else None
        request.dont_filter = dont_filter
        request._cb_kwargs = cb_kwargs or None
        request._flags = flags or None
        return request


def finished_headers(
    headers: Mapping[bytes, list[bytes]] | Iterable[tuple[bytes, list[bytes]]], encoding: str = "utf-8"
) -> Headers:
    """`Headers` of names and values that need no spelling: those of other `Headers`, or written like them."""
    made = Headers.__new__(Headers)  # which has nothing to spell, and no more to make than this
    made.encoding = encoding
    dict.update(made, headers)
    return made
