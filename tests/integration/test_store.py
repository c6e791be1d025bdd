"""What a store refuses for a while is repeated: if it is for lack of room, nothing else waits for that."""

from __future__ import annotations

import asyncio
import logging

import pytest
import redis
from wall_clock import Clock

from crawler.errors import StoreError
from crawler.frontier.contract import FrontierRequest, PageCommit, Reply
from crawler.frontier.redis import RedisFrontier
from crawler.scheduling.seed_store import Kind, SeedStore
from crawler.store import Store, connect

#: An answer that is not there within this time, in seconds, waits for something.
PATIENCE_S = 5.0


@pytest.fixture
def raw(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        yield client
        client.config_set("maxmemory", 0)


@pytest.fixture
def full(raw):
    """`full(True)`: nothing fits in any more; `full(False)`: there is room again."""
    return lambda is_full: raw.config_set("maxmemory", 1 if is_full else 0)


@pytest.fixture
def run(valkey):
    """Runs what a test does with a store of its own."""

    def run(test):
        async def go():
            store = Store(connect({"url": valkey.url}))
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await test(store)
            finally:
                await store.close()

        return asyncio.run(go())

    return run


async def refused(store, *words):
    """A call that has been refused for the first time."""
    call = asyncio.ensure_future(store.command(*words))
    for _ in range(2):  # the first one goes with it at the earliest, so the second one comes after its answer
        await store.command("PING")
    assert not call.done()
    return call


def test_a_call_that_finds_no_room_is_repeated_until_it_is_taken_and_that_is_said_once(run, full, raw, caplog):
    caplog.set_level(logging.INFO, "crawler.store")

    async def test(store):
        full(True)
        calls = [await refused(store, "SET", key, "x") for key in ("a", "b")]
        before = store.counters.calls
        for _ in range(3):
            await asyncio.sleep(0.1)
        assert store.counters.calls - before >= 4  # both were tried again and again
        assert raw.exists("a", "b") == 0
        full(False)
        assert await asyncio.gather(*calls) == [b"OK", b"OK"]
        return store.counters.outages

    assert run(test) == 1
    assert raw.mget("a", "b") == [b"x", b"x"]
    first, last = (record.message for record in caplog.records)
    assert first.startswith("The store has no room for some of our calls (OOM ")
    assert last.startswith("The store has room again, after ")


def test_pages_are_settled_while_another_call_waits_for_room(run, full):
    async def test(store):
        frontier = RedisFrontier(store, job="j")
        await frontier.enqueue([FrontierRequest(id=number, host="h", body=b"x") for number in (10, 11)])
        first, second = (await frontier.lease(worker="w", call=1, limit=2, ttl_s=60)).leases
        full(True)
        waiting = await refused(store, "SET", "k", "x")
        together = [
            frontier.commit([PageCommit(lease=first, outcome="ok")]),
            store.command("SET", "l", "x"),
            frontier.commit([PageCommit(lease=second, outcome="ok")]),
        ]
        replies = [asyncio.ensure_future(call) for call in together]
        done = [(await replies[place])[0].reply for place in (0, 2)]
        assert not replies[1].done()
        full(False)
        await asyncio.gather(waiting, replies[1])
        return done, (await frontier.ledger()).settled

    assert run(test) == ([Reply.OK, Reply.OK], {"ok": 2})


def test_calls_that_were_refused_together_keep_their_order(run, full, raw):
    async def test(store):
        full(True)
        calls = [asyncio.ensure_future(store.command("RPUSH", "list", number)) for number in range(20)]
        calls.append(await refused(store, "RPUSH", "list", 20))
        full(False)
        await asyncio.gather(*calls)

    run(test)
    assert raw.lrange("list", 0, -1) == [b"%d" % number for number in range(21)]


def test_a_call_whose_caller_has_gone_is_not_repeated(run, full, raw):
    async def test(store):
        full(True)
        call = await refused(store, "SET", "a", "x")
        call.cancel()
        await asyncio.wait([call])
        full(False)
        assert await store.command("SET", "b", "x") == b"OK"
        before = store.counters.calls
        for _ in range(3):
            await asyncio.sleep(0.1)
        return store.counters.calls - before

    assert run(test) == 0
    assert raw.exists("a") == 0


def test_what_still_waits_for_room_is_cancelled_when_the_store_is_closed(run, full, raw):
    kept = []

    async def test(store):
        full(True)
        kept.append(await refused(store, "SET", "a", "x"))

    run(test)
    assert kept[0].cancelled()
    full(False)
    assert raw.exists("a") == 0


def test_a_call_that_is_wrong_fails_also_while_the_store_is_full(run, full, raw):
    raw.rpush("list", 1)

    async def test(store):
        full(True)
        await refused(store, "SET", "a", "x")
        with pytest.raises(StoreError, match="the store refuses HGET: WRONGTYPE"):
            await store.command("HGET", "list", "x")

    run(test)


@pytest.mark.parametrize("kind", list(Kind))
def test_seeds_are_shown_and_taken_off_while_memory_is_short(run, full, raw, kind):
    {Kind.LIST: raw.rpush, Kind.SET: raw.sadd, Kind.ZSET: lambda key, seed: raw.zadd(key, {seed: 1})}[kind]("k", "a")

    async def test(store):
        full(True)
        seeds = SeedStore(store, key="k", kind=kind)
        (seed,) = await seeds.peek(10)
        return seed.data, await seeds.take([(seed, "")])

    assert run(test) == (b"a", 1)


def test_calls_wait_for_a_store_that_takes_no_writes_without_its_replicas(run, raw):
    async def test(store):
        raw.config_set("min-replicas-to-write", 1)
        try:
            call = asyncio.ensure_future(store.command("SET", "a", "x"))
            await store.command("PING")
            assert not call.done()
            while not store.counters.outages:  # noqa: ASYNC110 - of what a server has answered no event tells
                await asyncio.sleep(0.01)
        finally:
            raw.config_set("min-replicas-to-write", 0)
        return await call

    assert run(test) == b"OK"


def test_a_store_whose_clock_is_set_back_soon_after_its_start_goes_on_giving_pages(new_valkey, tmp_path):
    """It says then that it has been up for less than no time."""
    clock = Clock(tmp_path)
    server = new_valkey(clock=clock)

    async def test():
        store = Store(connect({"url": server.url}))
        try:
            frontier = RedisFrontier(store, job="j", ttl_s=0.3)
            await frontier.enqueue([FrontierRequest(id=number, host="h", body=b"x") for number in range(10, 13)])
            clock.jump(-60)
            given = []
            for call in range(1, 10):
                given += (await frontier.lease(worker="w", call=call, limit=1, ttl_s=0.15)).leases
                await asyncio.sleep(0.1)  # more than a third of what leases live: it is asked how long it has been up
            return {lease.request.id for lease in given}
        finally:
            await store.close()

    assert asyncio.run(test()) == {10, 11, 12}
