"""Leased pages that wait for the engine, and how many of them there should be.

Enough that the engine never waits for a round trip, and no more: what lies here is kept from other workers. So the
target follows the speed of the crawl. Knows neither the engine nor the frontier.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crawler.middlewares.open_pages import OpenPage

#: So many seconds of crawling lie ready.
AHEAD_S: Final = 0.1

#: How long, in seconds, a change of speed takes to be believed.
_SMOOTHING_S: Final = 0.5


class Prefetch:
    """The buffer.

    Attributes:
        rate: pages that the engine takes per second, smoothed.
        dry: the frontier gave less than was asked for last, so that asking again at once gives nothing.
        capped: it has more, but this worker holds as much of that as it may.
    """

    def __init__(self, *, most: int, clock: Callable[[], float]) -> None:
        """`most`: pages that may lie here. `clock`: seconds, monotonic."""
        self.rate = 0.0
        self.dry = self.capped = False
        self._most = most
        self._clock = clock
        self._target = most
        self._pages: deque[OpenPage] = deque()
        self._taken = 0
        self._looked_at = clock()

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[OpenPage]:
        return iter(self._pages)

    @property
    def low(self) -> bool:
        """Whether it is time to ask for more: a quarter is left, which lasts longer than a round trip."""
        return len(self._pages) * 4 <= self._target

    @property
    def hungry(self) -> bool:
        """Whether asking for more would help now."""
        return self.low and not self.dry

    def put(self, page: OpenPage) -> None:
        """Adds a page."""
        self._pages.append(page)

    def put_first(self, page: OpenPage) -> None:
        """Adds one that is next."""
        self._pages.appendleft(page)

    def pop(self) -> OpenPage | None:
        """The next page."""
        if not self._pages:
            return None
        self._taken += 1
        return self._pages.popleft()

    def take_out(self, doomed: Callable[[OpenPage], bool]) -> list[OpenPage]:
        """Removes and answers the pages of which `doomed` is true.

        It is asked once about each page: its answer may change with time, and a page must not be in both places.
        """
        out: list[OpenPage] = []
        kept: deque[OpenPage] = deque()
        for page in self._pages:
            (out if doomed(page) else kept).append(page)
        self._pages = kept
        return out

    def room(self, *, free: int) -> int:
        """How many pages to ask for, when the engine could begin `free` at once."""
        now = self._clock()
        elapsed = now - self._looked_at
        if elapsed > 0:
            weight = min(1.0, elapsed / _SMOOTHING_S)
            self.rate += (self._taken / elapsed - self.rate) * weight
            self._taken, self._looked_at = 0, now
        self._target = min(self._most, max(1, free, math.ceil(self.rate * AHEAD_S)))
        return max(0, self._target - len(self._pages))
