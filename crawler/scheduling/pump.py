"""When the scheduler talks to its frontier: one task that takes turns, as few as will do.

A turn costs a round trip when the frontier is behind a network, and carries any number of pages. So what can wait is
gathered for `GATHER_S`; what keeps the engine waiting is not. Knows nothing of pages; the turn is a function that it is
given.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: What is not urgent waits so long, in seconds, for more of its kind. Longer, and a worker that is killed loses more of
#: its work, and others wait longer for what it has found; shorter, and the store is woken more often: that costs it as
#: much as five pages.
GATHER_S: Final = 0.05


class Pump:
    """Takes turns: at once, soon, or at a later time, whichever comes first. Belongs to one event loop."""

    def __init__(self, turn: Callable[[], Awaitable[None]], *, on_failure: Callable[[BaseException], None]) -> None:
        """The pump of `turn`; `on_failure` is called with what a turn has raised, after which there are no more."""
        self.busy = False
        self.turns = 0
        self._turn = turn
        self._on_failure = on_failure
        self._due = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._taken = asyncio.Event()

    def start(self) -> None:
        """Begins; the first turn is due at once."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._ended)
        self._due.set()

    async def stop(self, *, patience_s: float | None = None) -> None:
        """Lets a turn that is under way come to its end, at most for so long, and takes no more."""
        self._stopping = True
        self._due.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=patience_s)
            self._task.cancel()
            await asyncio.wait([self._task])
        self._forget_timers()

    def now(self) -> None:
        """A turn is due at once, or right after the one that is under way."""
        self._due.set()

    def soon(self) -> None:
        """A turn is due within `GATHER_S`."""
        if self._soon is None and not self._due.is_set():
            self._soon = asyncio.get_running_loop().call_later(GATHER_S, self._due.set)

    def later(self, seconds: float | None) -> None:
        """A turn is due after so long, and no more after what was said before; None: at no certain time."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if seconds is not None:
            self._later = asyncio.get_running_loop().call_later(seconds, self._due.set)

    async def turn_taken(self) -> None:
        """Waits for the end of a turn; at once if there will be none."""
        if self._task is not None and not self._task.done() and not self._stopping:
            self._taken.clear()
            self._due.set()
            await self._taken.wait()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            if self._stopping:
                return
            self._due.clear()
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
            self.turns += 1
            self.busy = True
            await self._turn()
            self.busy = False
            self._taken.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A turn that fails must not leave the crawl hanging."""
        self.busy = False
        self._taken.set()
        self._forget_timers()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(error)

    def _forget_timers(self) -> None:
        for timer in (self._soon, self._later):
            if timer is not None:
                timer.cancel()
        self._soon = self._later = None
