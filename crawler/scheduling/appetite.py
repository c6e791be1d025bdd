"""Of which hosts this worker wants pages now, so that a slow host never blocks another.

A page whose request waits at the door of its host takes one of the worker's places (CONCURRENT_REQUESTS) and is kept
from other workers. So of each host only as many pages are given to the engine as will leave within about a second, and
while there are so many the frontier is asked for pages of other hosts. How fast pages leave is the door's knowledge,
asked through a function; which of them are on their way is noted here.

The first page of a host goes alone: before it has left nothing is known of the host, and its robots.txt may say that
the next one has to wait for a minute.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduling.prefetch import Prefetch

#: What is at the door of a host will do for so many seconds: long enough that the door never runs dry while the
#: scheduler takes a turn (0.1 s at most, and a round trip), short enough that few places are taken.
ENOUGH_S: Final = 1.0

#: The frontier is asked for more when half of that is left, so that it is asked twice a second and not for each page.
ASK_AGAIN_S: Final = ENOUGH_S / 2

#: Leased pages that have to wait longer than so many seconds for the engine go back at once: others may have them.
KEEP_S: Final = 10.0

#: While anything is held back, it is looked at so often, in seconds: no host is left alone much longer than it must be.
LOOK_AGAIN_S: Final = 0.1

#: So many hosts at most are skipped in one call. Each costs the store a microsecond or two; what comes of the others
#: only waits here, or goes back.
MOST_SKIPPED: Final = 300

#: So many hosts are remembered as known; the one that was not asked for longest goes first.
_MOST_KNOWN: Final = 10_000


class Appetite:
    """Of one worker.

    Attributes:
        skipped: hosts of which nothing more was wanted when the frontier was asked last.
    """

    def __init__(
        self,
        lasts_s: Callable[[str, int], float],
        *,
        clock: Callable[[], float],
        wake: Callable[[], None],
        ask: Callable[[], None],
    ) -> None:
        """The appetite of a worker that has nothing yet.

        Args:
            lasts_s: for how many seconds so many pages of a host will be at its door.
            clock: seconds, monotonic.
            wake: makes the engine take pages, called when pages of a skipped host are wanted because one has left.
            ask: makes the scheduler ask for pages, ditto.
        """
        self.skipped: frozenset[str] = frozenset()
        self._lasts_at_door_s = lasts_s
        self._clock = clock
        self._wake = wake
        self._ask = ask
        self._coming: Counter[str] = Counter()  # pages that the engine has and that have not left
        self._first_at: dict[str, float] = {}  # when the first page of an unknown host was given to the engine
        self._known: dict[str, None] = {}
        self._sent_back: set[str] = set()  # hosts of which pages went back, until they are wanted again

    # --- pages on their way ---

    def comes(self, page: OpenPage) -> None:
        """The engine is given a page."""
        host = page.lease.request.host
        page.coming = True
        self._coming[host] += 1
        if host not in self._known:
            self._first_at.setdefault(host, self._clock())

    def left(self, page: OpenPage) -> None:
        """A page's request has left, or never will."""
        if not page.coming:
            return
        page.coming = False
        host = page.lease.request.host
        self._coming[host] -= 1
        if not self._coming[host]:
            del self._coming[host]
        self._first_at.pop(host, None)
        self._known.pop(host, None)
        self._known[host] = None
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        if host in self.skipped and self._lasts_s(host, self._coming[host]) < ASK_AGAIN_S:
            self._wake()
            self._ask()

    # --- what is wanted ---

    def next_of(self, prefetch: Prefetch) -> OpenPage | None:
        """Takes the first page that the engine should have now; None if it would only wait."""
        first = next(iter(prefetch), None)
        if first is None or self._wants(first):
            return prefetch.pop()
        unwanted = prefetch.take_out(lambda page: not self._wants(page))
        page = prefetch.pop()
        for other in reversed(unwanted):
            prefetch.put_first(other)
        return page

    def _wants(self, page: OpenPage) -> bool:
        host = page.lease.request.host
        coming = self._coming[host]
        return not (coming and host not in self._known) and self._lasts_s(host, coming) < ENOUGH_S

    def look(self, pages: Collection[OpenPage], *, free: int) -> list[OpenPage]:
        """Chooses the hosts to skip, and answers which of the leased `pages` are to go back.

        Those go that would wait too long. The others that have to wait may take half of the `free` places for which the
        frontier is asked: the rest is for hosts that need not wait.
        """
        lying = Counter(page.lease.request.host for page in pages)
        hosts = {*self._coming, *lying, *self._sent_back}
        skipped = [host for host in hosts if self._has_enough(host, self._coming[host] + lying[host])]
        self.skipped = frozenset(skipped[:MOST_SKIPPED])
        self._sent_back &= self.skipped
        return self._surplus(pages, free=free) if self.skipped else []

    def soon(self, wait_s: float | None, *, lying: bool) -> float | None:
        """When to look again, if it would be done after `wait_s` otherwise; `lying`: the engine could have pages.

        No event tells of the end of a silence, or that a delay has become shorter.
        """
        if not (self.skipped or lying):
            return wait_s
        return LOOK_AGAIN_S if wait_s is None else min(wait_s, LOOK_AGAIN_S)

    def _surplus(self, pages: Collection[OpenPage], *, free: int) -> list[OpenPage]:
        before = self._coming.copy()
        surplus, waiting = [], 0
        for page in pages:
            host = page.lease.request.host
            lasts_s = self._lasts_s(host, before[host])
            if lasts_s >= KEEP_S or (lasts_s >= ENOUGH_S and waiting >= free // 2):
                surplus.append(page)
                self._sent_back.add(host)
            else:
                before[host] += 1
                waiting += lasts_s >= ENOUGH_S
        return surplus

    def _has_enough(self, host: str, count: int) -> bool:
        return (count > 0 and host not in self._known) or self._lasts_s(host, count) >= ASK_AGAIN_S

    def _lasts_s(self, host: str, count: int) -> float:
        lasts_s = self._lasts_at_door_s(host, count)
        first_at = self._first_at.get(host)
        return lasts_s if first_at is None else max(lasts_s, self._clock() - first_at)
