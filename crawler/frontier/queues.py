"""Whose page is next: one queue per host, and hosts that take turns.

A host that is on hold or has all the pages in flight that it may have is left out of the turn, so it costs the others
nothing. Knows ids, not pages.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class _Host(Struct):
    ready: list[tuple[int, int, int]] = field(default_factory=list)  # heap of (-priority, order, id)
    suspects: deque[int] = field(default_factory=deque)
    in_flight: int = 0
    hold_until: float = 0.0
    in_turn: bool = False


class HostQueues:
    """Ready pages by host; within a host the highest priority goes first, then the oldest.

    Suspect pages wait apart, for a holder that has nothing else, under the same rules of their hosts.
    """

    def __init__(self, *, per_host: int, clock: Callable[[], float]) -> None:
        """`per_host`: at most so many pages of a host in flight, 0 = no limit. `clock`: seconds, monotonic."""
        self._per_host = per_host
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._turn: deque[str] = deque()
        self._suspected: dict[str, _Host] = {}  # hosts with suspects, in the order of the first
        self._held: list[tuple[float, str]] = []  # heap

    def push(self, name: str, *, priority: int, order: int, page_id: int) -> None:
        """Queues a page of the host `name`; `order` tells which of equal priority is older."""
        host = self._hosts.setdefault(name, _Host())
        heapq.heappush(host.ready, (-priority, order, page_id))
        self._line_up(name, host)

    def pop(self, skip: Collection[str] = ()) -> int | None:
        """The id of the next page, which is in flight from now on; None if no host may be asked.

        Hosts in `skip` are passed over and keep their turn.
        """
        name = next((name for name in self._turn if name not in skip), None)
        if name is None:
            return None
        self._turn.remove(name)
        host = self._hosts[name]
        host.in_turn = False
        page_id = heapq.heappop(host.ready)[2]
        host.in_flight += 1
        self._line_up(name, host)
        return page_id

    def push_suspect(self, name: str, page_id: int) -> None:
        """Queues a page of the host `name` that is given out alone."""
        host = self._hosts.setdefault(name, _Host())
        host.suspects.append(page_id)
        self._suspected[name] = host

    def pop_suspect(self, skip: Collection[str] = ()) -> int | None:
        """The id of the next suspect page, which is in flight from now on; None if no host may be asked."""
        askable = (name for name, host in self._suspected.items() if name not in skip and self._may_be_asked(host))
        name = next(askable, None)
        if name is None:
            return None
        host = self._hosts[name]
        page_id = host.suspects.popleft()
        if not host.suspects:
            del self._suspected[name]
        host.in_flight += 1
        if not self._may_be_asked(host):
            self._stand_back(name, host)
        return page_id

    def landed(self, name: str) -> None:
        """A page of this host is no longer in flight."""
        host = self._hosts[name]
        host.in_flight -= 1
        self._line_up(name, host)

    def on_hold(self, name: str) -> bool:
        """Whether a host is left alone now."""
        host = self._hosts.get(name)
        return host is not None and host.hold_until > self._clock()

    def hold(self, name: str, until: float) -> None:
        """Nothing of this host is given out before `until`; a hold is never shortened."""
        host = self._hosts.setdefault(name, _Host())
        if until <= host.hold_until:
            return
        host.hold_until = until
        self._stand_back(name, host)
        heapq.heappush(self._held, (until, name))

    def promote(self) -> None:
        """Lets hosts whose hold is over take their turn again."""
        now = self._clock()
        while self._held and self._held[0][0] <= now:
            name = heapq.heappop(self._held)[1]
            self._line_up(name, self._hosts[name])

    def next_due(self) -> float | None:
        """When the next hold is over; None without one."""
        while self._held and self._held[0][0] < self._hosts[self._held[0][1]].hold_until:
            heapq.heappop(self._held)
        return self._held[0][0] if self._held else None

    def clear(self) -> None:
        """Forgets everything."""
        self._hosts.clear()
        self._turn.clear()
        self._suspected.clear()
        self._held.clear()

    def _may_be_asked(self, host: _Host) -> bool:
        full = self._per_host and host.in_flight >= self._per_host
        return not full and host.hold_until <= self._clock()

    def _line_up(self, name: str, host: _Host) -> None:
        if not host.in_turn and host.ready and self._may_be_asked(host):
            host.in_turn = True
            self._turn.append(name)

    def _stand_back(self, name: str, host: _Host) -> None:
        if host.in_turn:
            host.in_turn = False
            self._turn.remove(name)
