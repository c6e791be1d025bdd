"""Simulated crawls in which anything fails: each ends in time, with every page settled once and each row kept once."""

from __future__ import annotations

from random import Random

import pytest
from scenario import SIM_TTL_MS, Faults, Scenario
from simulator import Simulation, SimulationFailed, simulate
from site_of_pages import Site
from twin import Limits, MemoryBackend, RedisBackend

from crawler.frontier.identity import START_ID
from crawler.frontier.memory import MemoryFrontier

#: Of crawls in which one thing fails at each moment in turn.
SMALL = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))]


@pytest.fixture
def redis_backend(valkey):
    backend = RedisBackend(valkey.url, ttl_ms=SIM_TTL_MS)
    yield backend
    backend.close()


@pytest.mark.seeds(500, 10_000)
def test_crawls_on_the_memory_frontier(seeds):
    backend = MemoryBackend()
    for seed in seeds:
        simulate(seed, backend)


@pytest.mark.seeds(30, 500)
def test_crawls_on_a_real_store(redis_backend, seeds):
    for seed in seeds:
        simulate(seed, redis_backend)


def small_crawl(seed, **faults) -> Scenario:
    """Two workers, and nothing that fails but what is asked for."""
    return Scenario(
        seed=seed,
        site=Site(Random(seed), size=5),
        limits=Limits(per_host=2),
        workers=2,
        capacity=3,
        faults=Faults(**faults),
    )


@pytest.mark.parametrize("seed", SMALL)
def test_a_worker_may_die_at_any_single_moment(seed):
    calm = Simulation(small_crawl(seed), MemoryBackend())
    calm.run()
    assert calm.moments > 100
    for moment in range(1, calm.moments + 1):
        Simulation(small_crawl(seed, crash_at=moment, end=calm.now), MemoryBackend()).run()


@pytest.mark.parametrize("seed", SMALL)
def test_any_single_reply_may_be_lost(seed):
    calm = Simulation(small_crawl(seed), MemoryBackend())
    calm.run()
    assert calm.replies > 20
    for reply in range(1, calm.replies + 1):
        Simulation(small_crawl(seed, lose_at=reply, end=calm.now), MemoryBackend()).run()


def test_a_seed_gives_the_same_crawl_again():
    first, second = (simulate(17, MemoryBackend()) for _ in range(2))
    assert first.steps > 50
    assert list(first.trace) == list(second.trace)
    assert (first.now, first.moments, first.replies) == (second.now, second.moments, second.replies)


def test_what_can_fail_does():
    """The faults of a hundred seeds, so that a simulator that spares everybody is noticed."""
    crawls = [simulate(seed, MemoryBackend()) for seed in range(100)]
    books = [crawl.backend.run(crawl.backend.frontier.ledger()) for crawl in crawls]
    outcomes = {outcome for book in books for outcome in book.settled}
    assert outcomes == {"ok", "redirected", "http_404", "gave_up", "poison", "cancelled"}
    assert sum(book.stalled for book in books) > 20
    assert sum(book.joined for book in books) > 0
    assert sum(book.duplicates + book.not_unique for book in books) > 50
    assert {crawl.closed for crawl in crawls} == {"finished", "limit", "cancelled"}
    assert sum(crawl.stale for crawl in crawls) > 50
    assert sum(crawl.deaths for crawl in crawls) > 200
    assert sum(crawl.stalls for crawl in crawls) > 50
    assert sum(bool(crawl.faults.outages) for crawl in crawls) > 20


class Forgetful(MemoryFrontier):
    """It loses the books of the third commit."""

    async def commit(self, commits):
        replies = await super().commit(commits)
        self.commits = getattr(self, "commits", 0) + 1
        if self.commits == 3:
            self._settled.clear()
        return replies


@pytest.mark.parametrize("judged", [True, False])
def test_a_failure_names_its_seed_and_shows_the_last_steps(judged):
    with pytest.raises(SimulationFailed) as caught:
        simulate(1, MemoryBackend(Forgetful), judged=judged)
    message = str(caught.value)
    assert message.startswith("seed 1: ")
    assert "--sim-seeds 1:1" in message
    assert "commit [(1, 'ok')] -> ['ok']" in message
    assert message.count("commit [") >= 3


def test_the_site_of_a_seed_is_the_same_again_and_reachable_from_its_start():
    one, other = Site(Random(5)), Site(Random(5))
    assert one.pages == other.pages
    outcomes = one.outcomes()
    assert outcomes[START_ID] == "ok"
    assert len(outcomes) > len(one.pages) / 2
