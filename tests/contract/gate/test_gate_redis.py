"""What only the gate of a fleet has to stand: keys that end, outages of the store, a clock put back, short memory."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis
from clocked_store import ClockedStore

from crawler.downloader.door import Door
from crawler.frontier.gate_contract import SLOT_TTL_S, Pace, PermitCall
from crawler.frontier.gate_redis import RedisGate
from crawler.store import Store, connect

SITE = Pace(concurrency=2, delay_s=0.1)
KEY = "crawlery:{host:shop.example}:gate"


@pytest.fixture
def served(valkey):
    served = ClockedStore(valkey.url)
    yield served
    served.close()


@pytest.fixture
def raw(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def ask(served):
    gate, numbers = RedisGate(served.store), {}

    def call(worker="w", **facts):
        numbers[worker] = numbers.get(worker, 0) + 1
        facts = {"host": "shop.example", "job": "j", "want": 1, "site": SITE, **facts}
        (permit,) = served.run(gate.permit([PermitCall(worker=worker, call=numbers[worker], **facts)]))
        return permit

    return call


def keys(raw):
    return {key.decode() for key in raw.keys("crawlery:*")}


def test_the_keys_of_a_host_have_one_tag(ask, raw):
    ask(new_slots=(1,), own=SITE)
    assert keys(raw) == {KEY, f"{KEY}:worker:w"}
    ask(own=Pace(delay_s=1.0))
    assert keys(raw) == {KEY, f"{KEY}:worker:w", f"{KEY}:job:j"}


def test_a_window_in_use_is_renewed_on_the_way_of_other_calls(valkey):
    async def scenario():
        store = Store(connect({"url": valkey.url}))
        door = Door(RedisGate(store), worker="w", paces=lambda _: (Pace(concurrency=2), Pace(concurrency=2)))
        store.before_departure(door.ask_along)

        async def send():
            async with door.pass_("shop.example"):
                pass

        await send()
        trips = store.counters.round_trips
        granted, renewed = time.monotonic(), 0
        while time.monotonic() < granted + 1.0:
            await send()
            await store.command("PING")
            await asyncio.sleep(0.01)
            renewed = door.counters.calls
        taken = store.counters.round_trips - trips
        await door.close()
        await store.close()
        return renewed, store.counters.calls, taken, door.counters.waits

    renewed, calls, taken, waits = asyncio.run(scenario())
    assert renewed > 8  # a window lasts for 0.08 s
    assert taken <= calls - renewed + 2
    assert waits <= 3


def test_every_key_ends_an_hour_after_its_last_use_at_the_latest(ask, raw):
    ask(new_slots=(1,), own=Pace(delay_s=1.0))
    lifetimes = {key.rpartition("gate")[2]: raw.pttl(key) / 1000 for key in keys(raw)}
    assert lifetimes == pytest.approx({"": 3600, ":job:j": 3600, ":worker:w": 600}, abs=5)


@pytest.mark.parametrize(("facts", "hours"), [({"silence_s": 3600.0}, 1), ({"crawl_delay_s": 5.0}, 24)])
def test_the_key_of_a_host_lives_as_long_as_what_it_knows(ask, served, raw, facts, hours):
    ask(**facts)
    served.clock.pass_(1800)
    ask()
    expected = max(3600, hours * 3600 - 1800)
    assert raw.pttl(KEY) / 1000 == pytest.approx(expected, abs=5)


def test_a_host_that_has_no_crawl_delay_any_more_is_forgotten_as_others_are(ask, raw):
    ask(crawl_delay_s=5.0)
    ask(crawl_delay_s=0.0)
    assert raw.pttl(KEY) / 1000 == pytest.approx(3600, abs=5)


def test_slots_outlive_an_outage_of_the_store(ask, served):
    ask("holder", want=2, new_slots=(1, 2))
    served.clock.pass_(60)
    served.clock.restart_server()
    assert ask("other", new_slots=(3,)).slots == ()
    served.clock.pass_(SLOT_TTL_S - 1)
    assert ask("holder", keep=(1, 2)).slots == (1, 2)


def test_slots_of_a_worker_that_died_with_the_store_are_free_after_a_lifetime(ask, served):
    ask("dead", want=2, new_slots=(1, 2))
    served.clock.pass_(60)
    served.clock.restart_server()
    ask("other", new_slots=(3,))
    served.clock.pass_(SLOT_TTL_S)
    assert ask("other", new_slots=(4,)).slots == (4,)


def test_a_short_pause_is_no_outage(ask, served):
    ask("holder", want=2, new_slots=(1, 2))
    served.clock.pass_(SLOT_TTL_S / 3)
    served.clock.restart_server()
    ask("other", new_slots=(3,))
    served.clock.pass_(SLOT_TTL_S * 2 / 3)
    assert ask("other", new_slots=(4,)).slots == (4,)


def test_a_server_clock_that_is_put_back_stops_nothing_for_long(ask, served):
    ask("w", want=2, new_slots=(1, 2))
    served.clock.pass_(-7200)
    assert ask("w", keep=(1, 2)).wait_s <= 0.2
    served.clock.pass_(0.2)
    assert ask("w", keep=(1,)).starts == (0.0,)
    served.clock.pass_(SLOT_TTL_S)
    assert ask("other", want=2, new_slots=(3, 4)).slots == (3, 4)


def test_slots_of_a_worker_that_died_before_the_clock_was_put_back_are_free_after_a_lifetime(ask, served):
    ask("dead", want=2, new_slots=(1, 2))
    served.clock.pass_(-7200)
    assert ask("other", new_slots=(3,)).slots == ()
    served.clock.pass_(SLOT_TTL_S)
    assert ask("other", new_slots=(4,)).slots == (4,)


def test_workers_that_are_gone_leave_nothing_in_the_key_of_the_host(ask, served, raw):
    ask("w", new_slots=(1,))
    alone = raw.strlen(KEY)
    for number in range(20):
        ask(f"gone{number}", want=2, new_slots=(number,))
    assert raw.strlen(KEY) > 5 * alone
    served.clock.pass_(SLOT_TTL_S)
    ask("w", new_slots=(2,))
    assert raw.strlen(KEY) <= alone + 20


def test_a_silence_of_before_the_clock_was_put_back_lasts_an_hour_at_most(ask, served):
    ask(silence_s=3600.0)
    served.clock.pass_(-7200)
    assert ask().silent_s == 3600


@pytest.mark.parametrize("begun", [False, True])
def test_a_call_gets_in_while_memory_is_short(ask, raw, begun):
    kept = (1,) if begun and ask(new_slots=(1,)) else ()
    raw.config_set("maxmemory-policy", "noeviction")
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            raw.set("more", "x")
        assert ask(keep=kept, new_slots=(2,)).slots == (*kept, 2)
    finally:
        raw.config_set("maxmemory", 0)


def test_a_call_costs_few_commands_however_many_workers_there_are(ask, raw):
    def spent():
        calls = raw.info("commandstats")
        return sum(entry["calls"] for name, entry in calls.items() if name in COUNTED)

    for number in range(40):
        ask(f"w{number}", new_slots=(number,))
    before = spent()
    ask("w0", keep=(0,))
    assert spent() - before <= 8


COUNTED = {f"cmdstat_{name}" for name in ("get", "set", "del", "time", "hget", "hset", "exists", "pexpire")}


def test_the_servers_own_clock_is_taken_without_another(valkey):
    async def main():
        store = Store(connect({"url": valkey.url}))
        gate = RedisGate(store)
        call = PermitCall(host="h", worker="w", call=1, want=1, new_slots=(2**64 - 1,), site=Pace(delay_s=30.0))
        first = await gate.permit([call])
        second = await gate.permit([call])
        await store.close()
        return first[0], second[0]

    first, second = asyncio.run(main())
    assert first.slots == second.slots == (2**64 - 1,)
    assert first.starts == (0.0,)
    assert 29.0 < second.wait_s <= 29.98


def test_calls_of_one_turn_make_one_round_trip(valkey):
    async def main():
        store = Store(connect({"url": valkey.url}))
        gate = RedisGate(store)
        hosts = [f"h{number}" for number in range(30)]
        await gate.permit([PermitCall(host="warm", worker="w", call=1)])
        before = store.counters.round_trips
        await gate.permit([PermitCall(host=host, worker="w", call=1) for host in hosts])
        spent = store.counters.round_trips - before
        await store.close()
        return spent

    assert asyncio.run(main()) == 1
