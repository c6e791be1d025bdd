"""Rows on the wire: what a page gave, as the frontier keeps it and as exports read it.

A row is a mapping of field names to plain values; their order is kept. Values that msgpack would lose (decimals, dates,
tuples) keep their type. What a row means is its recipe's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.wire import NotEncodable, Undecodable, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: What stands where the type of a row does, of a note on the page instead: what the next run of an incremental recipe
#: will want to know of it. A note is committed with the rows of its page and lies behind them, and it is no row: nobody
#: counts it, and only who composes files looks at it. No item can be called so.
NOTE: Final = "-page"

#: Longer rows are refused; a page's body or a file belongs in an object store.
MAX_ROW_BYTES: Final = 1024 * 1024

#: Subclasses of these (a text that remembers its origin, a member of an enumeration) travel as what they stand for.
_PLAIN: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)


class _WireRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    v: int = VERSION
    values: dict[str, Any] = {}


def encode_row(values: Mapping[str, Any]) -> bytes:
    """The bytes of a row.

    Raises:
        NotEncodable: names the field that holds something else than plain values, or says that it is all too long.
    """
    encoded = _quickly(values)
    if encoded is None:
        encoded = msgspec.msgpack.encode(_WireRow(values=dict(_field(name, value) for name, value in values.items())))
    if len(encoded) > MAX_ROW_BYTES:
        longest = max(values, key=lambda name: len(msgspec.msgpack.encode(_field(name, values[name])[1])))
        raise NotEncodable(f"{len(encoded):,} bytes, most of them in {longest}; at most {MAX_ROW_BYTES:,} are kept")
    return encoded


def decode_row(encoded: bytes) -> dict[str, Any]:
    """The values that `encode_row` wrote, in the same order.

    Raises:
        Undecodable: no row, or one of another version.
    """
    try:
        row = msgspec.msgpack.decode(encoded, type=_WireRow, ext_hook=unpack)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    if row.v != VERSION:
        raise Undecodable(f"version {row.v} of the wire format of rows; this reader knows {VERSION}")
    return row.values


def _quickly(values: Mapping[str, Any]) -> bytes | None:
    """The bytes of a row that is plain through and through; None for any other, which deserves a closer look."""
    if not {type(name) for name in values} <= {str}:
        return None
    try:
        return msgspec.msgpack.encode(_WireRow(values={name: pack(value, name) for name, value in values.items()}))
    except (NotEncodable, UnicodeEncodeError, OverflowError):
        return None


def _field(name: Any, value: Any) -> tuple[str, Any]:
    """One field, with care: the value as plain data, or an error that names the field."""
    if not isinstance(name, str):
        raise NotEncodable(f"field {name!r}: its name is no text")
    name = str.__str__(name)
    packed = pack(_plain(value), name)
    try:
        msgspec.msgpack.encode((name, packed))
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise NotEncodable(f"{name}: {error}") from error
    return name, packed


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    for kind, plain in _PLAIN:
        if isinstance(value, kind):
            return plain(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(member) for key, member in value.items()}
    for container in (list, tuple, set, frozenset):
        if isinstance(value, container):
            return container(_plain(member) for member in value)
    return value
