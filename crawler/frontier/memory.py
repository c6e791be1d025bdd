"""The frontier of a job that lives in one process: `scrapy crawl` on a laptop, and the reference for other back ends.

A call holds no lock because it never awaits: each runs in one go on the event loop. Times come from an injected clock,
tokens from an injected source, so that tests and simulators own both.
"""

from __future__ import annotations

import heapq
import math
import secrets
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.frontier.chains import Chains
from crawler.frontier.contract import (
    HARMLESS,
    MAX_CRASH_TRIES,
    OUTCOMES,
    CommitReply,
    Failure,
    Fate,
    FrontierRequest,
    Lease,
    LeaseReply,
    Ledger,
    PageCommit,
    Reply,
    Row,
    RowFate,
    StoredRow,
)
from crawler.frontier.identity import START_ID
from crawler.frontier.queues import HostQueues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Failures kept with their URL; later ones are only counted.
MAX_FAILURES_KEPT: Final = 10_000


@dataclass(slots=True)
class _Page:
    """An open page. `token` is 0 unless it is leased; `not_before` counts only while it is delayed."""

    request: FrontierRequest
    order: int
    state: str = "ready"  # ready, delayed, leased
    tries: int = 0
    crash_tries: int = 0
    suspect: bool = False
    token: int = 0
    worker: str = ""
    deadline: float = math.inf
    not_before: float = 0.0


class MemoryFrontier:
    """See `crawler.frontier.contract.Frontier`.

    The order in which pages are given out is that of `HostQueues`; a suspect page waits until its next holder has
    nothing else.
    """

    def __init__(
        self,
        *,
        per_host: int = 0,
        max_pages: int | None = None,
        max_rows: int | None = None,
        keep_rows: bool = False,
        clock: Callable[[], float] = time.monotonic,
        new_token: Callable[[], int] = lambda: secrets.randbits(64),
    ) -> None:
        """A new, empty job.

        Args:
            per_host: at most so many leases per host at once; 0 = no limit.
            max_pages: at most so many pages are fetched, `start` not counted; None = no limit.
            max_rows: at most so many rows are kept; None = no limit.
            keep_rows: for `read_rows`; a crawl on a laptop writes its rows to files itself, and they are only counted.
            clock: seconds, monotonic.
            new_token: 64 random bits.
        """
        self._max_pages = max_pages
        self._max_rows = max_rows
        self._rows_kept: list[tuple[int, tuple[Row, ...]]] | None = [] if keep_rows else None
        self._row_keys: set[tuple[str, int]] = set()
        self._row_values: set[tuple[str, int]] = set()
        self._clock = clock
        self._new_token = new_token
        self._seen: set[int] = set()
        self._pages: dict[int, _Page] = {}
        self._queues = HostQueues(per_host=per_host, clock=clock)
        self._delayed: list[tuple[float, int]] = []  # heap, stale entries are skipped
        self._deadlines: list[tuple[float, int, int]] = []  # heap, ditto
        self._suspects: deque[int] = deque()
        self._holdings: dict[str, set[int]] = {}
        self._answers: dict[str, tuple[int, LeaseReply]] = {}
        self._chains = Chains()
        self._accepted = 0
        self._order = 0
        self._states: Counter[str] = Counter()
        self._settled: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._closed = ""

    # --- handing in ---

    async def enqueue(self, requests: Sequence[FrontierRequest]) -> tuple[Fate, ...]:
        """See the contract."""
        return tuple(self._accept(request) for request in requests)

    def _accept(self, request: FrontierRequest) -> Fate:
        if self._closed:
            return Fate.CLOSED
        if request.id in self._seen:
            return Fate.SEEN
        self._seen.add(request.id)
        self._order += 1
        page = _Page(request=request, order=self._order)
        self._pages[request.id] = page
        self._accepted += 1
        self._states["ready"] += 1
        self._queue(page)
        return Fate.ENQUEUED

    def _accept_child(self, child: FrontierRequest, *, progress: bool) -> Fate:
        if self._chains.stalls(child, progress=progress):
            self._events["stalled"] += 1
            return Fate.STALLED
        fate = self._accept(child)
        if fate is Fate.ENQUEUED:
            self._chains.add(child)
        elif fate is Fate.SEEN and child.chain is not None:
            self._events["joined"] += 1
            return Fate.JOINED
        return fate

    # --- giving out ---

    async def lease(self, *, worker: str, call: int, limit: int, ttl_s: float) -> LeaseReply:
        """See the contract."""
        if self._closed:
            return LeaseReply(reply=Reply.CLOSED)
        answered = self._answers.get(worker)
        if answered is not None and answered[0] == call:
            return answered[1]
        now = self._clock()
        self._promote(now)
        budget = self._budget()
        leases = tuple(self._give(page, worker, now, ttl_s) for page in self._choose(worker, min(limit, budget)))
        reply = LeaseReply(
            leases=leases,
            open=len(self._pages),
            due_in_s=self._due_in(now),
            started=START_ID in self._seen and START_ID not in self._pages,
            at_limit=budget <= 0 and self._states["ready"] + self._states["delayed"] > 0,
        )
        self._answers[worker] = (call, reply)
        return reply

    async def promote(self) -> float | None:
        """See the contract."""
        now = self._clock()
        self._promote(now)
        return self._due_in(now)

    def _due_in(self, now: float) -> float | None:
        if not self._pages:
            return None
        delayed = self._delayed[0][0] if self._delayed else None
        deadline = self._deadlines[0][0] if self._deadlines else None
        return _earliest(now, self._queues.next_due(), delayed, deadline)

    def _budget(self) -> int:
        """How many more pages may be leased now. `start` is free."""
        if self._max_pages is None:
            return len(self._pages)
        start = self._pages.get(START_ID)
        start_used = START_ID in self._seen and (start is None or start.state == "leased")
        return self._max_pages - (sum(self._settled.values()) + self._states["leased"] - start_used)

    def _choose(self, worker: str, limit: int) -> list[_Page]:
        holdings = self._holdings.get(worker, set())
        if any(self._pages[page_id].suspect for page_id in holdings):
            return []
        if self._suspects and not holdings and limit > 0:
            page = self._pages[self._suspects[0]]
            if self._queues.take(page.request.host):
                self._suspects.popleft()
                return [page]
        chosen: list[_Page] = []
        while len(chosen) < limit and (page_id := self._queues.pop()) is not None:
            chosen.append(self._pages[page_id])
        return chosen

    def _give(self, page: _Page, worker: str, now: float, ttl_s: float) -> Lease:
        self._move(page, "leased")
        page.token, page.worker, page.deadline = self._new_token(), worker, now + ttl_s
        self._holdings.setdefault(worker, set()).add(page.request.id)
        if page.deadline < math.inf:
            heapq.heappush(self._deadlines, (page.deadline, page.request.id, page.token))
        return Lease(request=page.request, token=page.token, tries=page.tries, suspect=page.suspect)

    # --- time ---

    def _promote(self, now: float) -> None:
        """Delayed pages that are due, hosts whose hold is over and leases that have expired go back."""
        while self._delayed and self._delayed[0][0] <= now:
            not_before, page_id = heapq.heappop(self._delayed)
            page = self._pages.get(page_id)
            if page is not None and page.state == "delayed" and page.not_before == not_before:
                self._make_ready(page)
        self._queues.promote()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, page_id, token = heapq.heappop(self._deadlines)
            page = self._pages.get(page_id)
            if page is not None and page.state == "leased" and page.token == token and page.deadline <= now:
                self._expire(page)

    def _expire(self, page: _Page) -> None:
        """An expired lease proves nothing about a page; only one that was held alone counts against it."""
        if page.suspect:
            page.crash_tries += 1
        if page.crash_tries >= MAX_CRASH_TRIES:
            self._settle(page, "poison", url="", reason=f"page {page.request.id}: its holders died")
            return
        page.suspect = True
        self._let_go(page)
        self._make_ready(page)

    # --- queues ---

    def _queue(self, page: _Page) -> None:
        request = page.request
        if page.suspect:
            self._suspects.append(request.id)
        else:
            self._queues.push(request.host, priority=request.priority, order=page.order, page_id=request.id)

    def _move(self, page: _Page, state: str) -> None:
        self._states[page.state] -= 1
        self._states[state] += 1
        page.state = state

    def _make_ready(self, page: _Page) -> None:
        self._move(page, "ready")
        self._queue(page)

    def _let_go(self, page: _Page) -> None:
        """Takes a leased page from its holder."""
        self._queues.landed(page.request.host)
        self._holdings[page.worker].discard(page.request.id)
        page.token, page.worker, page.deadline = 0, "", math.inf

    def _held_page(self, lease: Lease) -> _Page | None:
        page = self._pages.get(lease.request.id)
        return page if page is not None and page.state == "leased" and page.token == lease.token else None

    # --- the end of a lease ---

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        """See the contract."""
        lost = []
        for lease in leases:
            page = self._held_page(lease)
            if page is None or page.worker != worker:
                lost.append(lease)
                continue
            page.deadline = self._clock() + ttl_s
            if page.deadline < math.inf:
                heapq.heappush(self._deadlines, (page.deadline, page.request.id, page.token))
        return tuple(lost)

    async def commit(self, commits: Sequence[PageCommit]) -> tuple[CommitReply, ...]:
        """See the contract.

        Raises:
            ValueError: an outcome that is none of `OUTCOMES`.
        """
        return tuple(self._commit(commit) for commit in commits)

    def _commit(self, commit: PageCommit) -> CommitReply:
        if commit.outcome not in OUTCOMES:
            raise ValueError(f"unknown outcome {commit.outcome!r}; one of {', '.join(OUTCOMES)}")
        page = self._held_page(commit.lease)
        if page is None:
            return CommitReply(reply=Reply.STALE)
        progress = self._chains.show(commit)
        fates = tuple(self._accept_child(child, progress=progress) for child in commit.children)
        going_on = {child.chain for child, fate in zip(commit.children, fates, strict=True) if fate is Fate.ENQUEUED}
        if commit.chain not in going_on:
            self._chains.end(commit.chain)
        row_fates = self._keep_rows(commit)
        self._settle(page, commit.outcome, url=commit.url, reason=commit.reason)
        return CommitReply(reply=Reply.OK, children=fates, rows=row_fates)

    def _keep_rows(self, commit: PageCommit) -> tuple[RowFate, ...]:
        fates = tuple(self._row_fate(row) for row in commit.rows)
        kept = [row for row, fate in zip(commit.rows, fates, strict=True) if fate is RowFate.STORED]
        if kept and self._rows_kept is not None:
            self._rows_kept.append((commit.lease.request.id, tuple(kept)))
        return fates

    def _row_fate(self, row: Row) -> RowFate:
        if row.key and (row.item, row.key) in self._row_keys:
            self._events["duplicates"] += 1
            return RowFate.DUPLICATE
        if any((row.item, value) in self._row_values for value in row.unique):
            self._events["not_unique"] += 1
            return RowFate.NOT_UNIQUE
        if self._max_rows is not None and self._rows.total() >= self._max_rows:
            return RowFate.OVER_LIMIT
        if row.key:
            self._row_keys.add((row.item, row.key))
        self._row_values.update((row.item, value) for value in row.unique)
        self._rows[row.item] += 1
        return RowFate.STORED

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        """See the contract; nothing without `keep_rows`."""
        rows: list[StoredRow] = []
        first = int(after) + 1 if after else 0
        for position, (page, kept) in enumerate((self._rows_kept or [])[first:], first):
            if rows and len(rows) + len(kept) > limit:
                break
            rows += [StoredRow(position=str(position), page=page, item=row.item, body=row.body) for row in kept]
        return tuple(rows)

    def _settle(self, page: _Page, outcome: str, *, url: str, reason: str) -> None:
        if outcome not in HARMLESS and len(self._failures) < MAX_FAILURES_KEPT:
            self._failures.append(Failure(url=url, outcome=outcome, reason=reason, tries=page.tries))
        self._states["leased"] -= 1
        self._settled[outcome] += 1
        del self._pages[page.request.id]
        self._let_go(page)

    async def retry(self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0) -> Reply:
        """See the contract. The reason is for the log of other back ends."""
        _ = reason
        page = self._held_page(lease)
        if page is None:
            return Reply.STALE
        now = self._clock()
        if hold_host_s > 0:
            self._queues.hold(page.request.host, now + hold_host_s)
        page.tries += 1
        self._events["retries"] += 1
        self._let_go(page)
        if delay_s <= 0:
            self._make_ready(page)
            return Reply.OK
        self._move(page, "delayed")
        page.not_before = now + delay_s
        heapq.heappush(self._delayed, (page.not_before, page.request.id))
        return Reply.OK

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        """See the contract."""
        if leases is None:
            pages = [self._pages[page_id] for page_id in self._holdings.get(worker, set())]
        else:
            pages = [page for lease in leases if (page := self._held_page(lease)) is not None and page.worker == worker]
        for page in pages:
            self._let_go(page)
            self._make_ready(page)
        return len(pages)

    # --- the end of the job ---

    async def close(self, reason: str) -> Reply:
        """See the contract."""
        if self._closed:
            return Reply.CLOSED
        if self._states["leased"]:
            return Reply.STALE
        self._closed = reason or "closed"
        self._settled["cancelled"] += len(self._pages)
        if not self._settled["cancelled"]:
            del self._settled["cancelled"]
        self._states.clear()
        for store in (self._pages, self._delayed, self._suspects, self._queues, self._chains):
            store.clear()
        return Reply.OK

    async def ledger(self) -> Ledger:
        """See the contract."""
        return self._books(self._states)

    async def audit(self) -> Ledger:
        """See the contract."""
        return self._books(Counter(page.state for page in self._pages.values()))

    def _books(self, states: Counter[str]) -> Ledger:
        return Ledger(
            accepted=self._accepted,
            ready=states["ready"],
            delayed=states["delayed"],
            leased=states["leased"],
            settled=dict(self._settled),
            rows=dict(self._rows),
            retries=self._events["retries"],
            stalled=self._events["stalled"],
            joined=self._events["joined"],
            duplicates=self._events["duplicates"],
            not_unique=self._events["not_unique"],
            failures=tuple(self._failures),
            closed=self._closed,
        )


def _earliest(now: float, *times: float | None) -> float | None:
    """Seconds until the first of these times; None without one."""
    return min((max(0.0, due - now) for due in times if due is not None), default=None)
