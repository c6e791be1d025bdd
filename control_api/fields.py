"""Fields of schemas that take just what they say: marshmallow's own would take "7" and true for a number.

Times are texts in ISO 8601, UTC, with milliseconds; inside they are ms since 1970.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, Final

import marshmallow as ma
from marshmallow import validate

from crawler.access.model import LINE

if TYPE_CHECKING:
    import enum
    from collections.abc import Mapping


class Schema(ma.Schema):
    """A JSON object; keys that are not known are errors, and keys stay in their order."""

    class Meta:
        """Of all schemas here."""

        unknown = ma.RAISE

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A member of what is shown; marshmallow's own would take the method `items` for one that a dict lacks."""
        return obj.get(attr, default)


def about(description: str, example: Any = None) -> dict[str, Any]:
    """What the description of the API says of a field, and a value that could stand there."""
    return {"description": description} | ({} if example is None else {"example": example})


class Text(ma.fields.String):
    """A text that a pattern describes: one that Python and JavaScript read alike, without ^ and $."""

    def __init__(self, pattern: str, *, least: int = 0, most: int | None = None, error: str, **kwargs: Any) -> None:
        """Of `least` to `most` characters; `error` says what the pattern wants."""
        kwargs.setdefault("metadata", {})["pattern"] = f"^({pattern})$"
        limits = [] if most is None else [validate.Length(least, most)]
        super().__init__(validate=[*limits, self._check], **kwargs)
        self._pattern, self._error = re.compile(pattern), error

    def _check(self, text: str) -> None:
        if self._pattern.fullmatch(text) is None:
            raise ma.ValidationError(self._error)


class Cursor(Text):
    """Where a list goes on: as `control_api.jobs.cursor` writes it, opaque to callers."""

    def __init__(self) -> None:
        super().__init__(
            "[A-Za-z0-9_-]+",
            least=1,
            most=300,
            error="is no cursor",
            metadata=about("`next` of the page before, with the same filters."),
        )


class Choice(ma.fields.Enum[Any]):
    """One of the words of an enumeration."""

    def __init__(self, kind: type[enum.StrEnum], **kwargs: Any) -> None:
        """Of the values of `kind`."""
        super().__init__(kind, by_value=ma.fields.String, **kwargs)


class Whole(ma.fields.Integer):
    """A JSON number without a fraction (1.0 has none: JSON knows but one kind of number); in a query, its digits."""

    def __init__(self, *, least: int = 0, most: int = 10**12, **kwargs: Any) -> None:
        """From `least` to `most`."""
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18
        is_whole = type(value) is int or (type(value) is float and value.is_integer())
        if not (is_whole or (is_text and not isinstance(data, dict))):
            raise ma.ValidationError("must be a whole number")
        return int(value)


class Seconds(ma.fields.Float):
    """A JSON number above 0."""

    def __init__(self, *, most: float = 10.0**9, **kwargs: Any) -> None:
        """Up to `most`."""
        limits = validate.Range(0, most, min_inclusive=False)
        kwargs.setdefault("metadata", {}).update({"minimum": None, "exclusiveMinimum": 0})
        super().__init__(validate=limits, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ma.ValidationError("must be a number")
        return float(value)


class Few(ma.fields.List[Any]):
    """A list that is refused for its length before any member of it is looked at: that of a million costs seconds."""

    def __init__(self, of: ma.fields.Field[Any], *, least: int = 0, most: int, **kwargs: Any) -> None:
        """Of `least` to `most` members."""
        self._length = validate.Length(least, most)
        super().__init__(of, validate=self._length, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Truth(ma.fields.Boolean):
    """true or false."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ma.ValidationError("must be true or false")
        return value


class Line(Text):
    """A text of one line."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        """Of up to `most` characters."""
        super().__init__(LINE, most=most, error="must be one line, without control characters", **kwargs)


#: RFC 3339, from 1971 to 2999: whatever the zone, it is after 1970, and can be written in UTC.
_INSTANT: Final = (
    r"(197[1-9]|19[89][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


class Instant(ma.fields.Field[int]):
    """A time: ms since 1970 inside, `2026-01-02T03:04:05.678Z` outside."""

    def __init__(self, **kwargs: Any) -> None:
        said = {"type": "string", "format": "date-time", "pattern": f"^{_INSTANT}$"}
        kwargs["metadata"] = {"example": "2026-01-02T03:04:05.678Z", **kwargs.get("metadata", {}), **said}
        super().__init__(**kwargs)

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else written(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        try:
            if isinstance(value, str) and re.fullmatch(_INSTANT, value):
                return (dt.datetime.fromisoformat(value) - _EPOCH) // dt.timedelta(milliseconds=1)
        except ValueError:  # the 30th of February
            pass
        raise ma.ValidationError("must be a time from 1971 to 2999 with its zone, such as 2026-01-02T03:04:05Z")


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def written(ms: int) -> str:
    """A time in ms since 1970 as texts have it."""
    return (_EPOCH + dt.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
