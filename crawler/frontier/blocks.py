"""Hosts that keep a job out: how many answers of each were none, and what is said when it is too often.

The frontier counts, because it is the one place that hears of all workers. This is the count of a job in one process,
and the sentence, which both back ends say.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

#: The outcome of a page that was kept from us.
BLOCKED: Final = "blocked"


def blocked_why(host: str, *, times: int, reason: str) -> str:
    """Why a job stands still, in one sentence without its full stop; `reason` is that of the last answer."""
    answers = "an answer" if times == 1 else f"{times:,} answers"
    return f"{host or 'the site'} keeps us out: {answers} without a page that could be read (the last one: {reason})"


class BlockCounts:
    """Of a job in one process.

    Attributes:
        why: why nothing more is given out; empty while it is.
    """

    def __init__(self, in_a_row: int) -> None:
        """`in_a_row`: so many without a page that was read are too many; 0 = it is never too often."""
        self.why = ""
        self._in_a_row = in_a_row
        self._counts: Counter[str] = Counter()

    def kept_out(self, host: str, reason: str) -> None:
        """An answer of this host was none. What comes in after it was too often says nothing new."""
        if not self._in_a_row or self.why:
            return
        self._counts[host] += 1
        if self._counts[host] >= self._in_a_row:
            self.why = blocked_why(host, times=self._in_a_row, reason=reason)
            self._counts.clear()

    def let_in(self, host: str) -> None:
        """A page of this host was read."""
        self._counts.pop(host, None)
