"""What can be done to a platform: an injection hits something of the arena at a moment when it has work in hand.

An injection is a function of the arena that says what it has done; None if there was nothing worth hitting just then.
What it breaks it also plans to mend: the arena does that when the time has come.
"""

from __future__ import annotations

import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from arena import any_of, signal_process, stop_process
from big_site import WALLS

if TYPE_CHECKING:
    from arena import Arena, Place
    from job_on_platform import JobOnPlatform


@dataclass(kw_only=True)
class Injection:
    """One that has happened.

    Attributes:
        fault: what was done: kill, freeze, partition, power-loss, disk-full, maxmemory, storage, drain, clock ...
        victim: to whom: worker, node, steward, api, store, storage, site, or a link between two of them.
        held: leases that the victim had, or bytes of rows that were in no segment; 0 if only a call was under way.
        point: the fault point at which it happened; "" = at any moment.
        how: details for a reader.
        at_s: seconds since the round began.
        counts: whether the victim had work in flight.
    """

    fault: str
    victim: str
    held: int = 0
    point: str = ""
    how: str = ""
    at_s: float = 0.0
    counts: bool = True

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value != ""}


#: What a frozen process has sent still arrives within so many seconds.
_SETTLES_S = 0.03


def held_by(job: JobOnPlatform, pid: int) -> int:
    """Leases of a process that stands still."""
    time.sleep(_SETTLES_S)
    return job.books.held_by(pid)


def _frozen_worker(arena: Arena) -> tuple[JobOnPlatform, int, int] | None:
    """A worker that stands still while it holds leases: its job, its process id and how many."""
    choices = [(job, pid) for job, pid in arena.workers() if pid not in arena.frozen]
    arena.random.shuffle(choices)
    for job, pid in choices:
        if not stop_process(pid):
            continue
        held = 0
        try:
            held = held_by(job, pid)
        finally:
            if not held:
                signal_process(pid, signal.SIGCONT)
        if held:
            return job, pid, held
    return None


# --- kills ---


def kill_worker(arena: Arena) -> Injection | None:
    """SIGKILL of a worker that holds leases."""
    found = _frozen_worker(arena)
    if found is None:
        return None
    _, pid, held = found
    signal_process(pid, signal.SIGKILL)
    return Injection(fault="kill", victim="worker", held=held)


def kill_node(arena: Arena) -> Injection | None:
    """SIGKILL of a node; its workers go with it."""
    place = any_of(arena.random, arena.victims("node"))
    held = 0 if place is None else _held_on(arena, place)
    if not held:
        return None
    place.process.kill()
    arena.miss(place, after_s=arena.random.uniform(0, 1.5))
    return Injection(fault="kill", victim="node", held=held)


def _held_on(arena: Arena, place: Place) -> int:
    return sum(job.books.held_by(pid) for job, pid in arena.workers(place))


def waiting_rows(arena: Arena) -> int:
    """Bytes of rows that are in no recorded segment."""
    return sum(job.waiting_rows() for job in arena.live_jobs if job.id)


def kill_steward(arena: Arena) -> Injection | None:
    """SIGKILL of one of the stewards while rows wait: whether it was at work on them cannot be seen."""
    place = any_of(arena.random, arena.victims("steward"))
    rows = waiting_rows(arena)
    if place is None or not rows:
        return None
    place.process.kill()
    arena.miss(place, after_s=arena.random.uniform(0, 1.5))
    return Injection(fault="kill", victim="steward", held=rows, counts=False)


def kill_api(arena: Arena) -> Injection | None:
    """SIGKILL of a whole API while a client waits for its answer."""
    asked = [job for job in arena.live_jobs if not job.id and job.order.tries]
    place = any_of(arena.random, arena.victims("api"))
    if place is None or not asked:
        return None
    place.process.kill()
    arena.miss(place, after_s=arena.random.uniform(0, 1.5))
    return Injection(fault="kill", victim="api")


def kill_api_at_work(arena: Arena) -> Injection | None:
    """Orders a job, so that an API has something to do, and kills one of them."""
    arena.order(large=False)
    time.sleep(arena.random.uniform(0, 0.05))
    return kill_api(arena)


def leased(arena: Arena) -> int:
    """Pages that workers have in hand."""
    return sum(job.books.leased() for job in arena.live_jobs if job.id)


def kill_store(arena: Arena) -> Injection | None:
    """SIGKILL of the store; one time in four it is away for longer than leases live."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    is_long = arena.random.random() < 0.25
    down_s = 1.5 * arena.profile.ttl_s if is_long else arena.random.uniform(0, 1)
    arena.kill_store(down_s=down_s)
    return Injection(fault="kill", victim="store", held=held, how=f"down {down_s:.1f} s")


def kill_storage(arena: Arena) -> Injection | None:
    """SIGKILL of the storage of files while rows wait for it."""
    rows = 0 if arena.storage_is_missed else waiting_rows(arena)
    if not rows:
        return None
    down_s = arena.random.uniform(0, 2)
    arena.kill_storage(down_s=down_s)
    return Injection(fault="kill", victim="storage", held=rows, how=f"down {down_s:.1f} s")


# --- processes that stand still ---


def freeze_worker(arena: Arena) -> Injection | None:
    """A worker stands still for two lives of its leases, and goes on as if nothing had been."""
    found = _frozen_worker(arena)
    if found is None:
        return None
    _, pid, held = found
    seconds = 2 * arena.profile.ttl_s
    arena.thaw_later(pid, seconds=seconds)
    return Injection(fault="freeze", victim="worker", held=held, how=f"{seconds:.1f} s")


def freeze_node(arena: Arena) -> Injection | None:
    """A node stands still with its workers, as a paused virtual machine does."""
    place = any_of(arena.random, [each for each in arena.victims("node") if each.process.pid not in arena.frozen])
    held = 0 if place is None else _held_on(arena, place)
    if not held:
        return None
    seconds = 2 * arena.profile.ttl_s
    for pid in (place.process.pid, *(pid for _, pid in arena.workers(place))):
        arena.freeze(pid, seconds=seconds)
    return Injection(fault="freeze", victim="node", held=held, how=f"{seconds:.1f} s")


# --- the network ---

#: What a link can do, with the options of `Link.set`; `lose`: what is said meanwhile is lost.
_PARTITIONS = (
    ("latency", {"ms": 400, "jitter_ms": 300}),
    ("reset", {}),
    ("refuse", {}),
    ("half-open", {"lose": True}),
    ("drop-requests", {}),
    ("drop-replies", {}),
    ("bandwidth", {"bytes_per_s": 4096}),
)


def partition(arena: Arena) -> Injection | None:
    """Something happens to the link between a process and what it needs, for up to two lives of a lease.

    A node's workers read and settle pages all the time; a steward asks several times a second, and moves rows; an API
    is given an order first.
    """
    place = any_of(arena.random, [each for each in arena.places if each.running])
    if place is None:
        return None
    kind = arena.random.choice(("store", "store", "site") if place.kind == "node" else ("store", "storage"))
    held = _held_on(arena, place) if place.kind == "node" else waiting_rows(arena)
    sites = [job.site.link for job in arena.live_jobs if job.is_large]
    if (place.kind != "api" and not held) or (kind == "site" and not sites):
        return None
    link = arena.random.choice(sites) if kind == "site" else getattr(place, kind)
    mode, options = arena.random.choice(_PARTITIONS)
    seconds = arena.random.uniform(0.2, 2 * arena.profile.ttl_s)
    if place.kind == "api":
        arena.order(large=False)
    if not arena.disturb(link, mode, seconds=seconds, **options):
        return None
    victim = f"{place.kind}>{kind}"
    return Injection(fault="partition", victim=victim, held=held, how=f"{mode}, {seconds:.1f} s")


# --- the storage of files ---

_ANSWERS = (
    ("answer", {"status": 500}),
    ("answer", {"status": 503}),
    ("answer", {"status": 500, "share": 0.5}),
    ("answer-after", {"methods": ["PUT"], "share": 0.5}),
    ("half-open", {"lose": True}),
    ("latency", {"ms": 1500, "jitter_ms": 500}),
)


def storage_outage(arena: Arena) -> Injection | None:
    """The storage answers with errors, late, or not at all, to everybody; or it is killed."""
    rows = waiting_rows(arena)
    if not rows or arena.storage_is_missed:
        return None
    seconds = arena.random.uniform(1, 3 * arena.profile.ttl_s)
    choice = arena.random.randrange(len(_ANSWERS) + 1)
    if choice == len(_ANSWERS):
        arena.kill_storage(down_s=seconds)
        how = "killed"
    else:
        mode, options = _ANSWERS[choice]
        for place in arena.places:
            arena.disturb(place.storage, mode, seconds=seconds, **options)
        how = f"{mode} {options.get('status', '')}".strip()
    return Injection(fault="storage", victim="storage", held=rows, how=f"{how}, {seconds:.1f} s")


# --- disks and memory ---


def lose_power(arena: Arena) -> Injection | None:
    """The machine of the store loses power: its files have what had been synced, and a part of the rest."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    lost = arena.store.lose_power(keep=arena.random.random())
    down_s = arena.random.uniform(0, 1)
    arena.miss_store(down_s=down_s)
    return Injection(fault="power-loss", victim="store", held=held, how=f"{lost:,} bytes of its log lost")


def lose_a_second(arena: Arena) -> Injection | None:
    """The store loses the last second, although its disk has said that all of it is safe."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    lost = arena.store.lose_power(synced=False, back_s=1.0)
    arena.miss_store(down_s=arena.random.uniform(0, 1))
    return Injection(fault="power-loss", victim="store", held=held, how=f"{lost:,} bytes of its log lost")


def fill_disk(arena: Arena) -> Injection | None:
    """The disk of the store is full for a while. One that syncs always ends by that, and is started again."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    arena.store.fill_disk()
    seconds = arena.random.uniform(0.5, 2 * arena.profile.ttl_s)
    arena.miss_store(down_s=seconds, mend=arena.store.free_disk)
    return Injection(fault="disk-full", victim="store", held=held, how=f"{seconds:.1f} s")


def fill_memory(arena: Arena) -> Injection | None:
    """The store has no room for a while, and refuses what needs some."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    seconds = arena.random.uniform(0.5, 2 * arena.profile.ttl_s)
    if not arena.fill_memory(seconds=seconds):
        return None
    return Injection(fault="maxmemory", victim="store", held=held, how=f"{seconds:.1f} s")


# --- rollouts ---


def drain(arena: Arena) -> Injection | None:
    """SIGTERM of a node, which gives back what it has and ends in order; another one takes its place."""
    place = any_of(arena.random, [each for each in arena.victims("node") if each.name not in arena.leaving])
    held = 0 if place is None else _held_on(arena, place)
    if not held:
        return None
    process = place.process
    process.process.terminate()
    arena.leaving[place.name] = time.monotonic()
    return Injection(fault="drain", victim="node", held=held)


# --- sites ---


def put_up_wall(arena: Arena) -> Injection | None:
    """The site of a large job answers the next page with something else."""
    jobs = [job for job in arena.live_jobs if job.is_large and job.settled > 20]
    if not jobs or not leased(arena):
        return None
    kind = arena.random.choice(sorted(WALLS))
    any_of(arena.random, jobs).site.process.wall(kind)
    return Injection(fault="wall", victim="site", how=kind)


# --- clocks ---


def jump_clock(arena: Arena) -> Injection | None:
    """The clock of a process jumps by an hour, or that of the store by a minute. It stays so, or jumps again."""
    held = 0 if arena.store_is_missed else leased(arena)
    if not held:
        return None
    name = arena.random.choice(sorted(arena.clocks))
    place = next((each for each in arena.places if each.name == name), None)
    if place is not None:
        held = _held_on(arena, place) if place.kind == "node" else waiting_rows(arena)
    if place is not None and place.kind == "api":
        arena.order(large=False)
    elif not held:
        return None
    seconds = arena.random.choice((-1, 1)) * (60 if name == "store" else 3600)
    arena.clocks[name].jump(seconds)
    return Injection(fault="clock", victim=name.rpartition("-")[0] or name, held=held, how=f"{seconds:+d} s")


# --- what clients do ---


def steer(arena: Arena) -> Injection:
    """A client orders a job and pauses it for a moment, or cancels it."""
    steps = arena.random.choice((("pause", "resume"), ("cancel",)))
    arena.order(large=False, steps=steps)
    return Injection(fault="steer", victim="job", how=" and ".join(steps), counts=False)
