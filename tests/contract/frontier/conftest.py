"""Back ends of the frontier contract. A new one is one more parameter here."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from clocked_store import ClockedStore

from crawler.frontier.contract import Frontier, FrontierRequest
from crawler.frontier.memory import MemoryFrontier
from crawler.frontier.redis import RedisFrontier


class Clock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Job:
    """A frontier under test, with a sync face: every call is run to its end."""

    def __init__(self, frontier: Frontier, clock: Clock, run=asyncio.run) -> None:
        self.frontier = frontier
        self.clock = clock
        self.run = run
        self.calls: dict[str, itertools.count] = {}

    def __getattr__(self, name):
        method = getattr(self.frontier, name)
        return lambda *args, **kwargs: self.run(method(*args, **kwargs))

    def add(self, *requests: FrontierRequest):
        return self.run(self.frontier.enqueue(requests))

    def take(self, limit: int = 100, *, worker: str = "w1", ttl_s: float = 60.0, **asked):
        call = next(self.calls.setdefault(worker, itertools.count(1)))
        return self.run(self.frontier.lease(worker=worker, call=call, limit=limit, ttl_s=ttl_s, **asked))

    def take_one(self, **kwargs):
        (lease,) = self.take(1, **kwargs).leases
        return lease

    def settle(self, lease, outcome: str = "ok", **kwargs):
        from crawler.frontier.contract import PageCommit

        (reply,) = self.run(self.frontier.commit([PageCommit(lease=lease, outcome=outcome, **kwargs)]))
        return reply

    def check(self):
        """The books, counted anew; they must balance and agree with the kept ones."""
        counted, kept = self.run(self.frontier.audit()), self.run(self.frontier.ledger())
        assert counted == kept
        assert counted.balanced
        return counted


@pytest.fixture(params=["memory", "redis"])
def clocked_store(request):
    """The store of the back end under test; None for the one that needs none."""
    if request.param == "memory":
        yield None
        return
    store = ClockedStore(request.getfixturevalue("valkey").url)
    yield store
    store.close()


@pytest.fixture
def clock(clocked_store):
    return Clock() if clocked_store is None else clocked_store.clock


@pytest.fixture
def make_job(clocked_store, clock):
    """Builds a job of the back end under test; keyword arguments are the frontier's limits."""
    numbers = itertools.count(1)

    def make(**limits) -> Job:
        if clocked_store is None:
            return Job(MemoryFrontier(clock=clock, keep_rows=True, **limits), clock)
        frontier = RedisFrontier(clocked_store.store, job=f"job{next(numbers)}", **limits)
        return Job(frontier, clock, clocked_store.run)

    return make


@pytest.fixture
def job(make_job) -> Job:
    return make_job()


@pytest.fixture
def page():
    """Builds a request: `page(7)`, `page(7, host="b", priority=2)`."""

    def build(number: int, host: str = "a", **kwargs) -> FrontierRequest:
        return FrontierRequest(id=number, host=host, body=f"body {number}".encode(), **kwargs)

    return build
