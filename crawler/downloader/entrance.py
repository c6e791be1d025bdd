"""One host's side of the door: its slots, its starts, and who waits for them.

A start or a window is used within 0.1 s after the gate was asked, which is when it prolonged the slots: whatever has a
start has a slot that is still ours, however long the process has stood still.

Pure bookkeeping on the times that it is told: it decides when a request may be sent and when the gate is to be asked
what, and neither waits nor asks itself; `crawler.downloader.door` does. It knows the gate's contract, and nothing of
Scrapy or of what is sent. All times are seconds of CLOCK_BOOTTIME, which also counts while a machine sleeps.

An answer of the gate speaks of the moment at which it was given, which lies somewhere between the call (`sent`) and
its arrival (`got`). A start is used from the middle of the two on, and never later than `sent` allows: so all sends lie
within 0.1 s around the moments that the gate meant, and 10 starts a second are at most 10 + 1 in any second. A slow
answer makes its starts void, as it must: nobody knows whether they have been overtaken by a silence.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from crawler.downloader.slots import IDLE_S, Slots
from crawler.frontier.gate_contract import LATENESS_S, SLOT_TTL_S, WINDOW_S, Latency, Pace, PermitCall

if TYPE_CHECKING:
    import asyncio

    from crawler.downloader.slots import Slot
    from crawler.frontier.gate_contract import Permit

#: What has been granted is used within this time of the call. The rest of `WINDOW_S` is for the way of a silence from
#: the worker that was told of it to the gate: nothing is sent later than `WINDOW_S` after a site has asked for it.
SPENT_WITHIN_S: Final = 0.8 * WINDOW_S

#: Starts that lie further ahead than this are not asked for: too little time would be left to use them late.
_AHEAD_S: Final = 0.5 * SPENT_WITHIN_S

#: The gate is asked so long before the next start, or before the end of a window that is in use.
ASK_AHEAD_S: Final = 0.03
RENEW_AHEAD_S: Final = 0.012

#: Two sends of this worker are at least this part of the delay apart: its starts are, but each may be used a little
#: late, and one that is used on time after a late one would follow too closely.
SPACING: Final = 0.95

#: A window that is in use is renewed this long before its end when something else goes to the gate anyway.
RIDE_AHEAD_S: Final = 0.06

#: A refused call is not repeated sooner, whatever the answer says.
_SHORTEST_WAIT_S: Final = 0.005

#: Gates count whole milliseconds of a moment that they round down.
_GRAIN_S: Final = 0.001

#: Weight of the last trip to the gate in the mean of all.
_TRIP_WEIGHT: Final = 0.2

#: Where there is no limit.
_ANY: Final = 1 << 30

#: Latencies kept for the next call.
_MAX_LATENCIES: Final = 64

#: A store that has lost its memory hears of a Crawl-delay again after so long.
_SAY_AGAIN_S: Final = 60.0

#: Who need not wait here is not kept through a silence that lasts longer than this: an hour in which a worker's places
#: are taken by pages that could lie in the frontier is an hour lost for its other hosts.
LONG_SILENCE_S: Final = 10.0

#: A host is forgotten after so long without a request.
_FORGET_S: Final = 60.0


class Entrance:
    """One host, for this worker. Who wants to be told of a free slot queues a future.

    Attributes:
        waiting: futures of those who wait, first come first served; each is given a Slot.
        impatient: those of them that do not wait for the end of a long silence.
        silent_until_s: nothing is sent before.
        slots: that this worker holds.
        delay_s: the delay between two starts in force, as far as is known.
        timer: the door's, which makes it look at this host at `timer_s`.
        void: starts that could not be used.
    """

    __slots__ = (
        "_asked_s", "_asking", "_crawl_delay", "_crawl_delay_said_s", "_faster", "_free_until_s", "_last_start_s",
        "_latencies", "_outdated", "_own", "_sent_s", "_silence_s", "_site", "_starts", "_target", "_trip_s",
        "_wait_until_s", "_waits_since_s", "_window_used", "delay_s", "impatient", "name", "silent_until_s", "slots",
        "timer", "timer_s", "void", "waiting",
    )  # fmt: skip

    def __init__(self, name: str, *, site: Pace, own: Pace) -> None:
        """`site` is the deployment's pace for the host, `own` that of this crawl."""
        self.name = name
        self.waiting: deque[asyncio.Future[Slot]] = deque()
        self.impatient: set[asyncio.Future[Slot]] = set()
        self.silent_until_s = -math.inf
        self.slots = Slots()
        self.delay_s = max(_first_delay(site), _first_delay(own))
        self.timer: asyncio.TimerHandle | None = None
        self.timer_s = math.inf
        self.void = 0
        self._site, self._own = site, own
        self._target = min((pace.target_concurrency for pace in (site, own) if pace.adaptive), default=0.0)
        self._starts: deque[tuple[float, float]] = deque()  # from when to when each may be used
        self._free_until_s = -math.inf
        self._window_used = 0
        self._last_start_s = -math.inf
        self._sent_s = -math.inf
        self._waits_since_s = -math.inf
        self._wait_until_s = -math.inf
        self._trip_s = 0.0  # how long the gate takes to answer
        self._asking: PermitCall | None = None
        self._asked_s = -math.inf
        self._outdated = False  # a silence or a longer delay became known after the call was made
        self._latencies: list[Latency] = []
        self._faster = False  # the last latencies would make the delay much shorter
        self._silence_s = -math.inf  # until when, as the gate is to be told
        self._crawl_delay: float | None = None
        self._crawl_delay_said_s = math.inf

    # --- requests ---

    def take(self, now: float) -> Slot | None:
        """A slot for a request that is sent now; None if there is none, or no start."""
        slots = self.slots
        if not slots.free or now < self.silent_until_s:
            return None
        if now < self._free_until_s:
            until = self._free_until_s
            self._window_used += 1
        else:
            start = self._start(now)
            if start is None:
                return None
            until = start
        self._sent_s = now
        return slots.take(now, until)

    def _start(self, now: float) -> float | None:
        """Uses a start that has come; answers until when it may be used."""
        self.void += _drop_void(self._starts, now)
        starts = self._starts
        if not starts or starts[0][0] > now or now < self._sent_s + SPACING * self.delay_s:
            return None
        return starts.popleft()[1]

    def may_send(self, slot: Slot, now: float) -> bool:
        """Whether a request that has taken its slot a moment ago may still be sent."""
        return now < slot.until_s and now >= self.silent_until_s

    def queue(self, future: asyncio.Future[Slot], now: float) -> None:
        """Somebody waits."""
        if not self.waiting:
            self._waits_since_s = now
        self.waiting.append(future)

    def lasts_s(self, coming: int, now: float) -> float:
        """For how many seconds so many requests will be here, those included that wait already; as far as is known.

        Each waits for the delay in force, or for its share of the time that requests have lately kept a slot, whichever
        is longer; and all wait for the end of a silence. Where nothing has left for still longer, because the site does
        not answer or others have the slots, the next one is not expected sooner.
        """
        limit = self._room() + len(self.slots)
        each = max(self.delay_s, self.slots.use_s / limit)
        lasts = max(0.0, self.silent_until_s - now) + max(coming, len(self.waiting)) * each
        return max(lasts, now - max(self._sent_s, self._waits_since_s)) if self.waiting else lasts

    def serve(self, now: float) -> None:
        """Gives slots to those who wait, as far as there are slots and starts."""
        while self.waiting:
            if self.waiting[0].done():  # cancelled
                self.waiting.popleft()
                continue
            slot = self.take(now)
            if slot is None:
                return
            self.waiting.popleft().set_result(slot)

    # --- what becomes known of the host ---

    def answered(self, seconds: float, *, ok: bool) -> None:
        """Notes how long a response has taken."""
        if len(self._latencies) < _MAX_LATENCIES:
            self._latencies.append(Latency(seconds=seconds, ok=ok))
        self._faster |= ok and seconds < self.delay_s * self._target / 2

    def silence(self, until: float) -> None:
        """The host has asked to be left alone: what has been granted is void at once, and the gate is told."""
        self._silence_s = max(self._silence_s, until)
        self.silent_until_s = max(self.silent_until_s, until)
        self._forget_grants()

    def crawl_delay(self, seconds: float) -> None:
        """What robots.txt asks for; 0: nothing."""
        if seconds != self._crawl_delay:
            self._crawl_delay, self._crawl_delay_said_s = seconds, -math.inf
        if seconds > self.delay_s:
            self.delay_s = seconds
            self._forget_grants()

    def slow_down(self, seconds: float) -> None:
        """This crawl's own delay from now on."""
        self._own = replace(self._own, delay_s=seconds)
        if seconds > self.delay_s:
            self.delay_s = seconds
            self._forget_grants()

    def _forget_grants(self) -> None:
        self._outdated = True
        self.void += len(self._starts)
        self._starts.clear()
        self._free_until_s = -math.inf

    # --- when the door has to act ---

    def due_s(self, now: float) -> float:
        """When the gate is to be asked, at the earliest need; not later than `now`: at once; infinity: no need."""
        if self._asking is not None:
            return math.inf
        slots = self.slots
        if slots.going or self._to_report(now):
            return now
        at = self._asked_s + SLOT_TTL_S / 3 if len(slots) else math.inf
        if slots.free and (not self.waiting or now < self.silent_until_s):
            at = min(at, slots.free[0].freed_s + IDLE_S)
        if self.waiting:
            at = min(at, self._want_s(now))
        return at

    def rides(self, now: float) -> bool:
        """Whether a window is in use that is soon to be renewed, if that cost no trip to the gate."""
        in_use = self._window_used > 1 and now < self._free_until_s <= now + RIDE_AHEAD_S
        return in_use and self._asking is None and self.delay_s == 0 and now >= self.silent_until_s

    def serve_s(self, now: float) -> float:
        """When somebody who waits can be served with what is in hand; infinity: not without the gate."""
        if not self.waiting or not self.slots.free:
            return math.inf
        if now < self._free_until_s:
            return max(now, self.silent_until_s)
        if not self._starts:
            return math.inf
        return max(self._starts[0][0], self._sent_s + SPACING * self.delay_s, self.silent_until_s)

    def forgettable(self, now: float) -> bool:
        """Whether nothing would be lost with this object."""
        in_use = len(self.slots) or self.slots.going or self.waiting or self._asking is not None
        return not (in_use or self._to_report(now)) and now >= max(self.silent_until_s, self._asked_s + _FORGET_S)

    def _to_report(self, now: float) -> bool:
        return self._silence_s > now or self._crawl_delay_said_s == -math.inf

    def _want_s(self, now: float) -> float:
        """When those who wait need the gate."""
        self.void += _drop_void(self._starts, now)
        usable = bool(self.slots.free)
        has_starts = len(self.slots) and self._starts and len(self._starts) >= len(self.waiting)
        if has_starts or (usable and now < self._free_until_s):
            return math.inf
        if usable:
            return max(self._start_wanted_s(), self.silent_until_s)
        # All slots are in use, or there are none. A window is kept open where it serves many requests.
        in_use = self._window_used > 1 and now < self._free_until_s
        at = self._free_until_s - RENEW_AHEAD_S if in_use else math.inf
        if self._room() > 0:
            more = self.slots.ask_again_s
            at = min(at, max(self._start_wanted_s(), more) if self.delay_s else more)
        return max(at, self.silent_until_s)

    def _start_wanted_s(self) -> float:
        """When to ask for the next start."""
        if self._faster:  # the wait was said before these latencies were known
            return min(self._wait_until_s, self._asked_s + WINDOW_S)
        if self.delay_s:
            return max(self._wait_until_s, self._last_start_s + self.delay_s - ASK_AHEAD_S - self._trip_s)
        return self._wait_until_s

    def _room(self) -> int:
        """How many more slots the paces allow."""
        limits = [pace.concurrency for pace in (self._site, self._own) if pace.concurrency]
        return min(limits, default=_ANY) - len(self.slots)

    # --- the gate ---

    def call(self, now: float, *, worker: str, job: str, number: int) -> PermitCall:
        """What to ask the gate now; its answer goes to `granted`, or to `failed` if there is none."""
        self.void += _drop_void(self._starts, now)
        slots, waiting = self.slots, 0 if now < self.silent_until_s else len(self.waiting)
        slots.spare(now, needed=waiting)
        say = now >= self._crawl_delay_said_s + _SAY_AGAIN_S
        call = PermitCall(
            host=self.name,
            worker=worker,
            call=number,
            job=job,
            # A window that is renewed on the way is wanted although nobody waits at this moment.
            want=max(int(self.rides(now)), min(waiting - len(self._starts), self._usable_starts())),
            keep=slots.tokens(),
            busy=len(slots.busy),
            give_up=tuple(slots.going),
            new_slots=slots.offers(self._missing(waiting)),
            site=self._site,
            own=self._own,
            latencies=tuple(self._latencies),
            silence_s=max(0.0, self._silence_s - now),
            crawl_delay_s=self._crawl_delay if say else None,
        )
        if say:
            self._crawl_delay_said_s = now
        slots.going, self._latencies, self._faster, self._silence_s = [], [], False, -math.inf
        self._asking, self._asked_s, self._outdated = call, now, False
        return call

    def _missing(self, waiting: int) -> int:
        """How many slots to ask for: not more than there can be starts for."""
        return max(0, min(min(waiting, self._usable_starts()) - len(self.slots.free), self._room()))

    def _usable_starts(self) -> int:
        """How many starts of one answer can be used although the loop is a little late, the first one being due."""
        return 1 + int(_AHEAD_S / self.delay_s) if self.delay_s else _ANY

    def granted(self, permit: Permit, got: float) -> None:
        """Takes over what the gate has answered to `call`; the answer arrived at `got`."""
        call, sent, self._asking = self._asking, self._asked_s, None
        if call is None:
            raise AssertionError("an answer follows a call")
        self.slots.granted(frozenset(permit.slots), call.new_slots, got)
        self.delay_s, self.slots.contended = permit.delay_s, permit.contended
        if permit.silent_s > 0:
            self.silent_until_s = max(self.silent_until_s, got + permit.silent_s + _GRAIN_S)
        answered, trip = (sent + got) / 2, got - sent
        self._trip_s += (min(trip, WINDOW_S) - self._trip_s) * _TRIP_WEIGHT
        nothing = not (permit.starts or permit.free_until_s)
        wait = permit.wait_s - self._trip_s  # a call that is on its way when the time has come
        self._wait_until_s = max(answered + wait, got + _SHORTEST_WAIT_S if nothing else 0.0)
        if self._outdated:
            return
        spent = sent + SPENT_WITHIN_S
        free_until = min(sent + permit.free_until_s, spent)
        if self.delay_s or free_until > self._free_until_s:
            self._free_until_s, self._window_used = free_until, 0
        for start in permit.starts:
            first, last = answered + start, min(sent + start + LATENESS_S, spent)
            self._last_start_s = first
            if max(first, got) < last:
                self._starts.append((first, last))
            else:
                self.void += 1

    def failed(self) -> None:
        """The gate did not answer at all."""
        self._asking = None


def _drop_void(starts: deque[tuple[float, float]], now: float) -> int:
    """Forgets starts whose time is over, which would be taken for some that can be used; answers how many."""
    void = 0
    while starts and starts[0][1] <= now:
        starts.popleft()
        void += 1
    return void


def _first_delay(pace: Pace) -> float:
    """The delay before the gate has said one."""
    return max(pace.delay_s, pace.start_delay_s) if pace.adaptive else pace.delay_s
