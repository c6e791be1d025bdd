"""Durations, ranges and shares as recipes write them: `500ms`, `1s..60s`, `2%`.

Pure arithmetic on short texts; it knows nothing of where they stand.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS_S = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
#: Longest duration: beyond it a mistyped unit is likelier than a wish.
_MAX_S = 366 * 86400
#: Characters of a number in one of these texts.
_MAX_DIGITS = 12


def seconds(text: str) -> float:
    """`30s`, `500ms`, `2h` in seconds. Raises ValueError with what is wrong."""
    body = text.strip()
    unit = body.lstrip("0123456789.")
    number = _number(body.removesuffix(unit) if unit else body)
    if number is None or (unit and unit not in _UNITS_S):
        raise ValueError(f"'{text}' is no duration")
    if not unit:
        raise ValueError(f"'{text}' has no unit")
    value = number * _UNITS_S[unit]
    if value > _MAX_S:
        raise ValueError(f"'{text}' is longer than a year")
    return float(value)


def seconds_range(text: str) -> tuple[float, float]:
    """`1s..60s` as (shortest, longest) in seconds. Raises ValueError with what is wrong."""
    low, dots, high = text.partition("..")
    if not dots:
        raise ValueError(f"'{text}' is no range")
    shortest, longest = seconds(low), seconds(high)
    if shortest > longest:
        raise ValueError(f"'{text}' begins above its end")
    return shortest, longest


def share(text: str) -> float:
    """`2%` as 0.02. Raises ValueError with what is wrong."""
    number = _number(text.strip().removesuffix("%"))
    if number is None or not text.strip().endswith("%"):
        raise ValueError(f"'{text}' is no share")
    if number > 100:
        raise ValueError(f"'{text}' is more than 100%")
    return float(number / 100)


def duration_problem(text: str) -> str | None:
    """What is wrong with a duration, or None."""
    return _problem(seconds, text)


def duration_range_problem(text: str) -> str | None:
    """What is wrong with a range, or None."""
    return _problem(seconds_range, text)


def percent_problem(text: str) -> str | None:
    """What is wrong with a share, or None."""
    return _problem(share, text)


def _problem(read: Callable[[str], object], text: str) -> str | None:
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return None


def _number(text: str) -> Decimal | None:
    if not text or len(text) > _MAX_DIGITS or not set(text) <= set("0123456789."):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
