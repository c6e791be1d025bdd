"""Fields of schemas that take just what they say: marshmallow's own would take "7" and true for a number.

Times are texts in ISO 8601, UTC, with milliseconds; inside they are ms since 1970.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from marshmallow import validate

if TYPE_CHECKING:
    from collections.abc import Mapping


class Schema(ma.Schema):
    """A JSON object; keys that are not known are errors, and keys stay in their order."""

    class Meta:
        """Of all schemas here."""

        unknown = ma.RAISE

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A member of what is shown; marshmallow's own would take the method `items` for one that a dict lacks."""
        return obj.get(attr, default)


class Whole(ma.fields.Integer):
    """A JSON number without a fraction; in a query, its digits."""

    def __init__(self, *, least: int = 0, most: int = 10**12, **kwargs: Any) -> None:
        """From `least` to `most`."""
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18
        if not (type(value) is int or (is_text and not isinstance(data, dict))):
            raise ma.ValidationError("must be a whole number")
        return int(value)


class Seconds(ma.fields.Float):
    """A JSON number above 0."""

    def __init__(self, *, most: float = 10.0**9, **kwargs: Any) -> None:
        """Up to `most`."""
        limits = validate.Range(0, most, min_inclusive=False)
        super().__init__(validate=limits, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ma.ValidationError("must be a number")
        return float(value)


class Truth(ma.fields.Boolean):
    """true or false."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ma.ValidationError("must be true or false")
        return value


class Line(ma.fields.String):
    """A text of one line."""

    def __init__(self, *, least: int = 0, most: int, **kwargs: Any) -> None:
        """Of `least` to `most` characters."""
        super().__init__(validate=[validate.Length(least, most), is_one_line], **kwargs)


def is_one_line(text: str) -> None:
    """Takes what people see as it is: no control characters, none that turn the direction, none without a width.

    Raises:
        ValidationError: there is one.
    """
    if not text.isprintable():
        raise ma.ValidationError("must be one line, without control characters")


class Instant(ma.fields.Field[int]):
    """A time: ms since 1970 inside, `2026-01-02T03:04:05.678Z` outside."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update({"type": "string", "format": "date-time"})
        super().__init__(**kwargs)

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else written(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        try:
            moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
            if moment is not None and moment.tzinfo is not None:
                ms = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
                if 0 < ms <= _LATEST_MS:
                    return ms
        except (ValueError, OverflowError):
            pass
        raise ma.ValidationError("must be a time after 1970 with its zone, such as 2026-01-02T03:04:05Z")


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

#: The last one that can be written: a time at the end of the year 9999, west of Greenwich, is after it.
_LATEST_MS = (dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(milliseconds=1)


def written(ms: int) -> str:
    """A time in ms since 1970 as texts have it."""
    return (_EPOCH + dt.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
