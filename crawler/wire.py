"""Plain values on the wire: msgpack that keeps their types, never pickle, so whoever writes to a store cannot run code.

What msgpack would change silently (tuples, decimals, sets, dates) travels as typed extensions; what is no plain value
is refused with its path. Requests, rows and jobs are written with it. Knows none of them, and no store.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

#: Deeper values are refused: a reader of them, of any language, could run out of stack.
MAX_DEPTH: Final = 32


class NotEncodable(CrawleryError, ValueError):
    """A value cannot travel; the message says where it is and what it is."""


class Undecodable(CrawleryError, ValueError):
    """Bytes that are not what they should be, or of a version that is not known here; the message shows them."""


_TUPLE, _DECIMAL, _SET, _FROZENSET, _DATETIME, _DATE, _LONG = range(1, 8)

#: The integers that msgpack itself has.
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def pack(value: Any, path: str, *, long_integers: bool = False) -> Any:
    """The value with every type that msgpack would lose turned into an extension; for `msgspec.msgpack.encode`.

    Args:
        value: None, a bool, number, text, bytes, decimal, date or datetime, or a list, tuple, set, frozenset or dict
            of such; the keys of a dict are text.
        path: what a message calls the value: `meta`, and then `meta.page[3]` for what is inside.
        long_integers: integers beyond 64 bits travel too, as an extension that older readers do not know: what is
            written so needs a version of its own.

    Raises:
        NotEncodable: it holds something else (subclasses of these types too, but for lxml's text), or is nested too
            deep. Text that is no Unicode and integers too long are found here only inside an extension, otherwise by
            the encoder.
    """
    return _packed(value, path, 0, long=long_integers)


def unpack(code: int, data: memoryview) -> Any:
    """The value of one extension: the `ext_hook` of `msgspec.msgpack.decode`.

    Raises:
        Undecodable: an extension that `pack` does not write.
    """
    unpacker = _UNPACKERS.get(code)
    if unpacker is None:
        raise Undecodable(f"unknown extension {code}")
    try:
        return unpacker(msgspec.msgpack.decode(data, ext_hook=unpack))
    except Undecodable:  # from an extension inside this one: said already
        raise
    except (msgspec.DecodeError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise Undecodable(f"extension {code} with {bytes(data[:40])!r}: {error}") from error


def encode_record(record: Any, *, version: int) -> bytes:
    """The bytes of a record that a store keeps: msgpack, its version first; the same bytes for the same record."""
    return msgspec.msgpack.encode((version, record), order="deterministic")


def decode_record(encoded: bytes, kind: type[_T], *, version: int) -> _T:
    """The record that `encode_record` wrote.

    Raises:
        Undecodable: no such record, or one of another version.
    """
    try:
        found, content = msgspec.msgpack.decode(encoded, type=tuple[int, msgspec.Raw])
        if found == version:
            return msgspec.msgpack.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    raise Undecodable(f"{encoded[:40]!r}...: version {found} of the format; this reader knows {version}")


def _packed(value: Any, path: str, depth: int, *, long: bool) -> Any:
    if depth > MAX_DEPTH:
        raise NotEncodable(f"{path}: nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if long and kind is int and not _SMALLEST <= value <= _LARGEST:
        return msgspec.msgpack.Ext(_LONG, msgspec.msgpack.encode(_bytes_of(value)))
    if value is None or kind in (bool, float, str, bytes, int):
        return value
    if kind is dict:
        return {
            _key(key, path): _packed(member, f"{path}.{key}", depth + 1, long=long) for key, member in value.items()
        }
    if kind is list:
        return [_packed(member, f"{path}[{index}]", depth + 1, long=long) for index, member in enumerate(value)]
    packer = _PACKERS.get(kind)
    if packer is None and isinstance(value, str) and kind.__module__ == "lxml.etree":
        return str(value)  # text that remembers its element, as links have it: only what it says is meant
    if packer is None:
        raise NotEncodable(f"{path}: {kind.__name__} is no plain value")
    code, plain = packer
    content = _packed(plain(value), path, depth, long=long)
    try:
        return msgspec.msgpack.Ext(code, msgspec.msgpack.encode(content))
    except (UnicodeEncodeError, OverflowError) as error:
        raise NotEncodable(f"{path}: {error}") from error


def _key(key: Any, path: str) -> str:
    if type(key) is not str:
        raise NotEncodable(f"{path}: key {key!r} is no text")
    return key


def _bytes_of(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _integer_of(written: bytes) -> int:
    return int.from_bytes(written, "big", signed=True)


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
    _LONG: _integer_of,
}
