"""The door that every request passes on its way out, whatever sends it: `async with door.pass_(host): ...`.

It holds a request back until this worker has one of the host's slots and a start, lets it go only while its page's
lease, the slot and the start are still valid, and takes the slot back when the response is complete. A slot serves many
requests in sequence, and a start window many at once, so that a busy host costs few calls to the gate: one at a time
for each host, and all hosts' calls of one turn of the event loop together.

Plain asyncio. It knows the gate's contract; `crawler.downloader.entrance` decides, this waits and asks. Nothing here
knows what is sent, or what Scrapy is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from crawler.downloader.entrance import LONG_SILENCE_S, SPENT_WITHIN_S, Entrance
from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from crawler.downloader.slots import Slot
    from crawler.frontier.gate_contract import Gate, Pace, PermitCall

logger = logging.getLogger(__name__)

#: A gate that refuses to answer is asked again after so long.
_ASK_AGAIN_S: Final = 1.0

#: At the end slots are handed back if that takes no longer; otherwise they expire.
_CLOSE_WITHIN_S: Final = 2.0

#: How often forgotten hosts are looked for, and how many there must be.
_SWEEP_EVERY_S: Final = 60.0
_MANY_HOSTS: Final = 64

#: A store is too slow after so many late answers in a row, which is said once in so many seconds.
_LATE_IN_A_ROW: Final = 10
_COMPLAIN_EVERY_S: Final = 60.0

#: Seconds that also pass while the process is stopped or the machine sleeps.
boottime: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_BOOTTIME)


class NotSent(CrawleryError):
    """A request was held back for good: its page may be leased to somebody else by now."""


class Closed(NotSent):
    """A request was held back for good: the crawl has ended."""


class LongSilence(NotSent):
    """A request was not kept waiting for the end of a silence that is far away."""


@dataclass(slots=True)
class DoorCounters:
    """What has happened at the door."""

    passes: int = 0
    waits: int = 0
    calls: int = 0
    round_trips: int = 0
    void_starts: int = 0


class Passage:
    """One request's way through the door; see `Door.pass_`."""

    __slots__ = ("_door", "_entrance", "_patient", "_slot", "_still_ours")

    def __init__(self, door: Door, entrance: Entrance, still_ours: Callable[[], bool] | None, *, patient: bool) -> None:
        self._door, self._entrance, self._still_ours, self._patient = door, entrance, still_ours, patient
        self._slot: Slot | None = None

    async def __aenter__(self) -> Self:
        door, entrance = self._door, self._entrance
        slot = None if entrance.waiting else entrance.take(door.clock())
        if slot is None:
            slot = await door.wait(entrance, patient=self._patient)
        if self._still_ours is not None and not self._still_ours():
            door.leave(entrance, slot)
            raise NotSent(f"the lease of a page of {entrance.name} was lost before it was asked for")
        self._slot = slot
        door.counters.passes += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._slot is not None:
            self._door.leave(self._entrance, self._slot)

    def answered(self, seconds: float, *, ok: bool) -> None:
        """The head of the response came so long after the request; `ok`: with status 200."""
        self._entrance.answered(seconds, ok=ok)


class Door:
    """See the module. Belongs to one event loop, from the first request on."""

    def __init__(
        self,
        gate: Gate,
        *,
        worker: str,
        job: str = "",
        paces: Callable[[str], tuple[Pace, Pace]],
        clock: Callable[[], float] = boottime,
    ) -> None:
        """A door through which nothing has passed yet.

        Args:
            gate: grants slots and starts.
            worker: this process, as no other is called.
            job: whose requests these are.
            paces: of a host: the deployment's, and that of this crawl.
            clock: seconds that never stand still, see `boottime`.
        """
        self.clock = clock
        self.counters = DoorCounters()
        self._gate, self._worker, self._job, self._paces = gate, worker, job, paces
        self._entrances: dict[str, Entrance] = {}
        self._numbers = itertools.count(1)  # one count for all hosts, so that a forgotten host does not begin anew
        self._due: dict[Entrance, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._sweep_s = -math.inf
        self._late = 0
        self._complained_s = -math.inf

    # --- requests ---

    def pass_(self, host: str, *, still_ours: Callable[[], bool] | None = None, patient: bool = True) -> Passage:
        """To be entered right before a request is sent, and left when its response is complete or has failed.

        Args:
            host: whose door it is.
            still_ours: whether the request's page is still leased to us, asked at the last moment.
            patient: also waits for the end of a long silence.

        Raises:
            NotSent: on entering: it is not.
            LongSilence: on entering: the host wants to be left alone for long, and the request is not patient.
            Closed: on entering: the door has been closed.
        """
        return Passage(self, self._entrance(host), still_ours, patient=patient)

    async def wait(self, entrance: Entrance, *, patient: bool = True) -> Slot:
        """A slot for a request that has to wait; when it returns, the request may be sent at once."""
        if self._closed:
            raise Closed(f"the crawl has ended; nothing is sent to {entrance.name} any more")
        self.counters.waits += 1
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Slot] = loop.create_future()
        entrance.queue(future, self.clock())
        while True:
            if not patient:
                entrance.impatient.add(future)
            self._attend(entrance)
            try:
                slot = await future
            except asyncio.CancelledError:
                self._withdraw(entrance, future)
                raise
            finally:
                entrance.impatient.discard(future)
            if entrance.may_send(slot, self.clock()):
                return slot
            entrance.slots.put_back(
                slot, self.clock()
            )  # the loop was late, or the host has asked for silence meanwhile
            future = loop.create_future()
            entrance.waiting.appendleft(future)

    def leave(self, entrance: Entrance, slot: Slot) -> None:
        """Takes a slot back."""
        now = self.clock()
        entrance.slots.put_back(slot, now)
        if entrance.waiting or entrance.due_s(now) < entrance.timer_s:
            self._attend(entrance)

    def refuse_waiting(self, error: Callable[[], Exception]) -> None:
        """Ends the waiting of all requests that are at the door now."""
        for entrance in self._entrances.values():
            _refuse(entrance, error)

    def _withdraw(self, entrance: Entrance, future: asyncio.Future[Slot]) -> None:
        if future in entrance.waiting:
            entrance.waiting.remove(future)
        elif future.done() and not future.cancelled() and future.exception() is None:
            self.leave(entrance, future.result())

    # --- what becomes known of a host ---

    def silence(self, host: str, seconds: float) -> None:
        """A host has asked to be left alone: nothing is sent from this moment on, and all other workers are told."""
        entrance = self._entrance(host)
        entrance.silence(self.clock() + seconds)
        self._attend(entrance)

    def crawl_delay(self, host: str, seconds: float) -> None:
        """What robots.txt of a host asks for; 0: nothing."""
        entrance = self._entrance(host)
        entrance.crawl_delay(seconds)
        self._attend(entrance)

    def slow_down(self, host: str, seconds: float) -> None:
        """This crawl's own delay for a host from now on, beside what the deployment and the site ask for."""
        self._entrance(host).slow_down(seconds)

    def delay(self, host: str) -> float:
        """The delay between two requests to a host in force, in seconds; 0 for one that is not asked anything."""
        entrance = self._entrances.get(host)
        return entrance.delay_s if entrance is not None else 0.0

    def lasts_s(self, host: str, coming: int) -> float:
        """For how many seconds so many requests will be at a host's door, as far as is known; see `Entrance`."""
        entrance = self._entrances.get(host)
        return entrance.lasts_s(coming, self.clock()) if entrance is not None else 0.0

    def waiting(self) -> int:
        """Requests that are held back now."""
        return sum(len(entrance.waiting) for entrance in self._entrances.values())

    def _entrance(self, host: str) -> Entrance:
        entrance = self._entrances.get(host)
        if entrance is None:
            self._sweep()
            site, own = self._paces(host)
            entrance = self._entrances[host] = Entrance(host, site=site, own=own)
        return entrance

    def _sweep(self) -> None:
        """Forgets hosts that nothing has been sent to for long."""
        now = self.clock()
        if len(self._entrances) < _MANY_HOSTS or now < self._sweep_s:
            return
        self._sweep_s = now + _SWEEP_EVERY_S
        for name, entrance in list(self._entrances.items()):
            if entrance.forgettable(now):
                self.counters.void_starts += entrance.void
                if entrance.timer is not None:
                    entrance.timer.cancel()
                del self._entrances[name]

    # --- waiting and asking ---

    def _attend(self, entrance: Entrance) -> None:
        """Serves who can be served, asks the gate if need be, and sees to it that this is done again in time."""
        now = self.clock()
        if entrance.impatient and entrance.silent_until_s - now > LONG_SILENCE_S:
            _refuse(entrance, lambda: LongSilence(f"{entrance.name} wants to be left alone for long"), impatient=True)
        entrance.serve(now)
        at = entrance.due_s(now)
        if at <= now:
            self._enlist(entrance)
            at = math.inf
        at = min(at, entrance.serve_s(now))
        if at < entrance.timer_s and not self._closed:
            if entrance.timer is not None:
                entrance.timer.cancel()
            entrance.timer_s = at
            entrance.timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._timer_rang, entrance)

    def _timer_rang(self, entrance: Entrance) -> None:
        entrance.timer, entrance.timer_s = None, math.inf
        self._attend(entrance)

    def _enlist(self, entrance: Entrance) -> None:
        """All hosts that need the gate in this turn of the loop ask together, at its end."""
        if self._closed:
            return
        if not self._due:
            asyncio.get_running_loop().call_soon(self._ask_for_due)
        self._due[entrance] = None

    def ask_along(self) -> None:
        """Something else is on its way to where the gate is: windows that would have to be renewed soon are now.

        A crawl at full speed talks to the store twenty times a second anyway; its windows cost no trips of their own.
        """
        if not self._closed:
            now = self.clock()
            self._ask([entrance for entrance in self._entrances.values() if entrance.rides(now)])

    def _ask_for_due(self) -> None:
        due, now = list(self._due), self.clock()
        self._due.clear()
        self._ask([entrance for entrance in due if entrance.due_s(now) <= now])

    def _ask(self, entrances: Sequence[Entrance]) -> None:
        if not entrances:
            return
        now = self.clock()
        calls = [
            entrance.call(now, worker=self._worker, job=self._job, number=next(self._numbers)) for entrance in entrances
        ]
        self.counters.calls += len(calls)
        self.counters.round_trips += 1
        task = asyncio.get_running_loop().create_task(self._permit(entrances, calls, now))
        self._tasks.add(task)
        task.add_done_callback(partial(self._asked, entrances))

    async def _permit(self, entrances: Sequence[Entrance], calls: Sequence[PermitCall], sent: float) -> None:
        """One round trip. A call that the store refuses is repeated as it is, so that nothing in it is lost."""
        while True:
            try:
                permits = await self._gate.permit(calls)
                break
            except CrawleryError as error:
                logger.warning("Nothing new is sent until the store grants it: %s", error)
                await asyncio.sleep(_ASK_AGAIN_S)
        got = self.clock()
        self._late = self._late + 1 if got - sent > SPENT_WITHIN_S else 0
        if self._late >= _LATE_IN_A_ROW and got >= self._complained_s + _COMPLAIN_EVERY_S:
            self._complained_s = got
            logger.warning(
                "Hardly anything is sent: the last %d answers of the store came after more than %.0f ms, and permits "
                "are void by then. Either the way to the store is too long, or this process is too busy",
                self._late,
                SPENT_WITHIN_S * 1000,
            )
        for entrance, permit in zip(entrances, permits, strict=True):
            entrance.granted(permit, got)

    def _asked(self, entrances: Sequence[Entrance], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        for entrance in entrances:
            if error is not None or task.cancelled():
                entrance.failed()
            if isinstance(error, Exception):  # a mistake in the gate: those who wait hear of it, or the crawl hangs
                _refuse(entrance, partial(_same, error))
            elif not self._closed:
                self._attend(entrance)

    async def close(self) -> None:
        """Hands all slots back, if the gate answers soon."""
        self._closed = True
        for entrance in self._entrances.values():
            if entrance.timer is not None:
                entrance.timer.cancel()
            self.counters.void_starts += entrance.void
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                for entrance in self._entrances.values():
                    entrance.slots.surrender()
                now = self.clock()
                self._ask([entrance for entrance in self._entrances.values() if entrance.due_s(now) <= now])
                await asyncio.gather(*self._tasks, return_exceptions=True)
        except TimeoutError:
            logger.warning("The store did not answer within %.0f s: the hosts' slots will expire", _CLOSE_WITHIN_S)
        self._entrances.clear()


def _refuse(entrance: Entrance, error: Callable[[], Exception], *, impatient: bool = False) -> None:
    """Ends the waiting at one host, of all or of the `impatient` ones."""
    for _ in range(len(entrance.waiting)):
        future = entrance.waiting.popleft()
        if impatient and future not in entrance.impatient:
            entrance.waiting.append(future)
        elif not future.done():
            future.set_exception(error())


def _same(error: Exception) -> Exception:
    return error
