"""The pages of a job that failed, by name, a page of them at a time: the newest 10,000 or so are kept.

How many there were of each outcome is in the books; this is for whoever wants to see which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.frontier.words import failure_of

if TYPE_CHECKING:
    from crawler.frontier.contract import Failure
    from crawler.store import Caller

#: Entries that are read in one call to the store.
_AT_ONCE: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePage:
    """Failures in the order in which they came; `next` is the place of those behind them, "" on the last page."""

    failures: tuple[Failure, ...]
    next: str


class RedisFailures:
    """Those of one job."""

    def __init__(self, store: Caller, *, job: str) -> None:
        self._store = store
        self._key = f"{store.prefix}:{{{job}}}:failures"

    async def page(self, *, outcome: str = "", after: str = "", limit: int) -> FailurePage:
        """Up to `limit` failures, of one outcome if it is given, behind the place `after`.

        Raises:
            StoreError: the store refuses us.
        """
        found: list[Failure] = []
        last = after
        while True:
            start = f"({last}" if last else "-"
            entries = await self._store.command("XRANGE", self._key, start, "+", "COUNT", _AT_ONCE)
            for name, words in entries:
                failure = failure_of(words)
                if outcome and failure.outcome != outcome:
                    last = name.decode()
                    continue
                if len(found) == limit:
                    return FailurePage(failures=tuple(found), next=last)
                found.append(failure)
                last = name.decode()
            if len(entries) < _AT_ONCE:
                return FailurePage(failures=tuple(found), next="")
