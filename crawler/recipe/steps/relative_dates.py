"""Dates that are told from a day: "3 days ago", "gestern um 14:30". That day is the one of the answer, never today's.

dateparser's tables turn a text of any language into a few English words (`written_dates`); what these mean is computed
here. Its own parser of such dates would keep settings of every single day in memory.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

_SPANS: Final = {"week": 7 * 24 * 3600, "day": 24 * 3600, "hour": 3600, "minute": 60, "second": 1}
_MONTHS: Final = {"year": 12, "month": 1, "decade": 120}
_UNIT: Final = r"(second|minute|hour|day|week|month|year|decade)"
_PART: Final = re.compile(rf"([0-9]{{1,4}})\s*{_UNIT}")
_AGO: Final = re.compile(
    rf"(?P<future>in )?(?P<parts>[0-9]{{1,4}} ?{_UNIT}(?:[ ,]+[0-9]{{1,4}} ?{_UNIT}){{0,3}})(?P<past> ago)?"
    r"(?:[ ,]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?(?: ?(?P<half>am|pm))?)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A date as read; `has_time` False if the text named the day only."""

    at: datetime
    has_time: bool


def relative_moment(words: str, now: datetime) -> Moment | None:
    """What the English words of a text mean on a day; None if that is no date of this kind.

    Args:
        words: such as "3 days ago".
        now: the time of the answer, in the zone in which days are counted.

    Raises:
        OverflowError: outside the calendar.
        ValueError: the same.
    """
    found = _AGO.fullmatch(words)
    if found is None or bool(found["future"]) == bool(found["past"]):
        return None
    parts = [(int(number), unit) for number, unit in _PART.findall(found["parts"])]
    sign = 1 if found["future"] else -1
    at = now
    for number, unit in parts:
        at = _moved(at, sign * number, unit)
    fine = any(unit in ("hour", "minute", "second") for _, unit in parts)
    if found["hour"] is None:
        return Moment(at=at.replace(microsecond=0), has_time=fine)
    if fine:
        return None  # "an hour ago 14:30" says two things
    clock = _clock(found)
    return None if clock is None else Moment(at=datetime.combine(at.date(), clock, tzinfo=at.tzinfo), has_time=True)


def _clock(found: re.Match[str]) -> time | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    half = found["half"]
    if half is not None and not 1 <= hour <= 12:
        return None
    if half is not None:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _moved(at: datetime, number: int, unit: str) -> datetime:
    if unit in _SPANS:
        return at + timedelta(seconds=number * _SPANS[unit])
    months = at.year * 12 + at.month - 1 + number * _MONTHS[unit]
    year, month = divmod(months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))
