"""Whose page is next: one queue per host, and hosts that take turns.

A host that is on hold or has all the pages in flight that it may have is left out of the turn, so it costs the others
nothing. Knows ids, not pages.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class _Host:
    ready: list[tuple[int, int, int]] = field(default_factory=list)  # heap of (-priority, order, id)
    in_flight: int = 0
    hold_until: float = 0.0
    in_turn: bool = False


class HostQueues:
    """Ready pages by host; within a host the highest priority goes first, then the oldest."""

    def __init__(self, *, per_host: int, clock: Callable[[], float]) -> None:
        """`per_host`: at most so many pages of a host in flight, 0 = no limit. `clock`: seconds, monotonic."""
        self._per_host = per_host
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._turn: deque[str] = deque()
        self._held: list[tuple[float, str]] = []  # heap

    def push(self, name: str, *, priority: int, order: int, page_id: int) -> None:
        """Queues a page of the host `name`; `order` tells which of equal priority is older."""
        host = self._hosts.setdefault(name, _Host())
        heapq.heappush(host.ready, (-priority, order, page_id))
        self._line_up(name, host)

    def pop(self) -> int | None:
        """The id of the next page, which is in flight from now on; None if no host may be asked."""
        if not self._turn:
            return None
        name = self._turn.popleft()
        host = self._hosts[name]
        host.in_turn = False
        page_id = heapq.heappop(host.ready)[2]
        host.in_flight += 1
        self._line_up(name, host)
        return page_id

    def take(self, name: str) -> bool:
        """Counts a page in flight that waited elsewhere; False, and nothing counted, while its host is on hold."""
        host = self._hosts.setdefault(name, _Host())
        if host.hold_until > self._clock():
            return False
        host.in_flight += 1
        return True

    def landed(self, name: str) -> None:
        """A page of this host is no longer in flight."""
        host = self._hosts[name]
        host.in_flight -= 1
        self._line_up(name, host)

    def hold(self, name: str, until: float) -> None:
        """Nothing of this host is given out before `until`; a hold is never shortened."""
        host = self._hosts.setdefault(name, _Host())
        if until <= host.hold_until:
            return
        host.hold_until = until
        if host.in_turn:
            self._turn.remove(name)
            host.in_turn = False
        heapq.heappush(self._held, (until, name))

    def promote(self) -> None:
        """Lets hosts whose hold is over take their turn again."""
        now = self._clock()
        while self._held and self._held[0][0] <= now:
            name = heapq.heappop(self._held)[1]
            self._line_up(name, self._hosts[name])

    def next_due(self) -> float | None:
        """When the next hold is over; None without one."""
        return self._held[0][0] if self._held else None

    def clear(self) -> None:
        """Forgets everything."""
        self._hosts.clear()
        self._turn.clear()
        self._held.clear()

    def _line_up(self, name: str, host: _Host) -> None:
        full = self._per_host and host.in_flight >= self._per_host
        if host.in_turn or not host.ready or full or host.hold_until > self._clock():
            return
        host.in_turn = True
        self._turn.append(name)
