"""Says of every job that does not move why not, in one sentence, and mends what is safe to mend.

The sentence is the job's `why`. One that somebody else has said - what a job is to come to, what its files are worth,
why it was paused - is left alone.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.errors import TransitionRefused
from crawler.frontier.contract import MOST_NEEDED
from crawler.jobs.attempts import EXIT_STORE_AWAY, RedisAttempts
from crawler.jobs.model import Intended, State
from crawler.jobs.nodes import RedisNodes
from crawler.jobs.seats import RedisSeats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.frontier.contract import Ledger
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.model import Job
    from crawler.jobs.nodes import Node
    from crawler.jobs.seats import Seat
    from crawler.jobs.store_contract import StoredJob
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: A job that has settled a page within so many seconds moves.
_STILL_S: Final = 3.0

#: A job that so many workers in a row could not begin will not be begun by the next one either.
_FAILED_STARTS: Final = 3

#: A worker that ends within so many seconds has not begun.
_AT_ONCE_S: Final = 10.0

#: A node that is there has said so within so many seconds.
_NODE_REPORTS_S: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a sentence is made of.

    Attributes:
        state: of the job.
        books: of its pages.
        seats: that are held.
        nodes: of the fleet.
        rows_wait: more rows wait than may.
        storage_problem: why the storage of files takes nothing.
        store_problem: why the store gives out no pages.
        parked_for: the oldest wire format that a worker must read to be given a parked page.
        next_due_ms: when the next page or host that waits for time comes free; None = none does.
        now_ms: of the store's clock.
    """

    state: State
    books: Ledger
    seats: Sequence[Seat]
    nodes: Sequence[Node]
    rows_wait: bool = False
    storage_problem: str = ""
    store_problem: str = ""
    parked_for: int | None = None
    next_due_ms: int | None = None
    now_ms: int = 0


class Watchdog:
    """The jobs as one steward has seen them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._moved: dict[str, tuple[tuple[int, ...], float]] = {}  # by job: what had moved, and when (monotonic)
        self._said: dict[str, str] = {}
        self._seatless: dict[str, dict[str, float]] = {}  # by job: attempts without a seat, since when (monotonic)

    async def live_seats(self, job: str) -> tuple[Seat, ...]:
        """The seats that are held now.

        Raises:
            StoreError: the store refuses us.
        """
        now_ms = await self._ground.now_ms()
        return tuple(seat for seat in await RedisSeats(self._ground.store).of(job) if seat.expires_ms >= now_ms)

    async def has_workers(self, stored: StoredJob, seats: Sequence[Seat]) -> bool:
        """Whether somebody is at work on a job: on a seat, or started by hand and asking for pages.

        Raises:
            StoreError: the store refuses us.
        """
        if seats:
            return True
        key = f"{self._ground.store.prefix}:{{{stored.job.id}}}:workers"
        last = await self._ground.store.command("ZRANGE", key, -1, -1, "WITHSCORES")
        if not last:
            return False
        flat = last[0] if isinstance(last[0], list) else last
        silent_ms = await self._ground.now_ms() - float(flat[1])
        attempts = await RedisAttempts(self._ground.store).of(stored.job.id)
        patience_s = 2.0 if attempts else self._ground.settings.lease_ttl_s
        return silent_ms < patience_s * 1000

    async def expire(self, stored: StoredJob) -> None:
        """Ends a job that has not begun, or not ended, in the time that it has.

        Raises:
            StoreError: the store refuses us.
        """
        status, limits = stored.status, stored.job.limits
        if status.intended is not None or status.state not in (State.QUEUED, State.RUNNING, State.PAUSED):
            return
        now_ms = await self._ground.now_ms()
        why = ""
        if status.started_ms is None and _is_over(status.queued_ms, limits.queue_timeout_s, now_ms):
            why = f"limits.queue_timeout: not begun within {limits.queue_timeout_s:g} s"
        elif status.started_ms is not None and _is_over(status.started_ms, limits.duration_s, now_ms):
            why = f"limits.duration: not finished within {limits.duration_s:g} s"
        if why:
            try:
                await self._ground.jobs.intend(stored.job.id, Intended.EXPIRE, why=why)
            except TransitionRefused as refused:
                logger.info("Job %s: %s", stored.job.id, refused)

    async def fail(self, stored: StoredJob) -> None:
        """Fails a job that no worker can begin: the last few have ended at once, and nobody was given a page.

        Raises:
            StoreError: the store refuses us.
        """
        status, job = stored.status, stored.job
        if status.intended is not None or status.state is not State.QUEUED:
            return
        attempts = await RedisAttempts(self._ground.store).of(job.id)
        last = attempts[-_FAILED_STARTS:]
        if len(last) < _FAILED_STARTS or not all(map(_could_not_begin, last)):
            return
        words = next((line for line in reversed(last[-1].log_tail) if line.strip()), last[-1].how)
        why = f"{_FAILED_STARTS} workers in a row could not begin it ({last[-1].how}): {words}"
        try:
            await self._ground.jobs.intend(job.id, Intended.FAIL, why=why)
        except TransitionRefused as refused:
            logger.info("Job %s: %s", job.id, refused)
        else:
            logger.warning("Job %s fails: %s", job.id, why)

    async def say_why(self, stored: StoredJob, seats: Sequence[Seat], *, storage_problem: str) -> str:
        """Keeps the job's `why` true; answers it.

        Raises:
            StoreError: the store refuses us.
        """
        status, job = stored.status, stored.job
        if status.intended is not None or status.state not in (State.QUEUED, State.RUNNING):
            return status.why
        books = await self._ground.frontier(job.id).ledger(failures=False)
        look = await self._look(job, status.state, books, seats, storage_problem)
        sentence = "" if self._moves(job.id, books) and not _is_held_up(look) else reason_of(look)
        if sentence != status.why and (sentence or status.why == self._said.get(job.id, status.why)):
            # What a worker has said of the job's end meanwhile is what the last of them reads: it must stay.
            if not await self._ground.jobs.set_why(job.id, sentence, version=status.version):
                return status.why
            if sentence:
                logger.info("Job %s: %s", job.id, sentence)
        self._said[job.id] = sentence
        return sentence

    @property
    def remembered(self) -> frozenset[str]:
        """Jobs of which it keeps something."""
        return frozenset(self._moved).union(self._said, self._seatless)

    def forget(self, job: str) -> None:
        """A job has ended."""
        self._moved.pop(job, None)
        self._said.pop(job, None)
        self._seatless.pop(job, None)

    async def lose_attempts(self, job: str, seats: Sequence[Seat]) -> None:
        """Notes attempts whose seat is gone without a word: their node has gone with them.

        A worker that leaves gives its seat up first, and its node says a moment later how it has ended. After an outage
        of the store all seats have expired, until those who sit there keep them again.

        Raises:
            StoreError: the store refuses us.
        """
        attempts = RedisAttempts(self._ground.store)
        held = {seat.token for seat in seats}
        doubtful = [each for each in await attempts.of(job) if each.ended_ms is None and each.seat not in held]
        before, now = self._seatless.pop(job, {}), time.monotonic()
        if not doubtful:
            return
        since = self._seatless[job] = {each.seat: before.get(each.seat, now) for each in doubtful}
        present = {node.name for node in await RedisNodes(self._ground.store).all()}
        ttl_s = self._ground.settings.seat_ttl_s
        for attempt in doubtful:
            if now - since[attempt.seat] > (ttl_s if attempt.node in present else min(ttl_s, _NODE_REPORTS_S)):
                await attempts.lose(job, attempt, ended_ms=await self._ground.now_ms())
                logger.warning("Job %s: worker %s was lost with its node %s", job, attempt.worker, attempt.node)

    def _moves(self, job: str, books: Ledger) -> bool:
        """Whether anything has happened to its pages within the last seconds."""
        sign = (books.accepted, sum(books.settled.values()), books.retries)
        before = self._moved.get(job)
        now = time.monotonic()
        if before is None or before[0] != sign:
            self._moved[job] = (sign, now)
            return before is not None
        return now - before[1] < _STILL_S

    async def _look(self, job: Job, state: State, books: Ledger, seats: Sequence[Seat], storage_problem: str) -> Look:
        store, base = self._ground.store, f"{self._ground.store.prefix}:{{{job.id}}}:"
        book = await store.command("HMGET", f"{base}books", "rows_bytes", "rows_limit", "full")
        due = []
        for key in ("delayed", "held"):
            first = await store.command("ZRANGE", f"{base}{key}", 0, 0, "WITHSCORES")
            if first:
                flat = first[0] if isinstance(first[0], list) else first
                due.append(int(float(flat[1])))
        rows_bytes, rows_limit, full = (int(each) if each else None for each in book)
        return Look(
            state=state,
            books=books,
            seats=seats,
            nodes=await RedisNodes(store).all(),
            rows_wait=rows_limit is not None and (rows_bytes or 0) > rows_limit,
            storage_problem=storage_problem,
            store_problem="the store has used three quarters of its memory (maxmemory)" if full else "",
            parked_for=await self._ground.frontier(job.id).parked_for() if books.parked else None,
            next_due_ms=min(due, default=None),
            now_ms=await self._ground.now_ms(),
        )


def _could_not_begin(attempt: Attempt) -> bool:
    """Whether a worker has failed at once. One that was killed, or found the store away, says nothing about its job."""
    if attempt.ended_ms is None or attempt.exit_code in (None, 0, 3, 4, EXIT_STORE_AWAY, 130):
        return False
    return attempt.ended_ms - attempt.started_ms < _AT_ONCE_S * 1000


def _is_over(since_ms: int, limit_s: float | None, now_ms: int) -> bool:
    return limit_s is not None and now_ms - since_ms > limit_s * 1000


def _is_held_up(look: Look) -> bool:
    only_parked = look.books.parked > 0 and look.books.open == look.books.parked
    return look.rows_wait or bool(look.store_problem) or only_parked


def reason_of(look: Look) -> str:
    """The sentence; "" if nothing that is known here keeps the job."""
    books = look.books
    if look.rows_wait:
        cause = f"the storage of files takes nothing ({look.storage_problem})" if look.storage_problem else ""
        return f"no pages are given out until its rows are stored: {cause or 'no steward has come for them yet'}"
    if look.store_problem:
        return f"no pages are given out: {look.store_problem}"
    if books.parked and books.parked == books.open and not books.staged:
        return _parked(books.parked, look.parked_for)
    if not look.seats:
        waits_for_time = books.accepted and books.delayed and not books.leased and books.ready == 0
        if waits_for_time and look.next_due_ms is not None:
            return _until(look)
        if books.leased:
            return "its workers are gone; others go on with their pages when the leases end"
        return _no_seat(look.nodes)
    if look.next_due_ms is not None and look.next_due_ms > look.now_ms:
        return _until(look)
    if books.leased:
        return f"waiting for {books.leased:,} pages that workers have in hand"
    return ""


def _parked(count: int, needed: int | None) -> str:
    pages = "1 page waits" if count == 1 else f"{count:,} pages wait"
    if needed is None or needed >= MOST_NEEDED:
        return f"{pages} for a worker that can read {'it' if count == 1 else 'them'}: none so far could"
    return f"{pages} for a worker of a newer release (wire format {needed})"


def _until(look: Look) -> str:
    at = time.strftime("%H:%M:%S", time.gmtime((look.next_due_ms or 0) / 1000))
    return f"its site asked to wait, or has failed: the next page is due at {at} UTC"


def _no_seat(nodes: Sequence[Node]) -> str:
    if not nodes:
        return "waiting for a node: none is up (`crawlery node` starts one)"
    open_nodes = [node for node in nodes if not node.is_draining]
    if not open_nodes:
        return f"waiting for a node: all {len(nodes)} are draining"
    free = sum(max(0, node.slots - node.running) for node in open_nodes)
    if free:
        return ""
    count = f"{len(open_nodes)} nodes" if len(open_nodes) > 1 else f"node {open_nodes[0].name}"
    return f"waiting for a free slot on {count}"
