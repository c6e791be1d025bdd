"""Rows as JSON that anybody can read, and that gives back every value with its type.

A row stands there as plain JSON. What JSON has no type for is named beside it, by JSON Pointer (RFC 6901), what is
inside of a value before the value itself:

    {"row": {"price": 1.50, "seen": "2026-03-01", "sizes": [1, 2]}, "types": {"/seen": "date", "/sizes": "tuple"}}

A number without a fraction is an integer, any other one a decimal with its own digits, so that the rows of recipes need
no `types` as a rule. Knows nothing of segments and files.
"""

from __future__ import annotations

import datetime as dt
import math
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Types that are JSON as they are.
_AS_IT_IS: Final = frozenset({str, int, bool, type(None)})


#: Characters of all pointers of a row, about. A name is in the pointer of each value below it: ten thousand dates in a
#: list under a name of a hundred thousand characters, which a page may choose, would be a gigabyte.
_MAX_POINTERS: Final = 4 * 1024 * 1024


class TypesTooLong(ValueError):
    """A row whose types cannot be named by pointers at any reasonable length."""


def json_of(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A row as values for JSON (decimals are left in it, to be written as numbers), and the types by pointer.

    Args:
        values: what `crawler.jobs.rows.decode_row` gives.

    Raises:
        TypeError: a value is none of these.
        TypesTooLong: the pointers would be many times longer than the row itself.
    """
    types: dict[str, str] = {}
    row: dict[str, Any] = {}
    for name, value in values.items():
        kind = type(value)
        # The quick way for nearly all values of nearly all rows.
        if kind in _AS_IT_IS or (kind is Decimal and _is_told_by_its_digits(value)):
            row[name] = value
        else:
            row[name] = _plain(value, f"/{_escaped(name)}", types)
    return row, types


def restore(row: dict[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """The row with its types, changed in place.

    Args:
        row: decoded JSON, numbers with a fraction or an exponent as `Decimal`.
        types: as `json_of` gave them, in that order.

    Raises:
        ValueError: they do not fit together.
    """
    try:
        for pointer, name in types.items():
            container: Any = row
            *path, last = pointer.split("/")[1:]
            for part in path:
                container = container[_index(container, part)]
            index = _index(container, last)
            container[index] = _RESTORE[name](container[index])
    except (LookupError, TypeError, ArithmeticError) as error:
        raise ValueError(f"types do not fit their row: {error!r}") from error
    return row


def _plain(value: Any, pointer: str, types: dict[str, str]) -> Any:
    """The value as JSON has it; notes its type, and first those of what is inside."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is dict:
        return {name: _plain(member, f"{pointer}/{_escaped(name)}", types) for name, member in value.items()}
    if kind in _CONTAINERS:
        members = [_plain(member, f"{pointer}/{index}", types) for index, member in enumerate(value)]
        if kind is not list:
            _note(types, pointer, _CONTAINERS[kind])
        return members
    if kind is Decimal:
        if _is_told_by_its_digits(value):
            return value
        _note(types, pointer, "decimal")
        return str(value)
    if kind not in _SCALARS:
        raise TypeError(f"{pointer}: {kind.__name__} is no plain value")
    name, plain = _SCALARS[kind]
    _note(types, pointer, name)
    return plain(value)


def _note(types: dict[str, str], pointer: str, name: str) -> None:
    types[pointer] = name
    if len(types) * len(pointer) > _MAX_POINTERS:
        raise TypesTooLong(f"{len(types):,} pointers as long as {len(pointer):,} characters")


def _is_told_by_its_digits(value: Decimal) -> bool:
    """Whether JSON's number is read as this decimal, and not as an integer or as nothing at all."""
    text = str(value)
    return "." in text or "E" in text


def _plain_float(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def _index(container: Any, part: str) -> Any:
    if isinstance(container, dict):
        return part.replace("~1", "/").replace("~0", "~")
    return int(part)


_CONTAINERS: Final[dict[type, str]] = {list: "", tuple: "tuple", set: "set", frozenset: "frozenset"}

_SCALARS: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    float: ("float", _plain_float),
    dt.datetime: ("datetime", dt.datetime.isoformat),
    dt.date: ("date", dt.date.isoformat),
    bytes: ("bytes", lambda value: b64encode(value).decode()),
}

_RESTORE: Final[dict[str, Callable[[Any], Any]]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "decimal": Decimal,
    "float": float,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "bytes": lambda text: b64decode(text, validate=True),
}
