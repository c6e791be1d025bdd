"""Requests on the wire: msgpack with a version, never pickle, so that whoever writes to a store cannot run code.

A request is plain values (`crawler.wire` keeps their types): callbacks are names of methods, its class is one of a few
names. Knows neither Scrapy nor who sends.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crawler.wire import NotEncodable, Undecodable, pack, unpack

__all__ = ["MAX_ENCODED_BYTES", "VERSION", "NotEncodable", "Undecodable", "WireRequest", "decode", "encode", "url_of"]

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: Longer requests are refused: they belong in a store of their own, not in every queue.
MAX_ENCODED_BYTES: Final = 256 * 1024


class WireRequest(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A request as plain values."""

    v: int = VERSION
    kind: str = "Request"  # name of its class, from an allow-list
    url: str = ""
    method: str = "GET"
    headers: list[tuple[bytes, list[bytes]]] = []
    body: bytes = b""
    cookies: Any = None
    meta: dict[str, Any] = {}
    cb_kwargs: dict[str, Any] = {}
    callback: str | None = None
    errback: str | None = None
    encoding: str = "utf-8"
    priority: int = 0
    dont_filter: bool = False
    flags: list[str] = []


def encode(request: WireRequest) -> bytes:
    """The bytes of a request.

    Raises:
        NotEncodable: a value that is no plain data, or more than `MAX_ENCODED_BYTES`.
    """
    plain = msgspec.structs.replace(
        request,
        cookies=pack(request.cookies, "cookies"),
        meta=pack(request.meta, "meta"),
        cb_kwargs=pack(request.cb_kwargs, "cb_kwargs"),
    )
    try:
        encoded = msgspec.msgpack.encode(plain)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise NotEncodable(f"{request.url}: {error}") from error
    if len(encoded) > MAX_ENCODED_BYTES:
        raise NotEncodable(f"{request.url}: {len(encoded):,} bytes; at most {MAX_ENCODED_BYTES:,}")
    return encoded


def url_of(body: bytes) -> str:
    """The URL in the bytes of a request; "" if it cannot be read."""
    try:
        return decode(body).url
    except Undecodable:
        return ""


def decode(encoded: bytes) -> WireRequest:
    """The request that `encode` wrote.

    Raises:
        Undecodable: no such request, or one of another version.
    """
    try:
        request = msgspec.msgpack.decode(encoded, type=WireRequest, ext_hook=unpack)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    if request.v != VERSION:
        raise Undecodable(f"version {request.v} of the wire format; this reader knows {VERSION}")
    return request
