"""The header `Date`: the time at which a site answered."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@functools.lru_cache(maxsize=64)
def moment_of(date_header: str) -> datetime | None:
    """The time that a header says, UTC where it has no zone; None if it is none. Kept: many pages share a second."""
    try:
        at = parsedate_to_datetime(date_header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
