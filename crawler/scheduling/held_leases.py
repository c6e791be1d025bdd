"""The leases that this process holds, until when each is surely its own, and the thread that prolongs them.

A thread, because a callback that computes for a minute stops the event loop but must not lose the worker's pages; and a
limit, because a callback that never ends must. The limit counts a page's own time, from when its request leaves: a page
that waits for its turn, at the door of a slow host or of one that wants an hour of silence, is as healthy as before, as
long as the event loop turns in which it waits. Deadlines are counted from the moment *before* a call to the frontier
was made, on a clock that goes on while the machine sleeps, so that whoever asks here is never told yes too late. Knows
no page and no store: how leases are prolonged is a function that it is given.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from crawler.frontier.contract import Lease

logger = logging.getLogger(__name__)

#: A page that takes longer than this many seconds is given up to others: its holder is stuck.
LONGEST_S: Final = 15 * 60.0

#: Leases of one call.
AT_ONCE: Final = 500

#: After a call that failed, the next one comes after this part of the usual pause.
_SOONER: Final = 0.2


def boot_time() -> float:
    """Seconds of a clock that also counts while the machine is suspended, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(slots=True)
class _Held:
    lease: Lease
    deadline: float
    alive_at: float
    waits: bool = True


class HeldLeases:
    """The table. The event loop adds and drops, the thread prolongs; each call is atomic."""

    def __init__(self, *, ttl_s: float, longest_s: float = LONGEST_S, clock: Callable[[], float] = boot_time) -> None:
        """An empty table.

        Args:
            ttl_s: how long a lease lives unless it is prolonged.
            longest_s: how long a page may take, see `LONGEST_S`.
            clock: seconds, see `boot_time`.
        """
        self.ttl_s = ttl_s
        self.longest_s = longest_s
        self.clock = clock
        self._turned_at = clock()
        self._lock = threading.Lock()
        self._held: dict[tuple[int, int], _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, leases: Iterable[Lease], *, asked_at: float) -> None:
        """Notes leases that were asked for at that time; their pages wait until they are said to be `alive`."""
        with self._lock:
            for lease in leases:
                self._held[lease.request.id, lease.token] = _Held(lease, asked_at + self.ttl_s, asked_at)

    def drop(self, lease: Lease) -> None:
        """Forgets a lease that is settled, handed back or lost."""
        with self._lock:
            self._held.pop((lease.request.id, lease.token), None)

    def ours(self, lease: Lease) -> bool:
        """Whether nobody else can have this page now."""
        held = self._held.get((lease.request.id, lease.token))
        return held is not None and self.clock() < held.deadline

    def alive(self, lease: Lease) -> None:
        """A page has just been begun, or has shown that it is not stuck: its time counts from now."""
        with self._lock:
            held = self._held.get((lease.request.id, lease.token))
            if held is not None:
                held.alive_at, held.waits = self.clock(), False

    def waits(self, lease: Lease) -> None:
        """A page waits for its turn: its time does not count until it is `alive` again."""
        with self._lock:
            held = self._held.get((lease.request.id, lease.token))
            if held is not None:
                held.waits = True

    def loop_turns(self) -> None:
        """Whoever waits could go on if it were its turn. To be said every few seconds."""
        self._turned_at = self.clock()

    def to_prolong(self) -> tuple[list[Lease], list[Lease]]:
        """What is to be prolonged, and what has been held too long and is over."""
        now = self.clock()
        young, over = [], []
        with self._lock:
            for held in self._held.values():
                alive_at = max(held.alive_at, self._turned_at) if held.waits else held.alive_at
                if now - alive_at < self.longest_s:
                    young.append(held.lease)
                elif held.deadline <= now:
                    over.append(held.lease)
        return young, over

    def prolonged(self, leases: Iterable[Lease], *, asked_at: float) -> None:
        """Notes leases that live for another `ttl_s` from that time."""
        with self._lock:
            for lease in leases:
                held = self._held.get((lease.request.id, lease.token))
                if held is not None:
                    held.deadline = asked_at + self.ttl_s


class Renewal(threading.Thread):
    """The thread: prolongs everything that is held, each third of a ttl, until it is stopped."""

    def __init__(
        self,
        held: HeldLeases,
        renew: Callable[[Sequence[Lease]], Iterable[Lease]],
        *,
        on_lost: Callable[[list[Lease]], object],
        on_end: Callable[[], object],
    ) -> None:
        """A thread that has not begun.

        Args:
            held: the table.
            renew: prolongs leases at the frontier and answers those that are lost. Called in the thread; may raise
                `OSError` or a `CrawleryError` when there is no answer, and is then tried again sooner.
            on_lost: called in the thread with leases that are no longer ours.
            on_end: called in the thread when it ends without having been stopped, because `renew` raised anything else.
        """
        super().__init__(name="lease-renewal", daemon=True)
        self._held = held
        self._renew = renew
        self._on_lost = on_lost
        self._on_end = on_end
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends the thread, at once or after the call that is under way."""
        self._stopped.set()

    def run(self) -> None:
        """See the class."""
        try:
            pause = self._held.ttl_s / 3
            while not self._stopped.wait(pause):
                pause = self._held.ttl_s / 3 * (1.0 if self._round() else _SOONER)
        finally:
            if not self._stopped.is_set():
                self._on_end()

    def _round(self) -> bool:
        """Prolongs everything once; False if there was no answer."""
        leases, lost = self._held.to_prolong()
        for lease in lost:
            logger.warning(
                "Page %d has taken %.0f minutes: its lease is over", lease.request.id, self._held.longest_s / 60
            )
        answered = True
        for first in range(0, len(leases), AT_ONCE):
            part = leases[first : first + AT_ONCE]
            asked_at = self._held.clock()
            try:
                gone = list(self._renew(part))
            except (OSError, CrawleryError) as error:
                logger.warning("Leases could not be prolonged (%s); trying again", error)
                answered = False
                break
            tokens = {(lease.request.id, lease.token) for lease in gone}
            self._held.prolonged(
                (lease for lease in part if (lease.request.id, lease.token) not in tokens), asked_at=asked_at
            )
            lost += gone
        if lost and not self._stopped.is_set():
            self._on_lost(lost)
        return answered
