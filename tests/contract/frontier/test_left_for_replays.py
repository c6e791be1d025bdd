"""What a job leaves in the store for whoever fetches its failed pages again, and what a replay takes."""

from __future__ import annotations

import itertools

import pytest
from clocked_store import ClockedStore

from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.replays import RedisReplays
from crawler.frontier.words import request_of


@pytest.fixture
def store(valkey):
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def frontier(store):
    return store.face(RedisFrontier(store.store, job="j", ttl_s=60))


@pytest.fixture
def replays(store):
    return RedisReplays(store.store, job="j")


@pytest.fixture
def fail(frontier):
    """Finds a page and lets it fail."""
    calls = itertools.count(1)

    def fail(number, outcome="timeout", *, body=b"x", **request):
        frontier.enqueue([FrontierRequest(id=number, host="a.example", body=body, **request)])
        (lease,) = frontier.lease(worker="w", call=next(calls), limit=1, ttl_s=60).leases
        rows = (Row(item="book", key=5, unique=(6, 7)),)
        frontier.commit([PageCommit(lease=lease, outcome=outcome, rows=rows)])

    return fail


def known(store, replays):
    async def read():
        found = {}
        async for name, ids in replays.ids():
            found.setdefault(name, set()).update(ids)
        return found

    return store.run(read())


def test_requests_of_pages_that_failed_are_kept_as_they_were(store, replays, fail):
    fail(2**64 - 1, "http_5xx", body=b"a\nb\x00\xff", priority=7, chain="list", on_progress=False)
    fail(3, "ok")
    fail(4, "robots")
    fail(1)  # of the start page there is no request
    (kept,) = store.run(replays.failed())
    assert (kept.id, kept.outcome, kept.host) == (-1, "http_5xx", "a.example")
    request = request_of(str(kept.id).encode(), kept.host.encode(), kept.stored)
    assert request == FrontierRequest(
        id=2**64 - 1, host="a.example", body=b"a\nb\x00\xff", priority=7, chain="list", on_progress=False
    )


def test_a_closed_job_with_pages_that_failed_leaves_what_it_knew_until_that_is_taken_away(
    store, frontier, replays, fail
):
    fail(3)
    frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x") for number in range(10, 1500)])
    frontier.close("limits.requests")
    assert known(store, replays) == {"seen": {3, *range(10, 1500)}, "k:book": {5}, "u:book": {6, 7}}
    store.run(replays.tidy())
    assert not store.run(replays.failed())
    names = [key.decode().rsplit("}:", 1)[1] for key in store.run(store.store.command("KEYS", "crawlery:{j}:*"))]
    assert sorted(names) == ["books", "failures", "rowcount", "rows", "sets", "settled"]


def test_of_a_job_that_is_open_nothing_is_taken_away(store, frontier, replays, fail):
    fail(3)
    store.run(replays.tidy())
    assert known(store, replays)["seen"] == {3}
    assert [str(fate) for fate in frontier.enqueue([FrontierRequest(id=3, host="a", body=b"x")])] == ["seen"]


def test_requests_are_kept_as_far_as_there_is_room(store, replays, fail):
    store.run(store.store.command("HSET", "crawlery:{j}:books", "failed_bytes", 64 * 2**20 - 10))
    fail(3, body=b"x" * 20)
    fail(4, body=b"y")
    assert [page.id for page in store.run(replays.failed())] == [4]


def test_a_job_that_is_no_replay_is_given_nothing(store, frontier, replays):
    frontier.enqueue([FrontierRequest(id=3, host="a", body=b"x")])
    assert not store.run(replays.is_open())
    assert not store.run(replays.fill("seen", [77]))
    assert store.run(replays.end(began_ms=0, pages=5))
    assert store.run(replays.replayed()) == 0
    assert known(store, replays) == {"seen": {3}}
