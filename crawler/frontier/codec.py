"""Requests on the wire: msgpack with a version, never pickle, so that whoever writes to a store cannot run code.

A request is plain values (`crawler.wire` keeps their types): callbacks are names of methods, its class is one of a few
names. Knows neither Scrapy nor who sends.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crawler.frontier.contract import MOST_NEEDED
from crawler.wire import NotEncodable, Undecodable, pack, unpack

__all__ = [
    "MAX_ENCODED_BYTES",
    "NEWEST_READ",
    "OLDEST_READ",
    "VERSION",
    "NotEncodable",
    "Undecodable",
    "WireRequest",
    "decode",
    "encode",
    "needed",
    "url_of",
]

#: What is written. It is raised whenever an older reader could misread that, and one release later than `NEWEST_READ`:
#: while a fleet is upgraded, workers of the release before read what those of this one write.
VERSION: Final = 1

#: What is read: everything that a worker of this release may meet, see docs/decisions/019-two-releases-in-one-queue.md.
OLDEST_READ: Final = 1
NEWEST_READ: Final = 2

#: Of a request with an integer beyond 64 bits. It could not travel at all in version 1, so it is written in this one at
#: once: an older worker parks it.
_LONG_INTEGERS: Final = 2

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
    try:
        encoded = _encoded(request, long_integers=False)
    except NotEncodable:
        encoded = _encoded(msgspec.structs.replace(request, v=max(request.v, _LONG_INTEGERS)), long_integers=True)
    if len(encoded) > MAX_ENCODED_BYTES:
        raise NotEncodable(f"{request.url}: {len(encoded):,} bytes; at most {MAX_ENCODED_BYTES:,}")
    return encoded


def encode_plain(
    *, url: str, headers: list[tuple[bytes, list[bytes]]], meta: dict[str, Any], callback: str, errback: str
) -> bytes:
    """The bytes that `encode` gives for a GET of these values.

    `meta` holds nothing but text, integers that fit 64 bits, booleans, None, and dicts of such.

    Raises:
        NotEncodable: more than `MAX_ENCODED_BYTES`, or text that is no Unicode.
    """
    request = WireRequest(url=url, headers=headers, meta=meta, callback=callback, errback=errback)
    try:
        encoded = msgspec.msgpack.encode(request)
    except UnicodeEncodeError as error:
        raise NotEncodable(f"{url}: {error}") from error
    if len(encoded) > MAX_ENCODED_BYTES:
        raise NotEncodable(f"{url}: {len(encoded):,} bytes; at most {MAX_ENCODED_BYTES:,}")
    return encoded


def _encoded(request: WireRequest, *, long_integers: bool) -> bytes:
    plain = msgspec.structs.replace(
        request,
        cookies=pack(request.cookies, "cookies", long_integers=long_integers),
        meta=pack(request.meta, "meta", long_integers=long_integers),
        cb_kwargs=pack(request.cb_kwargs, "cb_kwargs", long_integers=long_integers),
    )
    try:
        return msgspec.msgpack.encode(plain)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise NotEncodable(f"{request.url}: {error}") from error


class _Versioned(msgspec.Struct, frozen=True, array_like=True):
    v: int


def needed(body: bytes) -> int:
    """What a worker must read to be given these bytes, which none of this release can read.

    That is the version they have, if it is a newer one; otherwise nobody is known who could, which is `MOST_NEEDED`.
    """
    version = _version_of(body)
    return version if version is not None and NEWEST_READ < version < MOST_NEEDED else MOST_NEEDED


def _version_of(encoded: bytes) -> int | None:
    try:
        return msgspec.msgpack.decode(encoded, type=_Versioned).v
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def url_of(body: bytes) -> str:
    """The URL in the bytes of a request; "" if it cannot be read."""
    try:
        return decode(body).url
    except Undecodable:
        return ""


def decode(encoded: bytes) -> WireRequest:
    """The request that `encode` wrote.

    Raises:
        Undecodable: no such request, or one of a version that this release does not read.
    """
    try:
        request = msgspec.msgpack.decode(encoded, type=WireRequest, ext_hook=unpack)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        _check_version(_version_of(encoded))
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    _check_version(request.v)
    return request


def _check_version(version: int | None) -> None:
    if version is not None and not OLDEST_READ <= version <= NEWEST_READ:
        known = f"{OLDEST_READ} to {NEWEST_READ}"
        raise Undecodable(f"version {version} of the wire format; this reader knows {known}")
