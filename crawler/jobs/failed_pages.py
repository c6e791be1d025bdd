"""Pages that failed, as they are kept for a job that fetches them again.

Knows neither where they are kept nor what a request holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedPage:
    """One of them.

    Attributes:
        id: of the page, as the store has it: 64 bits with a sign.
        outcome: what it came to.
        host: the queue that it waited in.
        stored: its request as the store has it.
    """

    id: int
    outcome: str
    host: str
    stored: bytes
