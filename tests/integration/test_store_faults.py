"""Fault points of the store's scripts: what happens there goes the way of a connection that is really lost."""

from __future__ import annotations

import asyncio
import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from planned_faults import planned

from crawler.errors import StoreError
from crawler.scripts import Script
from crawler.store import Store, SyncStore, connect, connect_sync

COUNT = Script(name="renew.lua", source="return redis.call('INCR', KEYS[1])")
OTHER = Script(name="retry.lua", source="return redis.call('INCR', KEYS[1])")
FAILS = Script(name="close.lua", source="return redis.error_reply('ERR no')")

#: An answer that is not there within this time, in seconds, never comes.
PATIENCE_S = 20.0


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


@pytest.fixture
def sync(valkey):
    store = SyncStore(connect_sync({"url": valkey.url}))
    yield store
    store._client.close()


async def counted(store):
    return await store.call(COUNT, ["n"], [])


def test_a_lost_answer_drops_the_connection_and_the_call_is_made_again(run):
    async def test(store):
        await counted(store)
        connection = await store.command("CLIENT", "ID")
        with planned({"renew.reply": "drop-reply"}) as plan:
            answer = await counted(store)
        assert await store.command("CLIENT", "ID") != connection
        return answer, plan.points, store.counters.outages

    assert run(test) == (3, ["renew.call", "renew.reply"] * 2, 1)


def test_a_connection_that_breaks_before_a_call_leaves_nothing_done(run):
    async def test(store):
        await counted(store)
        with planned({"renew.call": "error"}) as plan:
            return await counted(store), plan.points, store.counters.outages

    assert run(test) == (2, ["renew.call", "renew.call", "renew.reply"], 1)


def test_calls_of_one_batch_share_its_fate(run):
    async def test(store):
        await asyncio.gather(counted(store), store.call(OTHER, ["m"], []))
        with planned({"retry.reply": "drop-reply"}):
            return await asyncio.gather(counted(store), store.call(OTHER, ["m"], []), store.command("INCR", "k"))

    assert run(test) == [3, 3, 2]


def test_a_script_that_the_server_does_not_know_or_that_fails_has_not_been_answered(run):
    async def test(store):
        with planned() as plan:
            await store.call(replace(COUNT, source=f"{COUNT.source} -- never seen"), ["n"], [])
            with pytest.raises(StoreError):
                await store.call(FAILS, [], [])
        return plan.points

    assert run(test) == ["renew.call", "renew.call", "renew.reply", "close.call", "close.call"]


def test_a_thread_is_told_of_a_lost_answer_as_of_any_other(sync):
    with planned({"renew.reply": "drop-reply"}), pytest.raises(StoreError, match=r"renew\.lua: drop-reply at renew"):
        sync.call(COUNT, ["n"], [])
    assert sync.call(COUNT, ["n"], []) == 2
    with planned({"renew.call": "error"}), pytest.raises(StoreError, match=r"renew\.lua: error at renew"):
        sync.call(COUNT, ["n"], [])
    assert sync.call(COUNT, ["n"], []) == 3


def test_every_script_comes_to_its_two_points(run, sync):
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
    scripts = importlib.import_module("test_fault_points").scripts()

    async def test(store):
        for name, script in scripts.items():
            point = name.removesuffix(".lua")
            for ask in (store.call, sync.call):
                with planned() as plan:
                    answer = ask(replace(script, source="return 7"), ["n"], [])
                    assert (await answer if asyncio.iscoroutine(answer) else answer) == 7
                assert list(dict.fromkeys(plan.points)) == [f"{point}.call", f"{point}.reply"]

    run(test)
    assert len(scripts) >= 40
