"""Seats: the right of a node to run one worker of a job, for as long as the worker says that it lives.

Nobody puts workers into a queue. A node with a free slot asks `take`, which chooses a job at that moment: by what its
client has already, then by priority, then by age. A seat that is not kept is free again. How many workers a job has
work for is counted by the script, from the job's own keys.
"""

from __future__ import annotations

import asyncio
import enum
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.jobs.model import Job, Priority
from crawler.jobs.redis import RedisJobStore
from crawler.scripts import load_script
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"

#: A seat is free again when its worker has been silent for so long.
SEAT_TTL_S: Final = 30.0

#: A further worker is worth its start when so many pages are ready for it.
PAGES_PER_WORKER: Final = 4

#: Orders of jobs are looked up once; so many are remembered.
_REMEMBERED: Final = 2_000

_RANKS: Final = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2, Priority.IDLE: 3}

_TAKE = load_script(_LUA, "seat_take.lua", preludes=("seats.lua",))
_KEEP = load_script(_LUA, "seat_keep.lua", preludes=("seats.lua",))
_YIELD = load_script(_LUA, "seat_yield.lua", preludes=("seats.lua",))


class SeatReply(enum.StrEnum):
    """What the holder of a seat hears when it keeps it."""

    KEPT = "kept"
    GONE = "gone"  # it has been silent for too long: leave
    YIELD = "yield"  # others wait for it: leave at the end of a page


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """A node's right to run one worker of a job.

    Attributes:
        job: its id.
        token: names the seat.
        node: who has it.
        since_ms: when it was taken; ms of the store's clock, as the next.
        expires_ms: when it is free again unless it is kept.
        worker: who sits there; "" while it is being started.
    """

    job: str
    token: str
    node: str
    since_ms: int
    expires_ms: int
    worker: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Seats of a job that wait for a node."""

    job: Job
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    job: Job
    free: int
    held: int


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A seat as `seats.lua` keeps it. A later release may add to its end what this one need not know."""

    node: str
    since_ms: float
    expires_ms: float
    worker: str


class RedisSeats:
    """The seats of all jobs of a store."""

    def __init__(self, store: Caller, *, reads: int = 0) -> None:
        """`reads`: what workers read that take a seat here, as they say it to a frontier."""
        self._store = store
        self._reads = reads
        self._jobs = RedisJobStore(store)
        self._orders: dict[str, Job] = {}

    async def take(self, node: str, *, ttl_s: float = SEAT_TTL_S) -> Seat | None:
        """Reserves a seat for a worker that the node starts now; None if no job has work for one.

        Raises:
            StoreError: the store refuses us.
        """
        for candidate in _in_turn(await self._candidates(ttl_s)):
            token = secrets.token_hex(8)
            taken, *_ = await self._seat_call(candidate.job, token, node, ttl_s)
            if taken:
                seat = next((seat for seat in await self.of(candidate.job.id) if seat.token == token), None)
                if seat is not None:
                    return seat
        return None

    async def wanted(self, *, ttl_s: float = SEAT_TTL_S) -> tuple[Wanted, ...]:
        """Jobs that have work for more workers, in the order in which they get them.

        Raises:
            StoreError: the store refuses us.
        """
        candidates = _in_turn(await self._candidates(ttl_s))
        return tuple(Wanted(job=candidate.job, count=candidate.free) for candidate in candidates)

    async def keep(self, job: str, token: str, *, worker: str, ttl_s: float = SEAT_TTL_S) -> SeatReply:
        """Prolongs a seat for its worker.

        Raises:
            StoreError: the store refuses us.
        """
        answer = await self._store.call(_KEEP, [self._key(job)], [token, worker, int(ttl_s * 1000)])
        return {b"K": SeatReply.KEPT, b"Y": SeatReply.YIELD}.get(answer, SeatReply.GONE)

    async def leave(self, job: str, token: str) -> None:
        """Gives a seat back; one that is gone is given back already.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.command("HDEL", self._key(job), token)

    async def ask_to_yield(self, job: str, token: str) -> bool:
        """Asks whoever has a seat to give it up at the end of a page; whether anybody has it.

        Raises:
            StoreError: the store refuses us.
        """
        return bool(await self._store.call(_YIELD, [self._key(job)], [token]))

    async def of(self, job: str) -> tuple[Seat, ...]:
        """The seats of a job, the oldest first; those too that have expired and are not taken away yet.

        Raises:
            StoreError: the store refuses us.
        """
        answer: dict[bytes, bytes] | list[bytes] = await self._store.command("HGETALL", self._key(job))
        # A list under the older protocol of Redis, which REDIS_PARAMS may ask for.
        pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
        seats = [_seat(job, token, record) for token, record in pairs]
        return tuple(sorted(seats, key=lambda seat: (seat.since_ms, seat.token)))

    async def _candidates(self, ttl_s: float) -> list[_Candidate]:
        jobs = await self._live_jobs()
        answers = await asyncio.gather(*(self._seat_call(job, "", "", ttl_s) for job in jobs))
        pairs = zip(jobs, answers, strict=True)
        return [_Candidate(job=job, free=free, held=held) for job, (_, free, held) in pairs]

    async def _live_jobs(self) -> list[Job]:
        ids = await self._jobs.live()
        if len(self._orders) > _REMEMBERED:
            self._orders = {each: job for each, job in self._orders.items() if each in ids}
        unknown = [each for each in ids if each not in self._orders]
        for stored in await asyncio.gather(*(self._jobs.get(each) for each in unknown), return_exceptions=True):
            if isinstance(stored, Undecodable) or stored is None:
                continue  # of a later version, or gone: nobody here can run it
            if isinstance(stored, BaseException):
                raise stored
            self._orders[stored.job.id] = stored.job
        return [self._orders[each] for each in ids if each in self._orders and not self._orders[each].by_hand]

    async def _seat_call(self, job: Job, token: str, node: str, ttl_s: float) -> Sequence[int]:
        words = (token, node, int(ttl_s * 1000), job.max_workers, PAGES_PER_WORKER, self._reads)
        answer: Sequence[int] = await self._store.call(_TAKE, [self._key(job.id)], words)
        return answer

    def _key(self, job: str) -> str:
        return f"{self._store.prefix}:{{{job}}}:seats"


def _in_turn(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Those with work for another worker: clients that have little before those that have much, `idle` jobs last."""
    running: Counter[str] = Counter()
    for candidate in candidates:
        running[candidate.job.client] += candidate.held

    def turn(candidate: _Candidate) -> tuple[bool, int, int, int, str]:
        job = candidate.job
        idle = job.priority is Priority.IDLE
        return idle, running[job.client], _RANKS[job.priority], job.created_ms, job.id

    return sorted((candidate for candidate in candidates if candidate.free), key=turn)


def _seat(job: str, token: bytes, record: bytes) -> Seat:
    kept = msgspec.msgpack.decode(record, type=_Kept)
    return Seat(
        job=job,
        token=token.decode(),
        node=kept.node,
        since_ms=int(kept.since_ms),
        expires_ms=int(kept.expires_ms),
        worker=kept.worker,
    )
