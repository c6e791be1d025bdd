"""Seeds stay where they are until the frontier has them, whatever their key holds."""

from __future__ import annotations

import asyncio
import json

import pytest
import redis

from crawler.errors import StoreError
from crawler.scheduling.seed_store import Kind, SeedStore
from crawler.store import Store, connect


@pytest.fixture
def client(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture(params=list(Kind))
def kind(request):
    return request.param


@pytest.fixture
def push(client, kind):
    def push(*seeds):
        for seed in seeds:
            if kind is Kind.LIST:
                client.rpush("k", seed)
            elif kind is Kind.SET:
                client.sadd("k", seed)
            else:
                client.zadd("k", {seed: 1})

    return push


@pytest.fixture
def ask(valkey, kind):
    def ask(question, *, kind=kind):
        async def run():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(SeedStore(store, key="k", kind=kind))
            finally:
                await store.close()

        return asyncio.run(run())

    return ask


def test_what_is_shown_stays_until_it_is_taken_off(ask, push):
    push("a", "b", "c")
    seeds = ask(lambda store: store.peek(10))
    assert sorted(seed.data for seed in seeds) == [b"a", b"b", b"c"]
    assert ask(lambda store: store.count()) == 3
    assert ask(lambda store: store.take([(seed, "") for seed in seeds])) == 3
    assert ask(lambda store: store.count()) == 0
    assert ask(lambda store: store.peek(10)) == []


def test_all_who_look_at_a_seed_see_the_same_number_and_the_next_push_has_another(ask, push):
    push("a")
    (first,), (again,) = ask(lambda store: store.peek(1)), ask(lambda store: store.peek(1))
    assert first == again
    assert ask(lambda store: store.take([(first, "")])) == 1
    push("a")
    assert ask(lambda store: store.take([(again, "")])) == 0, "it was another push"
    (later,) = ask(lambda store: store.peek(1))
    assert later.data == b"a"
    assert later.number != first.number


def test_equal_seeds_of_a_list_are_taken_off_one_after_another(ask, client):
    client.rpush("k", "a", "a", "b")

    async def run(store):
        first = await store.peek(10)
        await store.take([(seed, "") for seed in first])
        return first, await store.peek(10)

    first, second = ask(run, kind=Kind.LIST)
    assert [seed.data for seed in first] == [b"a", b"b"]
    assert [seed.data for seed in second] == [b"a"]
    assert second[0].number != first[0].number


def test_the_highest_score_goes_first(ask, client):
    client.zadd("k", {"low": 1, "high": 9, "middle": 5})
    assert [seed.data for seed in ask(lambda store: store.peek(2), kind=Kind.ZSET)] == [b"high", b"middle"]


def test_what_is_no_seed_goes_to_the_dead_once_with_the_reason(ask, push, client):
    push(b"\xff bad")
    (seed,) = ask(lambda store: store.peek(1))
    for _ in range(2):
        ask(lambda store: store.take([(seed, "no URL")]))
    (dead,) = client.lrange("k:dead", 0, -1)
    assert json.loads(dead) == {"seed": "\\xff bad", "reason": "no URL"}


def test_nothing_is_shown_while_seeds_are_held(ask, push):
    push("a")
    ask(lambda store: store.hold(seconds=30))
    assert ask(lambda store: store.peek(1)) == []
    ask(lambda store: store.let_go())
    assert len(ask(lambda store: store.peek(1))) == 1


def test_a_key_that_holds_something_else_is_an_error(ask, client):
    client.set("k", "x")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        ask(lambda store: store.peek(1))


def test_nothing_is_left_behind(ask, push, client):
    push("a", "b")
    ask(take_all)
    assert client.keys("*") == []


async def take_all(store):
    await store.take([(seed, "") for seed in await store.peek(10)])
