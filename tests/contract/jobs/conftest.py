"""Back ends of the contract of jobs. A new one is one more parameter here."""

from __future__ import annotations

import asyncio

import pytest
from clocked_store import ClockedStore, SyncFace

from crawler.jobs.memory import MemoryJobStore
from crawler.jobs.model import Intended, Job, Outcome, State
from crawler.jobs.redis import RedisJobStore

SECRET = b"0123456789abcdef"

#: What a job is intended to come to for each end, when its rows are what was asked for.
MEANT = {"succeeded": "succeed", "failed": "fail", "cancelled": "cancel", "expired": "expire"}


class Clock:
    """Time in seconds that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def pass_(self, seconds: float) -> None:
        self.now += seconds


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
def jobs(clocked_store, clock):
    """The store of jobs under test, with a sync face; `.target` is the store itself, `.runner` what runs it."""
    if clocked_store is not None:
        yield clocked_store.face(RedisJobStore(clocked_store.store))
        return
    with asyncio.Runner() as runner:
        yield SyncFace(runner, MemoryJobStore(now_ms=lambda: round(clock.now * 1000)))


@pytest.fixture
def at_once(jobs):
    """Makes calls of the store together: `at_once(lambda store: [store.get("a"), ...])`; exceptions are answers."""

    async def together(calls):
        return await asyncio.gather(*calls(jobs.target), return_exceptions=True)

    return lambda calls: jobs.runner.run(together(calls))


@pytest.fixture
def a_job():
    return lambda name="j", **values: Job(**{"id": name, "secret": SECRET, "spider": "books", **values})


@pytest.fixture
def in_state(jobs, a_job):
    """A job that has come to a state by allowed moves; `intended` for `finishing` and what follows."""

    def come(name: str, state: str, *, intended: str = "", outcome: str = "complete"):
        jobs.create(a_job(name))
        if state in ("running", "paused"):
            jobs.move(name, State(state))
        elif state != "queued":
            jobs.move(name, State.FINISHING, intended=Intended(intended or MEANT.get(state, "succeed")))
            if state != "finishing":
                jobs.move(name, State(state), outcome=Outcome(outcome))
        return jobs.status(name)

    return come
