"""A frontier and its model side by side: each call is made on the one, judged by the other, and answered.

`Backend` is what a back end brings along: a frontier on a clock that a test moves, and a way to run its calls.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from model import BULK, Disagreement, Features, Model, Staged, agree
from msgspec import structs

from crawler.frontier.contract import Reply
from crawler.frontier.memory import MemoryFrontier
from crawler.frontier.redis import RedisFrontier
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from crawler.frontier.contract import (
        CommitReply,
        Fate,
        Frontier,
        FrontierRequest,
        Lease,
        LeaseReply,
        PageCommit,
        StoredRow,
    )

#: Time passes in eighths of a second: a binary fraction, so that seconds in floats and milliseconds in integers agree
#: about what is due at this very moment.
TICK_MS = 125

#: Of every lease in the machine. The grace after an outage is as long.
TTL_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of a job under test."""

    per_host: int = 0
    max_pages: int | None = None
    max_rows: int | None = None


class Backend(Protocol):
    """A place where jobs can be put; `new` forgets the one before."""

    features: Features
    frontier: Frontier
    now_ms: int

    def new(self, limits: Limits) -> None: ...
    def run(self, call) -> Any: ...
    def move(self, milliseconds: int) -> None: ...
    def restart(self) -> None:
        """The store says that it was started this moment. Only with `features.grace_ms`."""

    def pause(self, *, paused: bool) -> None:
        """Only with `features.grace_ms`: where there is a store, there is a record of the job's state."""


class MemoryBackend:
    """`MemoryFrontier`, or a class derived from it."""

    features = Features()

    def __init__(self, kind: Callable[..., MemoryFrontier] = MemoryFrontier) -> None:
        self.kind = kind
        self.new(Limits())

    def new(self, limits: Limits) -> None:
        self.now_ms = 1_000_000
        self.frontier = self.kind(
            per_host=limits.per_host,
            max_pages=limits.max_pages,
            max_rows=limits.max_rows,
            keep_rows=True,
            clock=lambda: self.now_ms / 1000,
        )

    def run(self, call) -> Any:
        """A call never waits: it can be driven by hand, which is much cheaper than an event loop."""
        try:
            call.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("a call of the memory frontier waits")

    def move(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


#: Time and the server's last start lie in the store, so that whatever runs there sees them.
CLOCK_LUA = """
local function now_ms() return tonumber(redis.call('GET', 'clock:now')) end
local function uptime_ms() return now_ms() - tonumber(redis.call('GET', 'clock:up_since')) end
local function server_run() return redis.call('GET', 'clock:up_since') end
"""


class RedisBackend:
    """`RedisFrontier` on a database that is emptied for each job; `close` it."""

    features = Features(grace_ms=TTL_MS, stage_over=200, share_ms=1000, suspects_press=True)

    def __init__(self, url: str, *, ttl_ms: int = TTL_MS) -> None:
        self.features = replace(self.features, grace_ms=ttl_ms)
        self._loop = asyncio.new_event_loop()
        self._store = Store(connect({"url": url}), clock=CLOCK_LUA)
        self._jobs = 0
        self.new(Limits())

    def new(self, limits: Limits) -> None:
        self.now_ms = 1_000_000
        self._jobs += 1
        self._job = f"job{self._jobs}"
        self.run(self._store.command("FLUSHDB"))
        self.run(self._store.command("MSET", "clock:now", self.now_ms, "clock:up_since", 0))
        self.frontier = RedisFrontier(
            self._store,
            job=self._job,
            per_host=limits.per_host,
            max_pages=limits.max_pages,
            max_rows=limits.max_rows,
            ttl_s=self.features.grace_ms / 1000,
        )

    def run(self, call) -> Any:
        return self._loop.run_until_complete(call)

    def move(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
        self.run(self._store.command("SET", "clock:now", self.now_ms))

    def restart(self) -> None:
        self.run(self._store.command("SET", "clock:up_since", self.now_ms))

    def pause(self, *, paused: bool) -> None:
        state = "paused" if paused else "running"
        self.run(self._store.command("HSET", f"{self._store.prefix}:{{{self._job}}}:job", "state", state))

    def close(self) -> None:
        self.run(self._store.close())
        self._loop.close()


def _ms(seconds: float) -> int | None:
    return None if seconds == float("inf") else round(seconds * 1000)


class Twin:
    """The contract's calls, made and judged. Raises Disagreement."""

    def __init__(self, backend: Backend, limits: Limits) -> None:
        backend.new(limits)
        self.backend = backend
        self.model = Model(
            per_host=limits.per_host,
            max_pages=limits.max_pages,
            max_rows=limits.max_rows,
            features=backend.features,
        )
        self.model.now = backend.now_ms

    @property
    def frontier(self) -> Frontier:
        return self.backend.frontier

    # --- what is no call ---

    def move(self, milliseconds: int) -> None:
        """Time passes."""
        self.backend.move(milliseconds)
        self.model.now = self.backend.now_ms

    def outage(self, milliseconds: int) -> None:
        """The store is down for so long."""
        self.move(milliseconds)
        self.restarted()

    def restarted(self) -> None:
        """The store is up again."""
        if self.backend.features.grace_ms is not None:
            self.backend.restart()
            self.model.up_since = self.model.now

    def pause(self, *, paused: bool) -> None:
        self.backend.pause(paused=paused)
        self.model.paused = paused

    # --- calls ---

    async def enqueue(self, requests: Sequence[FrontierRequest]) -> tuple[Fate, ...]:
        fates = await self.frontier.enqueue(requests)
        agree("enqueue", fates, self.model.enqueue(requests))
        return fates

    async def lease(
        self, *, worker: str, call: int, limit: int, ttl_s: float, reads: int = 0, skip: Collection[str] = ()
    ) -> LeaseReply:
        asked = {"worker": worker, "call": call, "limit": limit, "reads": reads, "skip": skip}
        reply = await self.frontier.lease(ttl_s=ttl_s, **asked)
        self.model.lease(ttl_ms=_ms(ttl_s), reply=reply, staged=await self._staged(), **asked)
        return reply

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        lost = await self.frontier.renew(worker=worker, leases=leases, ttl_s=ttl_s)
        agree("renew", lost, self.model.renew(worker=worker, leases=leases, ttl_ms=_ms(ttl_s)))
        return lost

    async def commit(self, commits: Sequence[PageCommit]) -> tuple[CommitReply, ...]:
        replies = await self.frontier.commit(commits)
        self.model.commit(commits, replies)
        return replies

    async def retry(self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0) -> Reply:
        reply = await self.frontier.retry(lease, delay_s=delay_s, reason=reason, hold_host_s=hold_host_s)
        agree("retry", reply, self.model.retry(lease, delay_ms=_ms(delay_s), hold_ms=_ms(hold_host_s)))
        return reply

    async def park(self, lease: Lease, *, needs: int) -> Reply:
        reply = await self.frontier.park(lease, needs=needs)
        agree("park", reply, self.model.park(lease, needs=needs))
        return reply

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        released = await self.frontier.release(worker=worker, leases=leases)
        agree("release", released, self.model.release(worker=worker, leases=leases))
        return released

    async def close(self, reason: str) -> Reply:
        reply = await self.frontier.close(reason)
        agree("close", reply, self.model.close(reason, staged=await self._staged(), stale=reply is Reply.STALE))
        return reply

    async def promote(self) -> float | None:
        due_in_s = await self.frontier.promote()
        self.model.promote(due_in_s=due_in_s, staged=await self._staged())
        return due_in_s

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        return await self.frontier.read_rows(after=after, limit=limit)

    async def _staged(self) -> Staged:
        """What the frontier has left for later is its own affair, and seen in its books only."""
        if not self.model.stages:
            return Staged(0, self.model.row_counts[BULK])
        books = await self.frontier.ledger()
        return Staged(books.staged, books.rows.get(BULK, 0))

    # --- the books ---

    async def check_books(self, *, anew: bool = True) -> None:
        """The kept counters and, `anew`, those that are counted, against the model's."""
        expected = _comparable(self.model.ledger())
        agree("ledger", _comparable(await self.frontier.ledger()), expected)
        if expected.failures:
            agree(
                "ledger without failures",
                await self.frontier.ledger(failures=False),
                structs.replace(expected, failures=()),
            )
        if anew:
            audit = _comparable(await self.frontier.audit())
            if not audit.balanced:
                raise Disagreement(f"the books do not balance: {audit}")
            agree("audit", audit, expected)

    async def check_rows(self, limit: int = 3) -> None:
        """All kept rows, read page by page: those of the commits that counted, in their order."""
        expected = self.model.rows
        position, done = "", 0
        while part := await self.frontier.read_rows(after=position, limit=limit):
            pages = []
            while sum(len(rows) for _, rows in pages) < len(part) and done + len(pages) < len(expected):
                pages.append(expected[done + len(pages)])
            wanted = [(page, row.item, row.body) for page, rows in pages for row in rows]
            agree(f"rows after page {done}", [(row.page, row.item, row.body) for row in part], wanted)
            if len(pages) > 1 and len(part) > limit:
                raise Disagreement(f"{len(part)} rows of {len(pages)} pages were read, but the limit is {limit}")
            done += len(pages)
            following = len(expected[done][1]) if done < len(expected) else limit
            if len(part) + following <= limit:
                raise Disagreement(f"only {len(part)} rows were read, but the next page fits below {limit}")
            position = part[-1].position
        if done < len(expected):
            rest = list(chain.from_iterable(rows for _, rows in expected[done:]))
            raise Disagreement(f"{len(rest)} rows were not read: {rest}")


def _comparable(books):
    """Books as all keep them: why a page is poison each back end says in its own words.

    Which of the failures that were noted at the same moment comes first is nobody's business.
    """
    failures = tuple(
        structs.replace(failure, reason="") if failure.outcome == "poison" and not failure.url else failure
        for failure in books.failures
    )
    return structs.replace(books, failures=tuple(sorted(failures, key=repr)))
