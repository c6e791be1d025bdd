"""The gate of one process: `scrapy crawl` on a laptop, and the reference for other back ends.

A call holds no lock because it never awaits: each runs in one go on the event loop. Times are whole milliseconds of an
injected clock, as the store counts them, so that both back ends give the same answers. `lua/gate.lua` says the same in
the same order; a change belongs in both.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from crawler.frontier.gate_contract import SLOT_TTL_S, WINDOW_S, Permit, whole_ms
from crawler.frontier.gate_pace import Rhythm, asked_of_itself, latency_ms, rounded_up, throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from crawler.frontier.gate_contract import PermitCall

_WINDOW_MS: Final = whole_ms(WINDOW_S)
_SLOT_TTL_MS: Final = whole_ms(SLOT_TTL_S)
_LONGEST_MS: Final = whole_ms(math.inf)

#: Who has used its starts asks again so long before the next one, so that no time is lost on the way.
EARLY_MS: Final = 20

#: Who has no slot, or none without a request, asks again after this time.
POLL_MS: Final = 30

#: Who waits keeps its place in the queue for so long after the moment at which it was to ask again.
PLACE_MS: Final = 1000

#: What is known of a host and a job, and the last answer to a worker, are forgotten so long after their last use.
HOST_KEPT_MS: Final = 3_600_000
WORKER_KEPT_MS: Final = 600_000

#: robots.txt counts for a day (RFC 9309, 2.4), and so does what it says about pace.
CRAWL_DELAY_KEPT_MS: Final = 24 * 3_600_000

#: Weight of a new latency in the mean.
LATENCY_WEIGHT: Final = 0.2

_SWEEP_EVERY_MS: Final = 60_000

#: Room where there is no limit.
ANY: Final = 1 << 30


class _Place(Struct):
    """A place in a queue: for slots, or for starts.

    Attributes:
        order: first come, first served.
        missing: how many slots or starts it wants.
        own: it is its own job's limit that it waits for; whoever is of another job does not stand in its way.
        lost_at: when the place is lost.
    """

    order: int
    missing: int
    own: bool
    lost_at: int


class _Answer(Struct):
    """What a worker was told last; times are absolute."""

    call: int = 0
    slots: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    free_until: int = 0
    wait_until: int = 0
    delay: int = 0
    contended: bool = False


class _Worker(Struct):
    job: str
    slots: dict[int, int] = field(default_factory=dict)  # token -> deadline
    deadline: int = 0  # the last of its slots'
    limit: int = 0
    delay: int = 0
    adaptive: bool = False
    slot_place: _Place | None = None
    start_place: _Place | None = None
    answer: _Answer = field(default_factory=_Answer)
    kept_until: int = 0

    def held(self, now: int) -> int:
        """Slots that count."""
        return len(self.slots) if self.deadline > now else 0

    def waits_for_slots(self, now: int, *, own: bool) -> bool:
        """Whether it stands in the queue for slots of its job, or of the host."""
        return self.slot_place is not None and self.slot_place.lost_at > now and self.slot_place.own is own

    def waits_for_starts(self, now: int) -> bool:
        """Whether it stands in the queue for starts."""
        return self.start_place is not None and self.start_place.lost_at > now

    def takes_part(self, now: int) -> bool:
        """Whether the others have to reckon with it."""
        waits = self.slot_place is not None and self.slot_place.lost_at > now
        return self.held(now) > 0 or waits or self.waits_for_starts(now)


class _Host(Struct):
    rhythm: Rhythm = field(default_factory=Rhythm)
    silent_until: int = 0
    crawl_delay: int = 0
    crawl_delay_until: int = 0
    latency: float | None = None  # mean, ms
    order: int = 0  # places given so far
    workers: dict[str, _Worker] = field(default_factory=dict)
    jobs: dict[str, Rhythm] = field(default_factory=dict)
    kept_until: int = 0


class MemoryGate:
    """See `crawler.frontier.gate_contract.Gate`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """A gate that knows no host yet; `clock` gives seconds."""
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._sweep_at = 0

    async def permit(self, calls: Sequence[PermitCall]) -> tuple[Permit, ...]:
        """See the contract."""
        now = math.floor(self._clock() * 1000 + 1e-6)  # whole milliseconds are not whole in seconds
        if now >= self._sweep_at:
            self._sweep(now)
        return tuple(self._permit(call, now) for call in calls)

    def _permit(self, call: PermitCall, now: int) -> Permit:
        host = self._hosts.get(call.host)
        if host is None or host.kept_until <= now:
            host = self._hosts[call.host] = _Host()
        worker = host.workers.get(call.worker)
        if worker is None or worker.kept_until <= now:
            worker = host.workers[call.worker] = _Worker(call.job)
        if call.call < worker.answer.call:
            return Permit()
        if call.call > worker.answer.call:
            worker.answer = _Turn(host, worker, call, now).take()
        return _told(worker, host.silent_until, now)

    def _sweep(self, now: int) -> None:
        """Forgets what nobody has used for long."""
        self._sweep_at = now + _SWEEP_EVERY_MS
        self._hosts = {name: host for name, host in self._hosts.items() if host.kept_until > now}
        for host in self._hosts.values():
            host.workers = {name: worker for name, worker in host.workers.items() if worker.kept_until > now}
            host.jobs = {name: job for name, job in host.jobs.items() if job.kept_until > now}


def _told(worker: _Worker, silent_until: int, now: int) -> Permit:
    """What a worker was told last, as seen from now."""
    answer, silent = worker.answer, max(0, silent_until - now)
    return Permit(
        slots=tuple(token for token in answer.slots if worker.slots.get(token, 0) > now),
        starts=() if silent else tuple((start - now) / 1000 for start in answer.starts if start >= now),
        free_until_s=0.0 if silent else max(0, answer.free_until - now) / 1000,
        wait_s=max(silent, answer.wait_until - now, 0) / 1000,
        silent_s=silent / 1000,
        delay_s=answer.delay / 1000,
        contended=answer.contended,
    )


class _Room(Struct, frozen=True):
    """How many slots a limit leaves, and how many of it a worker may keep while others wait."""

    free: int = ANY
    share: int = ANY
    waited_for: bool = False


class _Turn:
    """One call on its way through the state of its host."""

    def __init__(self, host: _Host, worker: _Worker, call: PermitCall, now: int) -> None:
        """Nothing has happened yet."""
        self.host, self.worker, self.call, self.now = host, worker, call, now
        self.others = [other for other in host.workers.values() if other is not worker and other.takes_part(now)]
        self.own = asked_of_itself(call)
        self.job = self._rhythm_of_job()
        self.delay = self.own_delay = 0
        self.answer = _Answer(call=call.call)

    def take(self) -> _Answer:
        """Everything that the call does."""
        self._learn()
        self._find_delays()
        kept = self._settle_slots()
        if self.host.silent_until > self.now:
            self.answer.slots = tuple(kept)
        else:
            self._grant_slots(kept)
            self._grant_starts()
        self._keep()
        return self.answer

    def _rhythm_of_job(self) -> Rhythm:
        """One that is kept only if the job has a delay of its own."""
        job = self.host.jobs.get(self.call.job)
        if job is None or job.kept_until <= self.now:
            job = Rhythm()
        if self.own.delay_s > 0 or self.own.adaptive:
            self.host.jobs[self.call.job] = job
        return job

    # --- what is known of the host ---

    def _learn(self) -> None:
        host, worker, call, now = self.host, self.worker, self.call, self.now
        if call.silence_s > 0:
            host.silent_until = max(host.silent_until, now + whole_ms(call.silence_s))
        if call.crawl_delay_s is not None:
            host.crawl_delay = whole_ms(call.crawl_delay_s)
            host.crawl_delay_until = now + CRAWL_DELAY_KEPT_MS
        worker.job = call.job
        worker.limit, worker.delay = call.site.concurrency, whole_ms(call.site.delay_s)
        worker.adaptive = call.site.adaptive
        for sample in call.latencies:
            latency = latency_ms(sample.seconds)
            host.latency = latency if host.latency is None else host.latency + (latency - host.latency) * LATENCY_WEIGHT

    def _find_delays(self) -> None:
        """The delays in force: what anybody asks of the whole host, and what the job asks of itself."""
        call, own, site, job = self.call, self.own, self.host.rhythm, self.job
        if call.site.adaptive:
            site.delay = throttled(site.delay, call.site, call.latencies)
        if own.adaptive:
            job.delay = throttled(job.delay, own, call.latencies)
        self.delay = max(self.worker.delay, max((other.delay for other in self.others), default=0))
        if self.host.crawl_delay_until > self.now:
            self.delay = max(self.delay, self.host.crawl_delay)
        if site.delay is not None and (call.site.adaptive or any(other.adaptive for other in self.others)):
            self.delay = max(self.delay, rounded_up(site.delay))
        self.own_delay = whole_ms(own.delay_s)
        if own.adaptive and job.delay is not None:
            self.own_delay = max(self.own_delay, rounded_up(job.delay))
        self.answer.delay = max(self.delay, self.own_delay)

    # --- slots ---

    def _settle_slots(self) -> list[int]:
        """Takes back what has been given up or lost; the tokens that are kept."""
        worker, call = self.worker, self.call
        given_up = set(call.give_up)
        worker.slots = {
            token: deadline for token, deadline in worker.slots.items() if deadline > self.now and token not in given_up
        }
        kept = [token for token in dict.fromkeys(call.keep) if token in worker.slots]
        worker.slots.update(dict.fromkeys(kept, self.now + _SLOT_TTL_MS))
        return kept

    def _grant_slots(self, kept: list[int]) -> None:
        worker, call = self.worker, self.call
        asked = [token for token in dict.fromkeys(call.new_slots) if token not in worker.slots][: max(0, call.want)]
        limits = [limit for limit in (worker.limit, *(other.limit for other in self.others)) if limit]
        site = self._room(min(limits, default=0), self.others, own=False)
        same_job = [other for other in self.others if other.job == call.job]
        own = self._room(self.own.concurrency, same_job, own=True)
        granted = asked[: min(site.free, own.free)]
        worker.slots.update(dict.fromkeys(granted, self.now + _SLOT_TTL_MS))
        worker.slot_place = self._place(
            worker.slot_place,
            missing=len(asked) - len(granted),
            served=bool(granted),
            own=own.free < site.free,
            asks_at=self.now,
        )
        held = len(worker.slots)
        self.answer.contended = any(room.waited_for and held > room.share for room in (site, own))
        self.answer.slots = (*kept, *granted)

    def _room(self, limit: int, others: Iterable[_Worker], *, own: bool) -> _Room:
        """What a limit leaves for this worker, when those before it in the queue have got their share."""
        if not limit:
            return _Room()
        worker, now = self.worker, self.now
        mine = _order(worker.slot_place, now)
        held, claimants, before = len(worker.slots), 1, []
        waited_for = False
        for other in others:
            held += other.held(now)
            waits = other.waits_for_slots(now, own=own)
            claimants += waits or other.held(now) > 0
            waited_for |= waits
            if waits and other.slot_place is not None and other.slot_place.order < mine:
                before.append((other.slot_place.missing, other.held(now)))
        share = limit // claimants
        reserved = sum(max(0, min(missing, max(share, 1) - has)) for missing, has in before)
        return _Room(max(0, limit - held - reserved), share, waited_for)

    def _place(self, place: _Place | None, *, missing: int, served: bool, own: bool, asks_at: int) -> _Place | None:
        """Where the worker stands from now on; who has been served goes to the end."""
        if missing <= 0:
            return None
        if place is None or place.lost_at <= self.now or served:
            self.host.order += 1
            return _Place(self.host.order, missing, own, asks_at + PLACE_MS)
        return _Place(place.order, missing, own, asks_at + PLACE_MS)

    # --- starts ---

    def _grant_starts(self) -> None:
        answer, now = self.answer, self.now
        step = max(self.delay, self.own_delay)
        place, self.worker.start_place = self.worker.start_place, None
        if self.call.want <= 0:
            return
        if not answer.slots:
            answer.wait_until = now + POLL_MS
        elif not step:
            answer.free_until = now + _WINDOW_MS
            answer.wait_until = answer.free_until - EARLY_MS
            self.host.rhythm.passed(answer.free_until)
        else:
            self._grant_spaced(place, step)

    def _grant_spaced(self, place: _Place | None, step: int) -> None:
        """Starts that keep the delays, of those within the window that nobody else has waited for longer."""
        answer, now, site, job = self.answer, self.now, self.host.rhythm, self.job
        wanted = min(self.call.want, self._usable())
        rivals = [other.start_place for other in self.others if other.start_place is not None and self._is_rival(other)]
        most = max(1, (_WINDOW_MS // step + 1) // (1 + len(rivals)))
        before = [rival for rival in rivals if rival.order < _order(place, now)]
        first = max(site.next(self.delay, now), job.next(self.own_delay, now))
        horizon = now + _WINDOW_MS - sum(self._reserved(before, most))
        granted = min(wanted, most, max(0, (horizon - first) // step + 1))
        answer.starts = tuple(first + index * step for index in range(granted))
        if granted:
            site.passed(answer.starts[-1])
            job.passed(answer.starts[-1])
        of_site, of_job = self._reserved(rivals if granted else before, most)
        next_of_site = site.next(self.delay, now) + of_site
        next_of_job = job.next(self.own_delay, now) + of_job
        answer.wait_until = max(now, max(next_of_site, next_of_job) - EARLY_MS) if wanted else now + POLL_MS
        self.worker.start_place = self._place(
            place,
            missing=wanted - granted,
            served=granted > 0,
            own=next_of_job > next_of_site,
            asks_at=answer.wait_until,
        )

    def _usable(self) -> int:
        """How many starts find a free slot within the window: one for each idle slot, and those that come free."""
        held = len(self.answer.slots)
        idle = max(0, held - max(0, self.call.busy))
        latency = self.host.latency
        return idle if latency is None else idle + math.floor(held * _WINDOW_MS / max(latency, 1.0))

    def _is_rival(self, other: _Worker) -> bool:
        """Whether the other waits for a start that this worker would take."""
        if not other.waits_for_starts(self.now) or other.start_place is None:
            return False
        if other.start_place.own:
            return self.own_delay > 0 and other.job == self.call.job
        return self.delay > 0

    def _reserved(self, places: Iterable[_Place], most: int) -> tuple[int, int]:
        """How much time those in the queue will take, of the host's and of the job's."""
        site = sum(min(place.missing, most) for place in places if not place.own)
        own = sum(min(place.missing, most) for place in places if place.own)
        return site * self.delay, own * self.own_delay

    # --- the end ---

    def _keep(self) -> None:
        host, worker, now = self.host, self.worker, self.now
        worker.deadline = max(worker.slots.values(), default=0)
        worker.kept_until = now + WORKER_KEPT_MS
        self.job.kept_until = now + HOST_KEPT_MS
        host.kept_until = max(now + HOST_KEPT_MS, host.silent_until)
        if host.crawl_delay:
            host.kept_until = max(host.kept_until, host.crawl_delay_until)


def _order(place: _Place | None, now: int) -> int:
    """The number in the queue; behind all others without a place in it."""
    return place.order if place is not None and place.lost_at > now else ANY
