"""The frontier of a job that lives in one process: `scrapy crawl` on a laptop, and the reference for other back ends.

A call holds no lock because it never awaits: each runs in one go on the event loop. Times come from an injected clock,
tokens from an injected source, so that tests and simulators own both.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from crawler.frontier.blocks import BLOCKED, BlockCounts
from crawler.frontier.chains import Chains
from crawler.frontier.codec import url_of
from crawler.frontier.contract import (
    FINISHED,
    MAX_CRASH_TRIES,
    MOST_NEEDED,
    CommitReply,
    Failure,
    Fate,
    FrontierRequest,
    Lease,
    LeaseReply,
    Ledger,
    PageCommit,
    Reply,
    RowFate,
    StoredRow,
)
from crawler.frontier.id_set import IdSet
from crawler.frontier.identity import START_ID
from crawler.frontier.kept_rows import KeptRows
from crawler.frontier.pages import Page, Pages
from crawler.jobs.outcomes import HARMLESS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

#: Failures kept with their URL; later ones are only counted.
MAX_FAILURES_KEPT: Final = 10_000


class MemoryFrontier:
    """See `crawler.frontier.contract.Frontier`."""

    def __init__(
        self,
        *,
        per_host: int = 0,
        max_pages: int | None = None,
        max_rows: int | None = None,
        blocked_in_a_row: int = 0,
        keep_rows: bool = False,
        clock: Callable[[], float] = time.monotonic,
        new_token: Callable[[], int] = lambda: random.getrandbits(64),
    ) -> None:
        """A new, empty job.

        Args:
            per_host: at most so many leases per host at once; 0 = no limit.
            max_pages: at most so many pages are fetched, `start` not counted; None = no limit.
            max_rows: at most so many rows are kept; None = no limit.
            blocked_in_a_row: a host that has kept us out so often in a row ends the giving out; 0 = never.
            keep_rows: for `read_rows`; a crawl on a laptop writes its rows to files itself, and they are only counted.
            clock: seconds, monotonic.
            new_token: 64 random bits; no secret, for this process alone knows them.
        """
        self._max_pages = max_pages
        self._clock = clock
        self._new_token = new_token
        self._seen = IdSet()
        self._pages = Pages(per_host=per_host, clock=clock)
        self._rows = KeptRows(limit=max_rows, keep=keep_rows)
        self._last_calls: dict[str, tuple[int, tuple[Lease, ...], bool]] = {}  # number, leases, at_limit
        self._chains = Chains()
        self._blocks = BlockCounts(blocked_in_a_row)
        self._settled: Counter[str] = Counter()
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
        if not self._seen.add(request.id):
            return Fate.SEEN
        self._pages.add(request, order=len(self._seen))
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

    async def lease(
        self, *, worker: str, call: int, limit: int, ttl_s: float, reads: int = 0, skip: Collection[str] = ()
    ) -> LeaseReply:
        """See the contract."""
        if self._closed:
            return LeaseReply(reply=Reply.CLOSED)
        now = self._clock()
        self._take_back(now)
        if self._blocks.why:
            return self._reply(now, (), at_limit=False, reply=Reply.PAUSED, why=self._blocks.why)
        number, leases, at_limit = self._last_calls.get(worker, (0, (), False))
        if call == number:
            return self._reply(now, tuple(lease for lease in leases if self._pages.held(lease)), at_limit=at_limit)
        if call < number:
            return self._reply(now, (), at_limit=at_limit)
        budget = self._budget()
        self._pages.unpark(min(limit, budget), reads, frozenset(skip))
        chosen = self._pages.choose(worker, min(limit, budget), frozenset(skip))
        leases = tuple(self._give(page, worker, now + ttl_s) for page in chosen)
        states = self._pages.states
        at_limit = budget <= 0 and len(self._pages) > states["leased"]
        self._last_calls[worker] = (call, leases, at_limit)
        return self._reply(now, leases, at_limit=at_limit)

    def _reply(
        self, now: float, leases: tuple[Lease, ...], *, at_limit: bool, reply: Reply = Reply.OK, why: str = ""
    ) -> LeaseReply:
        return LeaseReply(
            reply=reply,
            why=why,
            leases=leases,
            open=len(self._pages),
            ready=self._pages.states["ready"],
            parked=self._pages.states["parked"],
            due_in_s=self._due_in(now),
            started=START_ID in self._seen and self._pages.get(START_ID) is None,
            at_limit=at_limit,
        )

    def _give(self, page: Page, worker: str, deadline: float) -> Lease:
        token = self._new_token()
        self._pages.lease(page, worker=worker, token=token, deadline=deadline)
        return Lease(request=page.request, token=token, tries=page.tries, suspect=page.suspect)

    def _budget(self) -> int:
        """How many more pages may be leased now. `start` is free."""
        if self._max_pages is None:
            return len(self._pages)
        start = self._pages.get(START_ID)
        start_used = START_ID in self._seen and (start is None or start.state == "leased")
        return self._max_pages - (self._settled.total() + self._pages.states["leased"] - start_used)

    # --- time ---

    async def promote(self) -> float | None:
        """See the contract."""
        now = self._clock()
        self._take_back(now)
        return self._due_in(now)

    def _take_back(self, now: float) -> None:
        for page in self._pages.take_back(now):
            self._expire(page)

    def _expire(self, page: Page) -> None:
        """An expired lease proves nothing about a page; only one that was held alone counts against it."""
        self._events["expired"] += 1
        if page.suspect:
            page.crash_tries += 1
        if page.crash_tries >= MAX_CRASH_TRIES:
            self._settle(page, "poison", url=url_of(page.request.body), reason="its holders died")
            return
        page.suspect = True
        self._pages.give_back(page)

    def _due_in(self, now: float) -> float | None:
        due = self._pages.next_due()
        return None if due is None else max(0.0, due - now)

    # --- the end of a lease ---

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        """See the contract."""
        deadline = self._clock() + ttl_s
        lost = []
        for lease in leases:
            page = self._pages.held(lease)
            if page is None or page.worker != worker:
                lost.append(lease)
            else:
                self._pages.prolong(page, deadline)
        return tuple(lost)

    async def commit(self, commits: Sequence[PageCommit]) -> tuple[CommitReply, ...]:
        """See the contract."""
        for commit in commits:
            if commit.outcome not in OUTCOMES:
                raise ValueError(f"unknown outcome {commit.outcome!r}; one of {', '.join(OUTCOMES)}")
        return tuple([self._commit(commit) for commit in commits])

    def _commit(self, commit: PageCommit) -> CommitReply:
        page = self._pages.held(commit.lease)
        if page is None:
            return CommitReply(reply=Reply.STALE)
        self._events["rejected"] += commit.rejected
        progress = self._chains.show(commit)
        fates = tuple([self._accept_child(child, progress=progress) for child in commit.children])
        if commit.chain is not None:
            children = zip(commit.children, fates, strict=True)
            if not any(child.chain == commit.chain and fate is Fate.ENQUEUED for child, fate in children):
                self._chains.end(commit.chain)
        host = page.request.host
        if commit.outcome == BLOCKED and commit.counts and not self._pages.on_hold(host):
            self._blocks.kept_out(host, commit.reason)
        elif commit.outcome in ("ok", "not_modified"):
            self._blocks.let_in(host)
        row_fates = self._rows.add(page.request.id, commit.rows)
        self._settle(page, commit.outcome, url=commit.url, reason=commit.reason)
        return CommitReply(reply=Reply.OK, children=fates, rows=row_fates)

    def _settle(self, page: Page, outcome: str, *, url: str, reason: str) -> None:
        if outcome not in HARMLESS and len(self._failures) < MAX_FAILURES_KEPT:
            self._failures.append(Failure(url=url, outcome=outcome, reason=reason, tries=page.tries))
        self._settled[outcome] += 1
        self._pages.remove(page)

    async def retry(
        self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0, blocked: bool = False
    ) -> Reply:
        """See the contract."""
        page = self._pages.held(lease)
        if page is None:
            return Reply.STALE
        now = self._clock()
        if blocked and not self._pages.on_hold(page.request.host):
            self._blocks.kept_out(page.request.host, reason)
        if hold_host_s > 0:
            self._pages.hold(page.request.host, now + hold_host_s)
        page.tries += 1
        self._events["retries"] += 1
        if delay_s > 0:
            self._pages.delay(page, now + delay_s)
        else:
            self._pages.give_back(page)
        return Reply.OK

    async def park(self, lease: Lease, *, needs: int) -> Reply:
        """See the contract."""
        page = self._pages.held(lease)
        if page is None:
            return Reply.STALE
        self._pages.park(page, min(needs, MOST_NEEDED))
        return Reply.OK

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        """See the contract."""
        pages = self._pages.held_by(worker)
        if leases is not None:
            named = {page.request.id for lease in leases if (page := self._pages.held(lease)) is not None}
            pages = [page for page in pages if page.request.id in named]
        for page in pages:
            self._pages.give_back(page)
        self._events["released"] += len(pages)
        return len(pages)

    # --- the end of the job, and its books ---

    async def close(self, reason: str) -> Reply:
        """See the contract."""
        if self._closed:
            return Reply.CLOSED
        self._take_back(self._clock())
        if self._pages.states["leased"] or (reason == FINISHED and (self._pages or not self._seen)):
            return Reply.STALE
        self._closed = reason or "closed"
        if self._pages:
            self._settled["cancelled"] += len(self._pages)
        self._pages.clear()
        self._chains.clear()
        return Reply.OK

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        """See the contract; nothing without `keep_rows`."""
        return self._rows.read(after=after, limit=limit)

    async def ledger(self, *, failures: bool = True) -> Ledger:
        """See the contract."""
        books = self._books(self._pages.states)
        return books if failures else replace(books, failures=())

    async def audit(self) -> Ledger:
        """See the contract."""
        return self._books(Counter(page.state for page in self._pages))

    def _books(self, states: Counter[str]) -> Ledger:
        return Ledger(
            accepted=len(self._seen),
            ready=states["ready"],
            delayed=states["delayed"],
            leased=states["leased"],
            parked=states["parked"],
            settled=dict(self._settled),
            rows=dict(self._rows.counts),
            retries=self._events["retries"],
            expired=self._events["expired"],
            released=self._events["released"],
            stalled=self._events["stalled"],
            joined=self._events["joined"],
            duplicates=self._rows.refused[RowFate.DUPLICATE],
            not_unique=self._rows.refused[RowFate.NOT_UNIQUE],
            rejected=self._events["rejected"],
            failures=tuple(self._failures),
            closed=self._closed,
        )
