"""What a frontier must answer, in dicts and sets that are obviously right, however slow.

The model does not choose the pages of a lease: it is told which ones the frontier gave and judges whether that was
allowed and was enough. Every other answer is determined, and the model gives it. It shares no code with any back end.

Times are whole milliseconds of the clock that the back end sees; `now` is set by whoever drives both.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from crawler.frontier.contract import (
    FINISHED,
    MAX_CRASH_TRIES,
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
)
from crawler.frontier.identity import START_ID
from crawler.jobs.outcomes import HARMLESS

#: Beyond it priorities may count as equal; within it they must not.
MOST_URGENT = 4095

#: The item of the rows that large pages have: plain ones, which are all kept, but later.
BULK = "bulk"

#: Answers in seconds may differ by the rounding of a back end.
TOLERANCE_S = 0.002


class Disagreement(AssertionError):
    """The frontier has answered what it may not answer."""


def agree(what: str, answered, expected) -> None:
    """Raises Disagreement unless both are equal."""
    if answered != expected:
        raise Disagreement(f"{what}: answered {answered!r}, but it must be {expected!r}")


@dataclass(slots=True)
class Page:
    """An open page; `deadline` None is never."""

    request: FrontierRequest
    order: int
    state: str = "ready"
    tries: int = 0
    crash_tries: int = 0
    suspect: bool = False
    token: int | None = None
    worker: str | None = None
    deadline: int | None = None
    not_before: int = 0
    needs: tuple[int, int] = (0, 0)  # what its reader must read, while it is parked, and a number in order of arrival
    spent: set[int] = field(default_factory=set)  # tokens of earlier leases

    @property
    def host(self) -> str:
        return self.request.host

    def __str__(self) -> str:
        suspect = ", suspect" if self.suspect else ""
        return f"page {self.request.id} (host {self.host!r}, priority {self.request.priority}, #{self.order}{suspect})"


@dataclass(slots=True)
class ListRead:
    """A list that is being read: what it has shown, and which pages it has had."""

    shown: set[int] = field(default_factory=set)
    pages: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Call:
    """A worker's last lease call that was answered."""

    number: int
    leases: tuple[Lease, ...]
    at_limit: bool


@dataclass(frozen=True, kw_only=True)
class Features:
    """What only some back ends do."""

    grace_ms: int | None = None  # nothing expires for so long after the store was down
    stage_over: int | None = None  # larger pages are looked at later
    share_ms: int | None = None  # workers that have asked within this time share what may be leased of a host
    suspects_press: bool = False  # suspects that have waited for a ttl are taken by a worker that is given nothing else


class Staged(NamedTuple):
    """What a frontier's books say of large pages: requests that are not looked at, and rows that are kept."""

    requests: int
    bulk: int


class Model:
    """One job. Calls are named as in the contract; those that judge take the answer along."""

    def __init__(
        self,
        *,
        per_host: int = 0,
        max_pages: int | None = None,
        max_rows: int | None = None,
        features: Features | None = None,
    ) -> None:
        self.now = 0
        self.per_host, self.max_pages, self.max_rows = per_host, max_pages, max_rows
        self.features = features or Features()
        self.seen: set[int] = set()
        self.open: dict[int, Page] = {}
        self.settled: Counter[str] = Counter()
        self.outcomes: dict[int, str] = {}
        self.events: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.rows: list[tuple[int, tuple[Row, ...]]] = []
        self.row_counts: Counter[str] = Counter()
        self.row_keys: set[tuple[str, int]] = set()
        self.row_values: set[tuple[str, int]] = set()
        self.lists: dict[str, ListRead] = {}
        self.holds: dict[str, int] = {}
        self.calls: dict[str, Call] = {}
        self._in_flight: Counter[str] = Counter()  # by host, while a lease call is judged
        self._of_asker: Counter[str] = Counter()  # ditto, those of the worker that asks
        self._skipped: frozenset[str] = frozenset()  # hosts, ditto
        self.asked: dict[str, int] = {}  # when each worker did
        self.suspects_at: int | None = None  # since when there are ready suspects
        self.parkings = 0
        self.solo: tuple[str, int] | None = None  # which worker is to take them next, and until when
        self.left_out: set[str] = set()  # by the last call that gave another host two or more
        self.staged: list[FrontierRequest] = []
        self.staged_rows: list[tuple[int, tuple[Row, ...]]] = []  # of large pages, as many as are looked at together
        self.stages = 0  # large pages that may not be unfolded entirely
        self.closed = ""
        self.paused = False
        self.seen_at: int | None = None
        self.up_since = 0
        self.grace_until = 0

    # --- time ---

    def touch(self) -> None:
        """Every call that may change something shows that the store is up; after an outage nothing expires at once."""
        grace, seen_at = self.features.grace_ms, self.seen_at
        if grace and seen_at is not None and self.up_since > seen_at and self.now - seen_at > grace / 3:
            self.grace_until = self.now + grace
        self.seen_at = self.now

    def take_back(self) -> None:
        """What is due comes back."""
        for page in self.open.values():
            if page.state == "delayed" and page.not_before <= self.now:
                page.state = "ready"
                self._note_suspect(page)
        for host in [host for host, until in self.holds.items() if until <= self.now]:
            del self.holds[host]
        if self.now >= self.grace_until:
            for page in list(self.open.values()):
                if page.state == "leased" and page.deadline is not None and page.deadline <= self.now:
                    self._expire(page)

    def _expire(self, page: Page) -> None:
        self.events["expired"] += 1
        if page.suspect:
            page.crash_tries += 1
        self._let_go(page)
        if page.crash_tries >= MAX_CRASH_TRIES:
            self._settle(page, "poison", url="", reason="")
            return
        page.suspect = True
        self._note_suspect(page)

    def _note_suspect(self, page: Page) -> None:
        if page.suspect and self.suspects_at is None:
            self.suspects_at = self.now

    def due_in_s(self) -> float | None:
        """When `promote` is worth while next; while something may be staged, that is any time."""
        if not self.open or self.closed:
            return None
        due = list(self.holds.values())
        for page in self.open.values():
            if page.state == "delayed":
                due.append(page.not_before)
            if page.state == "leased" and page.deadline is not None:
                due.append(max(page.deadline, self.grace_until))
        return min((max(0, at - self.now) / 1000 for at in due), default=None)

    # --- handing in ---

    def enqueue(self, requests) -> tuple[Fate, ...]:
        if self.closed:
            return (Fate.CLOSED,) * len(requests)
        self.touch()
        return tuple(self._accept(request) for request in requests)

    def _accept(self, request: FrontierRequest) -> Fate:
        if request.id in self.seen:
            return Fate.SEEN
        self.seen.add(request.id)
        self.open[request.id] = Page(request, order=len(self.seen))
        return Fate.ENQUEUED

    def unfold(self, remaining: int, bulk: int) -> None:
        """The frontier has looked at what was staged, in order: so many requests remain, so many rows are kept."""
        while self.staged_rows and self.row_counts[BULK] < bulk:
            page, rows = self.staged_rows.pop(0)
            self.rows.append((page, rows))
            self.row_counts[BULK] += len(rows)
        agree("kept rows of large pages", bulk, self.row_counts[BULK])
        if remaining > len(self.staged):
            raise Disagreement(f"{remaining} requests are staged, but no more than {len(self.staged)} can be")
        while len(self.staged) > remaining:
            self._accept(self.staged.pop(0))

    # --- giving out ---

    def held(self, lease: Lease) -> Page | None:
        page = self.open.get(lease.request.id)
        return page if page is not None and page.token is not None and page.token == lease.token else None

    def held_by(self, worker: str) -> list[Page]:
        return [page for page in self.open.values() if page.token is not None and page.worker == worker]

    def lease(
        self,
        *,
        worker: str,
        call: int,
        limit: int,
        ttl_ms: int | None,
        reads: int = 0,
        skip=(),
        reply: LeaseReply,
        staged: Staged,
    ) -> None:
        """Judges what a lease call has given. `staged`: what was staged after it."""
        if self.closed:
            agree("lease of a closed job", (reply.reply, reply.leases), (Reply.CLOSED, ()))
            return
        self.touch()
        if self.paused:
            agree("lease of a paused job", (reply.reply, reply.leases), (Reply.PAUSED, ()))
            return
        agree("reply of lease", reply.reply, Reply.OK)
        self.take_back()
        self.unfold(*staged)
        last = self.calls.get(worker)
        if last is not None and call < last.number:
            agree("leases of a call older than the last", reply.leases, ())
        elif last is not None and call == last.number:
            expected = tuple(lease for lease in last.leases if self.held(lease))
            agree("leases of a repeated call", set(reply.leases), set(expected))
            agree("at_limit of a repeated call", reply.at_limit, last.at_limit)
        else:
            if limit > 0:
                self.asked[worker] = self.now
            budget = self.budget()
            waiting = any(page.state != "leased" for page in self.open.values())
            agree("at_limit", reply.at_limit, budget is not None and budget <= 0 and waiting)
            allowed = limit if budget is None else min(limit, budget)
            self._skipped = frozenset(skip)
            self.unpark(allowed, reads)
            self._judge(worker, reply.leases, max(0, allowed), ttl_ms)
            self.calls[worker] = Call(call, reply.leases, reply.at_limit)
        agree("started", reply.started, START_ID in self.seen and START_ID not in self.open)
        self._agree_on_open(reply.open)
        agree("ready", reply.ready, sum(page.state == "ready" for page in self.open.values()))
        agree("parked", reply.parked, sum(page.state == "parked" for page in self.open.values()))
        self.agree_on_due(reply.due_in_s)

    def _agree_on_open(self, answered: int) -> None:
        least = len(self.open) + len(self.staged)
        if not least <= answered <= least + self.stages:
            raise Disagreement(f"open: answered {answered}, but {len(self.open)} pages are, {len(self.staged)} staged")
        self.stages = answered - least

    def agree_on_due(self, answered: float | None) -> None:
        if self.stages:
            return
        expected = self.due_in_s()
        if None in (answered, expected):
            agree("due_in_s", answered, expected)
        elif abs(answered - expected) > TOLERANCE_S:
            raise Disagreement(f"due_in_s: answered {answered}, but it must be {expected}")

    def budget(self) -> int | None:
        """How many more pages may be leased; None = any number. `start` is free."""
        if self.max_pages is None:
            return None
        used = sum(self.settled.values()) + sum(page.state == "leased" for page in self.open.values())
        start = self.open.get(START_ID)
        if START_ID in self.seen and (start is None or start.state == "leased"):
            used -= 1
        return self.max_pages - used

    def _may_be_asked(self, host: str, *, alone: bool = False) -> bool:
        """Whether one more page of this host may be leased to the worker that asks; `alone`: a suspect."""
        if host in self.holds or host in self._skipped:
            return False
        full = self.per_host and self._in_flight[host] >= self.per_host
        return not full and (alone or self._of_asker[host] < self._share())

    def _share(self) -> float:
        """How many pages of a host a worker may hold beside others that ask."""
        if not self.per_host or self.features.share_ms is None:
            return math.inf
        asking = sum(at > self.now - self.features.share_ms for at in self.asked.values())
        return math.ceil(self.per_host / max(1, asking))

    def _judge(self, worker: str, leases: tuple[Lease, ...], allowed: int, ttl_ms: int | None) -> None:
        if len(leases) > allowed:
            raise Disagreement(f"{len(leases)} leases were given, but only {allowed} may be")
        holding = self.held_by(worker)
        self._in_flight = Counter(page.host for page in self.open.values() if page.state == "leased")
        self._of_asker = Counter(page.host for page in holding)
        ready = [page for page in self.open.values() if page.state == "ready"]
        suspects = [page for page in ready if page.suspect and self._may_be_asked(page.host, alone=True)]
        if any(page.suspect for page in holding):
            agree(f"leases for {worker}, who holds the suspect {holding[0]}", leases, ())
        elif allowed and self._is_kept_free(worker, holding, suspects, ttl_ms):
            agree(f"leases for {worker}, who is to take a suspect as soon as it holds nothing", leases, ())
            return
        elif suspects and not holding and allowed:
            self._judge_solo(worker, leases, suspects)
        else:
            self._judge_order(leases)
        for lease in leases:
            self._give(lease, worker, ttl_ms)
        if not any(page.suspect for page in self.held_by(worker)):
            self._judge_enough(leases, allowed)

    def _is_kept_free(self, worker: str, holding: list[Page], suspects: list[Page], ttl_ms: int | None) -> bool:
        """Whether a worker gets nothing, because suspects (that may be asked for) have waited long enough for one."""
        if not any(page.suspect and page.state == "ready" for page in self.open.values()):
            self.suspects_at = self.solo = None
        if not self.features.suspects_press or not suspects or self.suspects_at is None or ttl_ms is None:
            return False
        if self.now - self.suspects_at < ttl_ms:
            return False
        if self.solo is not None and self.solo[0] != worker and self.solo[1] > self.now:
            return False
        self.solo = (worker, self.now + ttl_ms)
        return bool(holding)

    def _judge_solo(self, worker: str, leases: tuple[Lease, ...], suspects: list[Page]) -> None:
        given = [lease.request.id for lease in leases]
        if len(given) != 1 or given[0] not in {page.request.id for page in suspects}:
            names = ", ".join(map(str, suspects))
            raise Disagreement(f"{worker} holds nothing: it must get one suspect alone ({names}), but got {given}")

    def _judge_order(self, leases: tuple[Lease, ...]) -> None:
        """Within its host the most urgent page goes first, then the oldest."""
        given: set[int] = set()
        for lease in leases:
            page = self.open.get(lease.request.id)
            if page is None or page.state != "ready" or page.suspect or lease.request.id in given:
                raise Disagreement(
                    f"{page or lease.request.id} was given, but is no ready page that is above suspicion"
                )
            given.add(lease.request.id)
            for other in self.open.values():
                waits = other.state == "ready" and not other.suspect and other.request.id not in given
                if waits and other.host == page.host and _goes_before(other, page):
                    raise Disagreement(f"{page} was given before {other}")

    def _give(self, lease: Lease, worker: str, ttl_ms: int | None) -> None:
        page = self.open[lease.request.id]
        if not self._may_be_asked(page.host, alone=page.suspect):
            raise Disagreement(f"{page} was given, but its host is on hold, skipped or has as many in flight as it may")
        agree(f"request of {page}", lease.request, page.request)
        agree(f"tries and suspicion of {page}", (lease.tries, lease.suspect), (page.tries, page.suspect))
        if lease.token in page.spent:
            raise Disagreement(f"{page} has had the token {lease.token} before")
        page.spent.add(lease.token)
        self._in_flight[page.host] += 1
        self._of_asker[page.host] += 1
        page.state, page.token, page.worker = "leased", lease.token, worker
        page.deadline = None if ttl_ms is None else self.now + ttl_ms

    def _judge_enough(self, leases: tuple[Lease, ...], allowed: int) -> None:
        """No page is left out that could have been given, and no host twice that another one came before.

        A host that is skipped is not left out, and has been left out before if it was.
        """
        ready = {page.host: page for page in self.open.values() if page.state == "ready" and not page.suspect}
        left_out = {host: page for host, page in ready.items() if self._may_be_asked(host)}
        if left_out and len(leases) < allowed:
            page = next(iter(left_out.values()))
            raise Disagreement(f"{len(leases)} of {allowed} leases were given, but {page} was left out")
        given = Counter(lease.request.host for lease in leases)
        if max(given.values(), default=0) >= 2:
            starved = (left_out.keys() - given.keys()) & self.left_out
            if starved:
                raise Disagreement(f"hosts {sorted(starved)} were left out twice, while others got {dict(given)}")
            self.left_out = (left_out.keys() - given.keys()) | (self.left_out & self._skipped)
        elif given:
            self.left_out &= self._skipped

    # --- the end of a lease ---

    def _let_go(self, page: Page) -> None:
        page.state, page.token, page.worker, page.deadline = "ready", None, None, None

    def renew(self, *, worker: str, leases, ttl_ms: int | None) -> tuple[Lease, ...]:
        if leases:
            self.touch()
        lost = []
        for lease in leases:
            page = self.held(lease)
            if page is None or page.worker != worker:
                lost.append(lease)
            else:
                page.deadline = None if ttl_ms is None else self.now + ttl_ms
        return tuple(lost)

    def commit(self, commits, replies) -> None:
        """Judges the replies to a batch of commits."""
        agree("number of replies", len(replies), len(commits))
        if commits:
            self.touch()
        for commit, reply in zip(commits, replies, strict=True):
            agree(f"commit of page {commit.lease.request.id}", reply, self._commit(commit))

    def _commit(self, commit: PageCommit) -> CommitReply:
        page = self.held(commit.lease)
        if page is None:
            return CommitReply(reply=Reply.STALE)
        marks = commit.marks if commit.chain is not None else ()
        entries = len(marks) + len(commit.children) + len(commit.rows)
        large = self.features.stage_over is not None and entries > self.features.stage_over
        if large and commit.rows:
            fancy = any(row.key or row.unique or row.item != BULK for row in commit.rows) or self.max_rows is not None
            assert not fancy, "the model does not know when such rows of a large page are looked at"
        self.events["rejected"] += commit.rejected
        progress = self._show(commit)
        fates = tuple(self._child(child, progress=progress, large=large) for child in commit.children)
        going_on = {child.chain for child, fate in zip(commit.children, fates, strict=True) if fate is Fate.ENQUEUED}
        if commit.chain is not None and commit.chain not in going_on:
            self.lists.pop(commit.chain, None)
        self.stages += large
        rows = tuple(RowFate.STAGED if large else self._row(row) for row in commit.rows)
        if large:
            stage = self.features.stage_over or 0
            self.staged_rows += [
                (page.request.id, commit.rows[at : at + stage]) for at in range(0, len(commit.rows), stage)
            ]
        kept = tuple(row for row, fate in zip(commit.rows, rows, strict=True) if fate is RowFate.STORED)
        if kept:
            self.rows.append((page.request.id, kept))
        self._let_go(page)
        self._settle(page, commit.outcome, url=commit.url, reason=commit.reason)
        return CommitReply(reply=Reply.OK, children=fates, rows=rows)

    def _show(self, commit: PageCommit) -> bool:
        """Whether the page has shown something that its list had not; a page of no list always has."""
        if commit.chain is None:
            return True
        read = self.lists.setdefault(commit.chain, ListRead())
        new = commit.marks - read.shown
        read.shown |= new
        read.pages.add(commit.lease.request.id)
        return bool(new)

    def _child(self, child: FrontierRequest, *, progress: bool, large: bool) -> Fate:
        if child.chain is None:
            if child.on_progress and not progress:
                self.events["stalled"] += 1
                return Fate.STALLED
            if large:
                self.staged.append(child)
                return Fate.STAGED
            return self._accept(child)
        read = self.lists.get(child.chain)
        if (read is not None and child.id in read.pages) or (child.on_progress and not progress):
            self.events["stalled"] += 1
            return Fate.STALLED
        if self._accept(child) is Fate.SEEN:
            self.events["joined"] += 1
            return Fate.JOINED
        self.lists.setdefault(child.chain, ListRead()).pages.add(child.id)
        return Fate.ENQUEUED

    def _row(self, row: Row) -> RowFate:
        if row.key and (row.item, row.key) in self.row_keys:
            self.events["duplicates"] += 1
            return RowFate.DUPLICATE
        if any((row.item, value) in self.row_values for value in row.unique):
            self.events["not_unique"] += 1
            return RowFate.NOT_UNIQUE
        if self.max_rows is not None and sum(self.row_counts.values()) >= self.max_rows:
            return RowFate.OVER_LIMIT
        self.row_counts[row.item] += 1
        self.row_values.update((row.item, value) for value in row.unique)
        if row.key:
            self.row_keys.add((row.item, row.key))
        return RowFate.STORED

    def _settle(self, page: Page, outcome: str, *, url: str, reason: str) -> None:
        del self.open[page.request.id]
        self.settled[outcome] += 1
        self.outcomes[page.request.id] = outcome
        if outcome not in HARMLESS:
            self.failures.append(Failure(url=url, outcome=outcome, reason=reason, tries=page.tries))

    def retry(self, lease: Lease, *, delay_ms: int, hold_ms: int) -> Reply:
        self.touch()
        page = self.held(lease)
        if page is None:
            return Reply.STALE
        if hold_ms > 0:
            self.holds[page.host] = max(self.holds.get(page.host, 0), self.now + hold_ms)
        self.events["retries"] += 1
        page.tries += 1
        self._let_go(page)
        if delay_ms > 0:
            page.state, page.not_before = "delayed", self.now + delay_ms
        else:
            self._note_suspect(page)
        return Reply.OK

    def park(self, lease: Lease, *, needs: int) -> Reply:
        self.touch()
        page = self.held(lease)
        if page is None:
            return Reply.STALE
        self._let_go(page)
        self.parkings += 1
        page.state, page.needs = "parked", (needs, self.parkings)
        return Reply.OK

    def unpark(self, limit: int, reads: float) -> None:
        parked = [page for page in self.open.values() if page.state == "parked" and page.host not in self._skipped]
        readable = sorted((page for page in parked if page.needs[0] <= reads), key=lambda page: page.needs)
        for page in readable[: max(0, limit)]:
            page.state = "ready"
            self._note_suspect(page)

    def release(self, *, worker: str, leases=None) -> int:
        if leases is None or leases:
            self.touch()
        pages = self.held_by(worker)
        if leases is not None:
            named = [page for lease in leases if (page := self.held(lease)) is not None]
            pages = [page for page in pages if any(page is other for other in named)]
        for page in pages:
            self._let_go(page)
            self._note_suspect(page)
        self.events["released"] += len(pages)
        return len(pages)

    # --- the end, and the books ---

    def close(self, reason: str, *, staged: Staged, stale: bool) -> Reply:
        """`stale`: what the frontier has answered, which it may while a large page is not unfolded entirely."""
        if self.closed:
            return Reply.CLOSED
        self.touch()
        self.take_back()
        self.unfold(*staged)
        if any(page.state == "leased" for page in self.open.values()):
            return Reply.STALE
        if reason == FINISHED and (
            self.open or self.staged or self.staged_rows or (self.stages and stale) or not self.seen
        ):
            return Reply.STALE
        agree("what a closed job has not looked at", (self.staged, self.staged_rows), ([], []))
        self.closed = reason or "closed"
        if self.open:
            self.settled["cancelled"] += len(self.open)
        self.outcomes.update(dict.fromkeys(self.open, "cancelled"))
        for store in (self.open, self.lists):
            store.clear()
        self.stages = 0
        return Reply.OK

    def promote(self, *, due_in_s: float | None, staged: Staged) -> None:
        """Judges when the next call is said to be worth while."""
        if not self.closed:
            self.touch()
            self.take_back()
            self.unfold(*staged)
            if self.paused:  # whoever is there afterwards may try all of them again
                self._skipped = frozenset()
                self.unpark(len(self.open), math.inf)
        if due_in_s != 0:
            self.stages = 0  # there would be something to do at once
        self.agree_on_due(due_in_s)

    def ledger(self) -> Ledger:
        """The books; the reasons of poison are each back end's own."""
        states = Counter(page.state for page in self.open.values())
        return Ledger(
            accepted=len(self.seen),
            ready=states["ready"],
            delayed=states["delayed"],
            leased=states["leased"],
            parked=states["parked"],
            settled=dict(self.settled),
            rows=dict(self.row_counts),
            retries=self.events["retries"],
            expired=self.events["expired"],
            released=self.events["released"],
            stalled=self.events["stalled"],
            joined=self.events["joined"],
            duplicates=self.events["duplicates"],
            not_unique=self.events["not_unique"],
            rejected=self.events["rejected"],
            staged=len(self.staged),
            failures=tuple(self.failures),
            closed=self.closed,
        )


def _goes_before(one: Page, other: Page) -> bool:
    """Whether the order within a host is plain: priorities that are both beyond the range may count as equal."""
    ours, theirs = (max(-MOST_URGENT, min(MOST_URGENT, page.request.priority)) for page in (one, other))
    if ours != theirs:
        return ours > theirs
    return one.request.priority == other.request.priority and one.order < other.order
