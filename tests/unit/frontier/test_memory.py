"""The memory back end against a plain model of the contract, by random calls in random order."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crawler.frontier.contract import Fate, FrontierRequest, PageCommit, Reply, Row
from crawler.frontier.memory import MemoryFrontier

PER_HOST, MAX_PAGES, TTL_S = 3, 25, 60.0


class FrontierMachine(RuleBasedStateMachine):
    """The model knows which ids were accepted, who holds what, and what was settled."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.tokens = iter(range(1, 1_000_000))
        self.frontier = MemoryFrontier(
            per_host=PER_HOST, max_pages=MAX_PAGES, clock=lambda: self.now, new_token=lambda: next(self.tokens)
        )
        self.accepted: set[int] = set()
        self.settled: dict[int, str] = {}
        self.held: dict[int, tuple] = {}  # id -> (lease, worker, deadline)
        self.stale: list = []
        self.holds: dict[str, float] = {}
        self.calls = {"w1": 0, "w2": 0}

    def run(self, call):
        return asyncio.run(call)

    def request(self, number: int) -> FrontierRequest:
        return FrontierRequest(id=number + 10, host=f"host{number % 3}", body=b"x", priority=number % 2)

    def note(self, requests, fates):
        for request, fate in zip(requests, fates, strict=True):
            assert fate is (Fate.SEEN if request.id in self.accepted else Fate.ENQUEUED)
            self.accepted.add(request.id)

    @rule(numbers=st.lists(st.integers(0, 40), max_size=6))
    def enqueue(self, numbers):
        requests = [self.request(number) for number in numbers]
        self.note(requests, self.run(self.frontier.enqueue(requests)))

    @rule(worker=st.sampled_from(["w1", "w2"]), limit=st.integers(1, 8))
    def lease(self, worker, limit):
        for page_id, (lease, _, deadline) in list(self.held.items()):
            if deadline <= self.now:
                self.stale.append(lease)
                del self.held[page_id]
        self.calls[worker] += 1
        reply = self.run(self.frontier.lease(worker=worker, call=self.calls[worker], limit=limit, ttl_s=TTL_S))
        assert len(reply.leases) <= limit
        for lease in reply.leases:
            page_id, host = lease.request.id, lease.request.host
            assert page_id in self.accepted
            assert page_id not in self.settled
            assert page_id not in self.held
            assert self.holds.get(host, 0.0) <= self.now
            self.held[page_id] = (lease, worker, self.now + TTL_S)
        for host in ("host0", "host1", "host2"):
            assert sum(held[0].request.host == host for held in self.held.values()) <= PER_HOST
        suspects = [held for held in self.held.values() if held[0].suspect]
        for _, holder, _ in suspects:
            assert sum(other == holder for _, other, _ in self.held.values()) == 1
        for failure in self.run(self.frontier.ledger()).failures:
            if failure.outcome == "poison":
                self.settled.setdefault(int(failure.reason.split()[1].rstrip(":")), "poison")
        assert len(self.settled) + len(self.held) <= MAX_PAGES

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(), outcome=st.sampled_from(["ok", "http_404"]), children=st.lists(st.integers(0, 40), max_size=3)
    )
    def commit(self, data, outcome, children):
        lease, _, _ = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        requests = [self.request(number) for number in children]
        (reply,) = self.run(
            self.frontier.commit([PageCommit(lease=lease, outcome=outcome, children=tuple(requests), url="u")])
        )
        assert reply.reply is Reply.OK
        self.note(requests, reply.children)
        self.settled[lease.request.id] = outcome
        self.stale.append(lease)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_stale_lease_changes_nothing(self, data):
        lease = data.draw(st.sampled_from(self.stale))
        before = self.run(self.frontier.ledger())
        (reply,) = self.run(self.frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(Row(item="x"),))]))
        assert reply.reply is Reply.STALE
        assert self.run(self.frontier.retry(lease, delay_s=0, reason="", hold_host_s=99)) is Reply.STALE
        assert self.run(self.frontier.release(worker="w1", leases=[lease])) == 0
        assert self.run(self.frontier.ledger()) == before

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay_s=st.sampled_from([0.0, 5.0]), hold_s=st.sampled_from([0.0, 20.0]))
    def retry(self, data, delay_s, hold_s):
        lease, _, _ = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        assert self.run(self.frontier.retry(lease, delay_s=delay_s, reason="x", hold_host_s=hold_s)) is Reply.OK
        host = lease.request.host
        self.holds[host] = max(self.holds.get(host, 0.0), self.now + hold_s)
        self.stale.append(lease)

    @rule(worker=st.sampled_from(["w1", "w2"]))
    def release(self, worker):
        mine = [page_id for page_id, (_, holder, _) in self.held.items() if holder == worker]
        expired = self.run(self.frontier.release(worker=worker)) - len(mine)
        assert expired >= 0
        self.stale += [self.held.pop(page_id)[0] for page_id in mine]

    @rule(seconds=st.sampled_from([1.0, 6.0, 25.0, 61.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @invariant()
    def the_books_balance(self):
        counted, kept = self.run(self.frontier.audit()), self.run(self.frontier.ledger())
        assert counted == kept
        assert counted.balanced
        assert counted.accepted == len(self.accepted)


FrontierMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMemoryFrontier = FrontierMachine.TestCase
