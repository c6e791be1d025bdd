"""Places of jobs in Redis or Valkey when a process dies, or when somebody reserves while another one looks."""

from __future__ import annotations

import pytest
import redis
from clocked_store import ClockedStore

from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.store_contract import RESERVED_MS

LIVE = "crawlery:live:of:acme"


@pytest.fixture
def clocked_store(valkey):
    """Of the only back end that this file is about."""
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def server(valkey):
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        yield client


class Between:
    """A store in which something happens right after anyone has looked at the state of job `of`."""

    def __init__(self, store, *, of, happens) -> None:
        self.prefix = store.prefix
        self.call = store.call
        self._store, self._of, self._happens = store, of, happens

    async def command(self, *words):
        answer = await self._store.command(*words)
        if words == ("HMGET", f"crawlery:{{{self._of}}}:job", "state"):
            await self._happens(RedisJobStore(self._store))
        return answer


@pytest.fixture
def between(clocked_store):
    """The face of a store in which `happens(jobs)` runs between looking and acting."""
    return lambda happens, of="dead": clocked_store.face(
        RedisJobStore(Between(clocked_store.store, of=of, happens=happens))
    )


def test_the_place_of_a_job_whose_end_nobody_told_is_found_when_there_is_no_other(jobs, a_job, server):
    for name in ("a", "b"):
        jobs.create(a_job(name, client="acme"))
    server.hset("crawlery:{a}:job", "state", "failed")  # and then the process died
    server.delete("crawlery:{b}:job")
    assert jobs.live_of("acme") == ()
    assert jobs.reserve("acme", "c", 3)
    assert server.zcard(LIVE) == 3
    assert jobs.reserve("acme", "d", 3)
    assert sorted(server.zrange(LIVE, 0, -1)) == ["c", "d"]


def test_a_place_that_was_reserved_anew_since_somebody_looked_is_kept(jobs, clock, between):
    jobs.reserve("acme", "dead", 1)
    clock.pass_(RESERVED_MS / 1000)

    async def reserve_again(store):
        assert await store.reserve("acme", "dead", 1)

    assert not between(reserve_again).reserve("acme", "j", 1)
    assert jobs.live_of("acme") == ("dead",)


def test_a_place_that_was_reserved_anew_in_the_same_moment_is_kept_too(jobs, in_state, between, server):
    in_state("dead", "failed")
    jobs.reserve("acme", "dead", 1)

    async def order_again(store):
        assert await store.reserve("acme", "dead", 1)

    assert not between(order_again).reserve("acme", "j", 1)
    assert server.zrange(LIVE, 0, -1) == ["dead"]


def test_a_job_that_has_ended_gives_its_place_back_at_once(jobs, a_job, server):
    for name in ("a", "b"):
        jobs.create(a_job(name, client="acme"))
    jobs.move("a", State.FINISHING, intended=Intended.CANCEL)
    jobs.move("a", State.CANCELLED, outcome=Outcome.EMPTY)
    jobs.move("b", State.FINISHING, intended=Intended.CANCEL)
    assert server.zrange(LIVE, 0, -1) == ["b"]
    jobs.adopt("b", State.SUCCEEDED, outcome=Outcome.EMPTY)
    assert not server.exists(LIVE)


def test_a_job_that_was_accepted_late_while_somebody_looked_is_counted(jobs, a_job, clock, between):
    jobs.reserve("acme", "dead", 1)
    clock.pass_(RESERVED_MS / 1000)

    async def accept(store):
        if await store.owner("dead") is None:
            await store.create(a_job("dead", client="acme"))

    assert not between(accept).reserve("acme", "j", 1)
    assert jobs.live_of("acme") == ("dead",)


def test_reindexing_forgets_reservations_of_the_dead_only(jobs, clock, a_job, server):
    jobs.reserve("acme", "dead", 2)
    clock.pass_(RESERVED_MS / 1000)
    jobs.reserve("acme", "young", 2)
    jobs.create(a_job("j", client="acme"))
    jobs.move("j", State.RUNNING)
    jobs.reindex()
    assert sorted(server.zrange(LIVE, 0, -1)) == ["j", "young"]


def test_a_reservation_is_one_command_while_there_is_room_and_looks_at_jobs_only_when_there_is_none(
    clocked_store, jobs, a_job
):
    def calls(job: str) -> int:
        before = clocked_store.store.counters.calls
        jobs.reserve("acme", job, 3)
        return clocked_store.store.counters.calls - before

    assert [calls(job) for job in ("a", "b", "c")] == [1, 1, 1]
    assert calls("d") == 1 + 3
    assert calls("a") == 1
