"""A crawl by several workers on a simulated clock, in which anything may fail at any moment; the same again for a seed.

Workers are coroutines that lease, fetch, commit, retry, renew and leave as those of the product do. Wherever one of
them waits it may die or stand still for longer than its leases live; a call may have taken effect although its reply
is lost, and is then repeated; the store may be down. From some moment on nothing fails any more, and then the job must
end in time, with every page settled once and as the site says.

No thread, no event loop and no real time is involved: `Simulation` resumes one coroutine after the other, in an order
that the seed decides.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from scenario import FETCH, LATENCY, PATIENCE, TTL, Scenario
from simulated_worker import Process, Worker, wait
from twin import TICK_MS, Twin

from crawler.frontier.contract import FINISHED, MAX_CRASH_TRIES, Fate, Lease, PageCommit, Reply
from crawler.frontier.identity import START_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_KEPT_STEPS = 30


class SimulationFailed(AssertionError):
    """Something that must always hold did not; the message has the seed and the last steps."""


@dataclass(order=True)
class _Event:
    at: int
    tie: float
    number: int
    process: Process = field(compare=False)
    coroutine: Coroutine[Any, Any, None] = field(compare=False)


class Simulation:
    """One crawl. `run` raises SimulationFailed."""

    def __init__(self, scenario: Scenario, backend, *, judged: bool = True) -> None:
        """`judged`: every answer is held against the model, too."""
        self.scenario, self.backend = scenario, backend
        self.site, self.faults = scenario.site, scenario.faults
        self.random = Random(scenario.seed + 1)
        self.twin = Twin(backend, scenario.limits)
        self.calls = self.twin if judged else backend.frontier
        self.judged = judged
        self.now = 0
        self.started_ms = backend.now_ms
        self.events: list[_Event] = []
        self.trace: deque[str] = deque(maxlen=_KEPT_STEPS)
        self.numbers = 0
        self.moments = 0
        self.replies = 0
        self.workers: list[Worker] = []
        self.newest: dict[int, Lease] = {}  # of each page
        self.holder: dict[int, tuple[Process, Lease]] = {}  # the same, as far as it may still hold
        self.spared: Counter[int] = Counter()  # suspects whose only holder was made to fail
        self.ended: dict[int, PageCommit] = {}
        self.cancelled = False
        self.closed = ""
        self.steps = self.stale = self.deaths = self.stalls = 0

    # --- time and processes ---

    def spawn(self, process: Process, coroutine, delay: int = 0) -> None:
        self.numbers += 1
        heapq.heappush(self.events, _Event(self.now + delay, self.random.random(), self.numbers, process, coroutine))

    def run(self) -> None:
        """The crawl from its start to its end, and the books then."""
        try:
            self._run()
            self._check_end()
        except Exception as error:
            steps = "\n  ".join(self.trace)
            raise SimulationFailed(
                f"seed {self.scenario.seed}: {type(error).__name__}: {error}\nat tick {self.now}; the last steps:\n"
                f"  {steps}\nonce more: pytest tests/model --sim-seeds {self.scenario.seed}:1"
            ) from error
        finally:
            for event in self.events:
                event.coroutine.close()

    def _run(self) -> None:
        self.spawn(Process("api", mortal=False), self._api())
        self.spawn(Process("spawner", mortal=False), self._keep_workers())
        if self.scenario.cancel_at is not None:
            self.spawn(Process("client", mortal=False), self._cancel(), self.scenario.cancel_at)
        for _, end in self.faults.outages:
            self.spawn(Process("store", mortal=False), self._come_back(), end)
        deadline = self._deadline()
        while self.events and not (self.closed and not any(worker.process.alive for worker in self.workers)):
            event = heapq.heappop(self.events)
            self.now = max(self.now, event.at)
            assert self.now <= deadline, f"the job has not ended by tick {deadline}: {self._open_pages()}"
            self._resume(event)
        assert self.closed, "everybody has left, but the job is not closed"

    def _resume(self, event: _Event) -> None:
        process = event.process
        if process.frozen_until > self.now:
            self.spawn(process, event.coroutine, process.frozen_until - self.now)
            return
        if process.alive and process.mortal:
            self._maybe_fail(process)
        if not process.alive:
            event.coroutine.close()
            return
        if process.frozen_until > self.now:
            self.spawn(process, event.coroutine, process.frozen_until - self.now)
            return
        try:
            delay = event.coroutine.send(None)
        except StopIteration:
            return
        self.spawn(process, event.coroutine, delay)

    def _maybe_fail(self, process: Process) -> None:
        self.moments += 1
        if self.faults.crash_at == self.moments:
            self.kill(process, "crashes")
        if self.now >= self.faults.end:
            return
        fate = self.random.random()
        if fate < self.faults.crash:
            if self.may_lose_suspect(process):
                self.kill(process, "crashes")
        elif fate < self.faults.crash + self.faults.stall:
            if self.may_lose_suspect(process):
                self.stalls += 1
                process.frozen_until = self.now + int(TTL * self.random.uniform(0.5, 2.5))
                self.note(f"{process.name} stands still until {process.frozen_until}")
        elif fate < self.faults.crash + self.faults.stall + self.faults.leave:
            next(worker for worker in self.workers if worker.process is process).leaving = True

    def may_lose_suspect(self, process: Process) -> bool:
        """A page is poison after so many lost holders: so that only killers become it, we take fewer."""
        for holder, lease in self.holder.values():
            kills = self.site.pages[lease.request.id].kind == "killer"
            if holder is process and lease.suspect and not kills and lease.request.id not in self.ended:
                self.spared[lease.request.id] += 1
                return self.spared[lease.request.id] < MAX_CRASH_TRIES
        return True

    def kill(self, process: Process, why: str) -> None:
        process.alive = False
        self.deaths += why != "leaves"
        self.note(f"{process.name} {why}")

    def note(self, step: str) -> None:
        self.trace.append(f"{self.now}: {step}")

    def needs(self, page: int) -> int:
        """What a worker must read to get this page."""
        return 2 if self.scenario.mixed and page != START_ID and page % 3 == 0 else 1

    def _deadline(self) -> int:
        """Twice the ttl and all the work there is, after the last fault."""
        killers = sum(page.kind == "killer" for page in self.site.pages.values())
        work = sum((page.fails + 1) * (max(FETCH) + 80 + 6 * PATIENCE) for page in self.site.pages.values())
        work *= 2 if self.scenario.mixed else 1  # what one puts aside waits for another
        cancelled = self.scenario.cancel_at or 0
        return max(self.faults.end, cancelled) + 2 * TTL + 5 * TTL * killers + work

    def _open_pages(self) -> list[str]:
        return [str(page) for page in self.twin.model.open.values()] if self.judged else []

    # --- calls ---

    def store_is_down(self) -> bool:
        return any(begin <= self.now < end for begin, end in self.faults.outages)

    def effect(self, process: Process, what: str, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """A call takes effect."""
        behind = self.started_ms + self.now * TICK_MS - self.backend.now_ms
        if behind:
            self.twin.move(behind)
        answer = self.backend.run(make())
        self.note(f"{process.name} {what} -> {_short(answer)}")
        self.steps += 1
        self._check_step()
        return answer

    async def call(self, process: Process, what: str, make: Callable[[], Coroutine[Any, Any, Any]], seen=None) -> Any:
        """A call and its reply, however often it takes. `seen` is told each answer when it is given."""
        while True:
            await wait(self.random.choice(LATENCY))
            if self.store_is_down():
                await wait(PATIENCE)
                continue
            answer = self.effect(process, what, make)
            if seen is not None:
                seen(answer)
            if self._fails(self.faults.late_copy):
                self.spawn(Process("network", mortal=False), self._arrive_again(process, what, make, seen))
            await wait(self.random.choice(LATENCY))
            self.replies += 1
            if self._fails(self.faults.lost_reply) or self.replies == self.faults.lose_at:
                self.note(f"the reply to {process.name} is lost")
                await wait(PATIENCE)
                continue
            return answer

    async def _arrive_again(self, process, what, make, seen) -> None:
        await wait(self.random.randint(1, 60))
        if not self.store_is_down() and what != "close limit":  # which is right at its time only
            answer = self.effect(process, f"(late) {what}", make)
            if seen is not None:
                seen(answer)

    def _fails(self, probability: float) -> bool:
        return self.now < self.faults.end and self.random.random() < probability

    async def _come_back(self) -> None:
        behind = self.started_ms + self.now * TICK_MS - self.backend.now_ms
        self.twin.move(behind)
        self.twin.restarted()
        self.note("the store is back")
        await wait(1)

    # --- who is no worker ---

    async def _api(self) -> None:
        process = Process("api", mortal=False)
        start = [self.site.request(START_ID)]
        await self.call(process, "enqueue start", lambda: self.calls.enqueue(start))

    async def _keep_workers(self) -> None:
        await wait(12)
        while not self.closed:
            if sum(worker.process.alive for worker in self.workers) < self.scenario.workers:
                old = self.scenario.mixed and len(self.workers) % 2 == 0
                worker = Worker(self, f"w{len(self.workers) + 1}", reads=1 if old else 2)
                self.workers.append(worker)
                self.note(f"{worker.process.name} joins")
                self.spawn(worker.process, worker.lead())
                self.spawn(worker.process, worker.renew())
            await wait(self.random.randint(4, 40))

    async def _cancel(self) -> None:
        process = Process("client", mortal=False)
        self.cancelled = True
        self.note("the job is cancelled")
        while not self.closed:
            await self.call(process, "promote", self.calls.promote)
            await self.close(process, "cancelled")
            await wait(8)

    async def close(self, process: Process, reason: str) -> bool:
        """Tries to end the job; whether it has ended."""

        def seen(reply):
            if reply is Reply.OK:
                self.closed = reason

        reply = await self.call(process, f"close {reason}", lambda: self.calls.close(reason), seen)
        return reply is not Reply.STALE

    # --- what must hold ---

    def given(self, process: Process, leases: tuple[Lease, ...]) -> None:
        """Leases have been given, whether or not the reply arrives."""
        for lease in leases:
            number = lease.request.id
            assert number not in self.ended, f"page {number} is leased after its end"
            assert lease.request == self.site.request(number, chain=lease.request.chain), f"{lease.request} is garbled"
            for other, (holder, held) in list(self.holder.items()):
                if holder is process and (lease.suspect or held.suspect):
                    del self.holder[other]  # whoever holds a suspect holds nothing else: that lease has been lost
            self.holder[number] = (process, lease)
            self.newest[number] = lease

    def given_back(self, lease: Lease, reply: Reply) -> None:
        """A retry has been answered."""
        if reply is Reply.OK:
            self.holder.pop(lease.request.id, None)

    def settled(self, commits, replies) -> None:
        """Commits have been answered."""
        for commit, reply in zip(commits, replies, strict=True):
            if reply.reply is not Reply.OK:
                self.stale += 1
                continue
            number = commit.lease.request.id
            assert number not in self.ended, f"page {number} is settled twice"
            newest = self.newest[number]
            assert newest.token == commit.lease.token, f"page {number} was settled by an old lease"
            self.ended[number] = commit
            known = Fate.CLOSED in reply.children
            assert not known, f"page {number} counted, but the job takes no more pages"

    def _check_step(self) -> None:
        if self.judged:
            self.backend.run(self.twin.check_books(anew=False))
            return
        books = self.backend.run(self.backend.frontier.ledger())
        assert books.balanced, f"the books do not balance: {books}"
        assert self.backend.run(self.backend.frontier.audit()) == books

    def _check_end(self) -> None:
        run, frontier = self.backend.run, self.backend.frontier
        books = run(frontier.audit())
        assert books == run(frontier.ledger())
        assert books.balanced, f"the books do not balance: {books}"
        assert not books.open + books.staged, f"something is left: {books}"
        if self.judged:
            run(self.twin.check_books())
            run(self.twin.check_rows())
        self._check_outcomes(books)
        self._check_rows(books)
        assert run(frontier.enqueue([self.site.request(START_ID)])) == (Fate.CLOSED,)
        assert run(frontier.lease(worker="late", call=1, limit=9, ttl_s=9.0)).reply is Reply.CLOSED
        assert run(frontier.audit()) == books, "a closed job has changed"

    def _check_outcomes(self, books) -> None:
        expected = self.site.outcomes()
        for number, commit in self.ended.items():
            assert commit.outcome == expected.get(number), (
                f"page {number}: {commit.outcome}, not {expected.get(number)}"
            )
        poison = {number for number, outcome in expected.items() if outcome == "poison"}
        assert books.settled.get("poison", 0) <= len(poison), f"poison: {books.settled}, but only {poison} kill"
        ended = Counter(commit.outcome for commit in self.ended.values())
        for outcome, count in books.settled.items():
            if outcome not in {"poison", "cancelled"}:
                assert count == ended[outcome], f"{count} pages are {outcome}, but {ended[outcome]} were committed"
        if self.closed == FINISHED:
            assert books.settled == Counter(expected.values()), f"{books.settled}, not {Counter(expected.values())}"
        if self.scenario.limits.max_pages is not None:
            fetched = sum(books.settled.values()) - books.settled.get("cancelled", 0) - 1
            assert fetched <= self.scenario.limits.max_pages, f"{fetched} pages were fetched: {books.settled}"

    def _check_rows(self, books) -> None:
        """The kept rows are those of the pages that counted: none twice, none missing."""
        rows, after = [], ""
        while part := self.backend.run(self.backend.frontier.read_rows(after=after, limit=7)):
            rows += part
            after = part[-1].position
        given = {row.body: (number, row) for number, commit in self.ended.items() for row in commit.rows}
        bodies = [row.body for row in rows]
        assert len(bodies) == len(set(bodies)), "a row is there twice"
        assert all(given[row.body][0] == row.page for row in rows), "a row is there whose page does not count"
        kept = [given[body][1] for body in bodies]
        keys = [(row.item, row.key) for row in kept if row.key]
        assert len(keys) == len(set(keys)), "a key is there twice"
        values = [(row.item, value) for row in kept for value in row.unique]
        assert len(values) == len(set(values)), "a unique value is there twice"
        assert Counter(row.item for row in kept) == Counter(books.rows)
        if self.scenario.limits.max_rows is not None:
            assert len(rows) <= self.scenario.limits.max_rows
            return
        refused = books.duplicates + books.not_unique
        assert len(rows) + refused == len(given), f"{len(given)} rows, {len(rows)} kept, {refused} refused"
        missing = [row for _, row in given.values() if not row.key and not row.unique and row.body not in set(bodies)]
        assert not missing, f"rows are missing: {missing}"


def _short(answer: Any) -> str:
    """An answer as a line of the trace shows it."""
    leases = getattr(answer, "leases", None)
    if leases is not None:
        given = [f"{lease.request.id}{'?' if lease.suspect else ''}" for lease in leases]
        return f"{given}, open {answer.open}, due {answer.due_in_s}"
    if isinstance(answer, tuple):
        return str([str(getattr(one, "reply", one)) for one in answer])[:120]
    return str(answer)


def simulate(seed: int, backend, *, judged: bool = True) -> Simulation:
    """The crawl of a seed on a back end. Raises SimulationFailed."""
    has_grace = backend.features.grace_ms is not None
    longest = 3 * TTL if has_grace else TTL // 4
    simulation = Simulation(Scenario.random(seed, longest_outage=longest), backend, judged=judged)
    simulation.run()
    return simulation
