"""Rates: so many calls in so much time, as configurations and clients have them. Knows not what is counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from crawler.errors import InvalidAccess

#: N/second, N per 10 seconds and so on: the part of the notation of `limits` that is taken.
RATE: Final = "([1-9][0-9]{0,6}) ?(?:/|per) ?([1-9][0-9]{0,3} )?(second|minute|hour)s?"
_UNITS_S: Final = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """At most `count` calls in any `period_s` seconds."""

    count: int
    period_s: int

    @classmethod
    def of(cls, text: str) -> Rate:
        """The rate that is written `600/minute` or `10 per 10 seconds`.

        Raises:
            InvalidAccess: it is written otherwise.
        """
        match = re.fullmatch(RATE, text)
        if match is None:
            raise InvalidAccess(f"{text[:80]!r} is no rate; write 600/minute, 10/second or 100 per 10 seconds")
        count, times, unit = match.groups()
        return cls(count=int(count), period_s=int(times or 1) * _UNITS_S[unit])
