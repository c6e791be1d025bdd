"""What a frontier promises: the requests of one job, each leased to one holder at a time and settled exactly once.

A *page* is a request with everything that follows from it. It is `ready`, `delayed`, `leased` or `parked` until it is
settled with one outcome, and then it is gone; accepted = ready + delayed + leased + parked + settled holds after every
call. The scheduler talks to this contract only; `memory` keeps a job in one process, other back ends keep it for a
fleet. All of them pass `tests/contract/frontier`.

Nothing here knows what a body holds, how a page is fetched or what Scrapy is.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: Why a job is closed that has nothing left to do.
FINISHED: Final = "finished"

#: What a parked page needs of its reader is a small number: of a greater one no more is known than that it is great.
MOST_NEEDED: Final = 4095

#: A lease that expired this often while it was its holder's only one is not given out again.
MAX_CRASH_TRIES: Final = 5


class Reply(enum.StrEnum):
    """The answer to a call that names a lease or a job."""

    OK = "ok"
    STALE = "stale"  # the lease is no longer held: nothing has changed, forget the page
    CLOSED = "closed"  # the job takes no more pages
    PAUSED = "paused"  # `lease` only: nothing is given out for now, ask again
    FULL = "full"  # ditto: the store keeps its last quarter of memory for what is under way


class RowFate(enum.StrEnum):
    """What became of a row that a page gave."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # a row with this key is there already
    NOT_UNIQUE = "not_unique"  # another row has a value that must be unique
    OVER_LIMIT = "over_limit"  # the job has all the rows that were asked for
    STAGED = "staged"  # one of so many that the frontier will judge it a little later; the books will tell


#: Fates of rows that are kept, as far as is known.
KEPT: Final = frozenset({RowFate.STORED, RowFate.STAGED})


class Fate(enum.StrEnum):
    """What became of a request that was handed in."""

    ENQUEUED = "enqueued"
    SEEN = "seen"  # known already
    JOINED = "joined"  # next page of a list, known already through another list: somebody else reads on
    STALLED = "stalled"  # next page of a list that has shown nothing new, or that has been there before
    CLOSED = "closed"  # the job takes no more pages
    STAGED = "staged"  # one of so many that the frontier will look at it a little later


class FrontierRequest(Struct, frozen=True, kw_only=True):
    """One request as the frontier keeps it.

    Attributes:
        id: 64 bits, see `crawler.frontier.identity`; a request with a known id is not accepted again.
        host: the queue it waits in; a host that is slow or on hold never blocks another.
        body: the encoded request, opaque.
        priority: higher goes first within its host; equal ones in the order they came.
        chain: the paginated list this is a page of, if any.
        on_progress: accept it only if the page that found it has shown something new in its chain.
    """

    id: int
    host: str
    body: bytes
    priority: int = 0
    chain: str | None = None
    on_progress: bool = False


class Lease(Struct, frozen=True, kw_only=True):
    """A request that is ours for a while. Everything that is said about it later names the token."""

    request: FrontierRequest
    token: int
    tries: int = 0  # how often the site has failed it so far
    suspect: bool = False  # a lease of it has expired before: leased alone, with nothing else in flight


class LeaseReply(Struct, frozen=True, kw_only=True):
    """What `lease` gives, and what the holder needs to know to wait well."""

    leases: tuple[Lease, ...] = ()
    open: int = 0  # pages not settled yet: ready + delayed + leased + parked, after this call
    ready: int = 0  # of those, how many wait for nothing but a lease; another call, or another worker, may get them
    parked: int = 0  # of those, how many nobody who has asked so far can read
    due_in_s: float | None = None  # until the next delayed page or held host comes free; None: nothing waits for time
    at_limit: bool = False  # the job may fetch no more pages; what is ready will never be leased
    started: bool = False  # the start page has been settled
    reply: Reply = Reply.OK
    why: str = ""  # of PAUSED, in one sentence; may be empty


class Row(Struct, frozen=True, kw_only=True):
    """One row as the frontier keeps it until it is exported.

    Attributes:
        item: name of its type; or `crawler.jobs.rows.NOTE`, for a note on its page, which is kept and not counted.
        body: the encoded row, opaque; at most 1 MiB.
        key: 64-bit id of its identity within its type; 0 = none. A second row with the same key is not kept.
        unique: 64-bit ids of values that no other row of its type may have; a row that repeats one is not kept.
    """

    item: str
    body: bytes = b""
    key: int = 0
    unique: tuple[int, ...] = ()


class StoredRow(Struct, frozen=True, kw_only=True):
    """A row that counts: its page was committed, once."""

    position: str  # where it stands; `read_rows(after=position)` goes on behind its page
    page: int
    item: str
    body: bytes


class PageCommit(Struct, frozen=True, kw_only=True):
    """A page's end: its outcome and everything that counts only if the lease still holds.

    `marks` are 64-bit ids of what the page has shown (links, rows). They are remembered per chain: a list that shows
    nothing that it has not shown before has stalled, whatever other lists have shown.
    """

    lease: Lease
    outcome: str
    children: tuple[FrontierRequest, ...] = ()
    rows: tuple[Row, ...] = ()
    chain: str | None = None
    marks: frozenset[int] = frozenset()
    rejected: int = 0  # rows that it gave and that are not what they should be
    url: str = ""  # for the record of failures
    reason: str = ""  # ditto, one line
    counts: bool = True  # of the outcome `blocked`: towards the pause of the job
    handed_in: bool = False  # of the start page: what it has found went to `enqueue`, and is there if nothing was lost


class CommitReply(Struct, frozen=True, kw_only=True):
    """Whether the commit counted, and what became of each child and each row, in order."""

    reply: Reply
    children: tuple[Fate, ...] = ()
    rows: tuple[RowFate, ...] = ()


class Failure(Struct, frozen=True, kw_only=True):
    """One page that could not be read."""

    url: str
    outcome: str
    reason: str
    tries: int


class Ledger(Struct, frozen=True, kw_only=True):
    """The books of a job. Counters are kept; `audit` counts anew."""

    accepted: int = 0
    ready: int = 0
    delayed: int = 0
    leased: int = 0
    parked: int = 0  # put aside until a worker asks that can read them
    settled: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)  # kept ones, by item
    retries: int = 0
    expired: int = 0  # leases that ended by their time, or with their holder: each may cost one more fetch
    released: int = 0  # leases that were handed back: as above if the fetch had begun
    stalled: int = 0
    joined: int = 0
    duplicates: int = 0  # rows whose key was there before
    not_unique: int = 0  # rows with a value that another row has
    rejected: int = 0  # rows that pages gave and that were not what they should be
    staged: int = 0  # requests of very large pages that have not been looked at yet; not accepted so far
    failures: tuple[Failure, ...] = ()
    closed: str = ""  # why the job takes no more pages; empty while it does

    @property
    def balanced(self) -> bool:
        """The invariant: nothing accepted is lost or counted twice."""
        return self.accepted == self.open + sum(self.settled.values())

    @property
    def open(self) -> int:
        """Pages that were accepted and are not settled."""
        return self.ready + self.delayed + self.leased + self.parked


class Frontier(Protocol):
    """The calls. Each is atomic; none raises for something that another holder did."""

    async def enqueue(self, requests: Sequence[FrontierRequest]) -> tuple[Fate, ...]:
        """Accepts requests that no page has found: the first one of a job, or those of an extension."""
        ...

    async def lease(
        self, *, worker: str, call: int, limit: int, ttl_s: float, reads: int = 0, skip: Collection[str] = ()
    ) -> LeaseReply:
        """Up to `limit` requests for `ttl_s` seconds, none of them of the hosts `skip`, suspects neither.

        Parked pages that need no more than what the worker `reads` are ready again, up to `limit`, those first that
        need least and then those that were parked first.

        A worker names the hosts of which it has enough for now; they keep their turn, for others and for later calls.

        `call` counts a worker's calls from 1. The same (worker, call) gets the same leases again, as far as they still
        hold, so that a lost reply loses nothing; a call that comes after its successor gets none.
        """
        ...

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        """Prolongs what is still held and answers the leases that are not."""
        ...

    async def commit(self, commits: Sequence[PageCommit]) -> tuple[CommitReply, ...]:
        """Settles pages, each on its own: children accepted, rows and outcome counted, lease gone - or STALE.

        Raises:
            ValueError: an outcome that is none of `crawler.jobs.outcomes.OUTCOMES`; none of the pages is settled.
        """
        ...

    async def retry(
        self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0, blocked: bool = False
    ) -> Reply:
        """Gives a page back for a later try, which is counted. `hold_host_s`: nothing of its host is leased so long.

        `blocked`: the host keeps us out. So says the outcome `blocked`, too. When a host has done so for a number of
        times, and no page of it was `ok` in between, the job is PAUSED; no page is lost by that. What comes in while
        the host is on hold was under way when that began, and is not counted.
        """
        ...

    async def park(self, lease: Lease, *, needs: int) -> Reply:
        """Puts a page aside that its holder cannot read; no try is counted.

        `needs`: what a worker must read, as it says to `lease`, to get it. The page stays open, and with it the job.
        """
        ...

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        """Hands leases (all, without `leases`) back at once, with no try counted; answers how many."""
        ...

    async def close(self, reason: str) -> Reply:
        """Ends a job of which nothing is leased: the rest is counted as `cancelled`. STALE while something is.

        A job that is said to be `FINISHED` is STALE as long as anything is open: somebody has just found more. So is
        one of which nothing was ever accepted: it has not begun, or its store has forgotten that.
        """
        ...

    async def promote(self) -> float | None:
        """Takes back what is due: delayed pages, expired leases, hosts on hold, some of what is staged.

        `lease` does the same first; this is for those who lease nothing. Answers the seconds until the next call is
        worth while; None while nothing waits for time.
        """
        ...

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        """Kept rows in the order of their commits, whole pages, at least one of them and then up to `limit` rows."""
        ...

    async def ledger(self, *, failures: bool = True) -> Ledger:
        """The kept counters. Without `failures` those are left out: they are the only part that may be long."""
        ...

    async def audit(self) -> Ledger:
        """The same, counted anew from what is stored; slow, for tests and watchdogs."""
        ...
