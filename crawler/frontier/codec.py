"""Requests on the wire: msgpack with a version, never pickle, so that whoever writes to a store cannot run code.

A request is plain values: callbacks are names of methods, its class is one of a few names. Values that msgpack would
change silently (tuples, decimals, sets, dates) travel as typed extensions; anything else is refused with its path.
Knows neither Scrapy nor who sends.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: Longer requests are refused: they belong in a store of their own, not in every queue.
MAX_ENCODED_BYTES: Final = 256 * 1024

_MAX_DEPTH: Final = 32


class NotEncodable(ValueError):
    """A request holds something that cannot travel; the message says where and what."""


class Undecodable(ValueError):
    """Bytes that are no request of a version that is known here."""


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


_TUPLE, _DECIMAL, _SET, _FROZENSET, _DATETIME, _DATE = range(1, 7)


def encode(request: WireRequest) -> bytes:
    """The bytes of a request.

    Raises:
        NotEncodable: a value that is no plain data, or more than `MAX_ENCODED_BYTES`.
    """
    plain = msgspec.structs.replace(
        request,
        cookies=_packed(request.cookies, "cookies"),
        meta=_packed(request.meta, "meta"),
        cb_kwargs=_packed(request.cb_kwargs, "cb_kwargs"),
    )
    try:
        encoded = msgspec.msgpack.encode(plain)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise NotEncodable(f"{request.url}: {error}") from error
    if len(encoded) > MAX_ENCODED_BYTES:
        raise NotEncodable(f"{request.url}: {len(encoded):,} bytes; at most {MAX_ENCODED_BYTES:,}")
    return encoded


def decode(encoded: bytes) -> WireRequest:
    """The request that `encode` wrote.

    Raises:
        Undecodable: no such request, or one of another version.
    """
    try:
        request = msgspec.msgpack.decode(encoded, type=WireRequest, ext_hook=_unpacked)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    if request.v != VERSION:
        raise Undecodable(f"version {request.v} of the wire format; this reader knows {VERSION}")
    return request


def _packed(value: Any, path: str, depth: int = 0) -> Any:
    """The value with every type that msgpack would lose turned into an extension."""
    if depth > _MAX_DEPTH:
        raise NotEncodable(f"{path}: nested deeper than {_MAX_DEPTH}")
    kind = type(value)
    if value is None or kind in (bool, float, str, bytes, int):
        return value
    if kind is dict:
        return {_key(key, path): _packed(member, f"{path}.{key}", depth + 1) for key, member in value.items()}
    if kind is list:
        return [_packed(member, f"{path}[{index}]", depth + 1) for index, member in enumerate(value)]
    packer = _PACKERS.get(kind)
    if packer is None:
        raise NotEncodable(f"{path}: {kind.__name__} is no plain value")
    code, plain = packer
    content = _packed(plain(value), path, depth + 1)
    return msgspec.msgpack.Ext(code, msgspec.msgpack.encode(content))


def _key(key: Any, path: str) -> str:
    if type(key) is not str:
        raise NotEncodable(f"{path}: key {key!r} is no text")
    return key


_PACKERS: Final[dict[type, tuple[int, Callable[[Any], Any]]]] = {
    tuple: (_TUPLE, list),
    Decimal: (_DECIMAL, str),
    set: (_SET, list),
    frozenset: (_FROZENSET, list),
    dt.datetime: (_DATETIME, dt.datetime.isoformat),
    dt.date: (_DATE, dt.date.isoformat),
}

_UNPACKERS: Final[dict[int, Callable[[Any], Any]]] = {
    _TUPLE: tuple,
    _DECIMAL: Decimal,
    _SET: set,
    _FROZENSET: frozenset,
    _DATETIME: dt.datetime.fromisoformat,
    _DATE: dt.date.fromisoformat,
}


def _unpacked(code: int, data: memoryview) -> Any:
    unpacker = _UNPACKERS.get(code)
    if unpacker is None:
        raise ValueError(f"unknown extension {code}")
    return unpacker(msgspec.msgpack.decode(data, ext_hook=_unpacked))
