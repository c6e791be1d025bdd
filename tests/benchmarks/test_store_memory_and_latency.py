"""What the shared frontier costs the store: bytes per URL and per waiting request, and the longest that a script runs.

Run by `make bench-store` into docs/performance.md. Figures of memory are the store's own (`used_memory` before and
after); times are the store's own too (its slow log), on whatever machine this is. They are times on a wall clock, so
the server goes before everything else on the machine: what is asked is how long a script runs, not how long this test,
which is busy on one of two cores, keeps it from running.
"""

from __future__ import annotations

import asyncio
import os
import random

import pytest
import redis

from crawler.frontier.codec import WireRequest, encode
from crawler.frontier.contract import FrontierRequest, PageCommit
from crawler.frontier.redis import RedisFrontier, _script
from crawler.scripts import Script
from crawler.store import Store, connect

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

#: No script may stop the store for longer, in microseconds.
LONGEST_US = 5_000

_SEEN_ONLY = Script(
    name="seen_only",
    source=_script("promote").source.split("if book.closed")[0]
    + "for i = 3, #ARGV do set_add('seen', ARGV[i]) end flush()",
)


def ids(count, seed=7):
    numbers = random.Random(seed)
    return [numbers.getrandbits(64) for _ in range(count)]


def signed(number):
    return number - (1 << 64) if number >= 1 << 63 else number


def product_request(number):
    """A request as a recipe makes it for a link of a list."""
    facts = {
        "page": "product",
        "carried": {"category": "travel"},
        "chain": None,
        "headers": [],
        "dedupe": True,
        "on_progress": False,
        "depth": 2,
    }
    url = f"https://books.example/catalogue/a-light-in-the-attic_{number}/index.html"
    body = encode(WireRequest(url=url, meta={"recipe": facts}, callback="parse", errback="lost"))
    return FrontierRequest(id=number, host="books.example", body=body)


@pytest.fixture
def server(new_valkey):
    return new_valkey(appendfsync="no")


@pytest.fixture
def client(server):
    client = redis.Redis.from_url(server.url)
    goes_first = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK  # not so the child that rewrites the log
    os.sched_setscheduler(client.info("server")["process_id"], goes_first, os.sched_param(10))
    yield client
    client.close()


def used(client):
    return client.info("memory")["used_memory"]


async def in_waves(calls, size=50):
    wave = []
    for call in calls:
        wave.append(call)
        if len(wave) == size:
            await asyncio.gather(*wave)
            wave = []
    await asyncio.gather(*wave)


@pytest.mark.parametrize(("urls", "at_most"), [(1_000, 60.0), (100_000, 16.0), (10_000_000, 16.0)])
def test_bytes_per_url_that_was_seen(server, client, urls, at_most):
    async def see():
        store = Store(connect({"url": server.url}))
        keys = ("crawlery:{j}:books",)
        await store.call(_SEEN_ONLY, keys, (0, 60_000, 1))
        before = used(client)
        numbers = random.Random(7)
        await in_waves(
            store.call(_SEEN_ONLY, keys, (0, 60_000, *(signed(numbers.getrandbits(64)) for _ in range(500))))
            for _ in range(urls // 500)
        )
        # A small set is lost in the buffers of the connection: its keys are weighed one by one.
        weighed = sum(client.memory_usage(key, samples=0) for key in client.keys("crawlery:{j}:set*"))
        after = before + weighed if urls < 10_000 else used(client)
        await store.close()
        return (after - before) / urls

    per_url = asyncio.run(see())
    print(f"\nseen: {per_url:.1f} B per URL at {urls:,} URLs (at most {at_most:g})")
    assert per_url <= at_most


def test_bytes_per_waiting_request(server, client):
    count = 200_000

    async def enqueue():
        store = Store(connect({"url": server.url}))
        frontier = RedisFrontier(store, job="j")
        before = used(client)
        numbers = ids(count)
        await in_waves(
            frontier.enqueue([product_request(number) for number in numbers[first : first + 200]])
            for first in range(0, count, 200)
        )
        after = used(client)
        await store.close()
        return (after - before) / count

    per_request = asyncio.run(enqueue())
    size = len(product_request(2**63).body)
    print(f"\nwaiting: {per_request:.0f} B per request of {size} B (at most 400)")
    assert per_request <= 400


def slowest(client):
    entries = client.slowlog_get(100_000)
    return max((entry["duration"] for entry in entries), default=0)


def shown(microseconds):
    """What the slow log does not have took less than a millisecond."""
    return f"{microseconds / 1000:.2f} ms" if microseconds else "less than 1 ms"


def watch(client):
    client.config_set("slowlog-max-len", 100_000)
    client.config_set("slowlog-log-slower-than", 1_000)
    client.slowlog_reset()


def test_fifty_thousand_links_on_one_page_stop_the_store_for_no_longer_than_others(server, client):
    async def crawl():
        store = Store(connect({"url": server.url}))
        frontier = RedisFrontier(store, job="j")
        await frontier.enqueue([FrontierRequest(id=1, host="", body=b"")])
        (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=60)).leases
        watch(client)
        numbers = ids(50_000)
        links = tuple(product_request(number) for number in numbers)
        marks = frozenset(numbers)
        await frontier.commit([PageCommit(lease=lease, outcome="ok", children=links, chain="list", marks=marks)])
        calls, leased = 2, 0
        while leased < 50_000:
            reply = await frontier.lease(worker="w", call=calls, limit=64, ttl_s=60)
            calls += 1
            leased += len(reply.leases)
            await frontier.commit([PageCommit(lease=lease, outcome="ok") for lease in reply.leases])
        await store.close()

    asyncio.run(crawl())
    print(f"\n50,000 links on one page: the longest script ran {shown(slowest(client))} (at most 5)")
    assert slowest(client) <= LONGEST_US


def test_a_million_delayed_requests_come_back_in_small_parts(server, client):
    async def crawl():
        store = Store(connect({"url": server.url}))
        frontier = RedisFrontier(store, job="j", ttl_s=3600)
        numbers = ids(1_000_000)
        call = 0
        for first in range(0, len(numbers), 10_000):
            part = numbers[first : first + 10_000]
            await in_waves(
                frontier.enqueue([FrontierRequest(id=n, host="a", body=b"x" * 100) for n in part[at : at + 200]])
                for at in range(0, len(part), 200)
            )
            for _ in range(50):
                call += 1
                reply = await frontier.lease(worker="w", call=call, limit=200, ttl_s=3600)
                await asyncio.gather(*(frontier.retry(lease, delay_s=60, reason="503") for lease in reply.leases))
        await store.command("ZUNIONSTORE", "crawlery:{j}:delayed", 1, "crawlery:{j}:delayed", "WEIGHTS", 0)
        watch(client)
        leased = 0
        for _ in range(600):
            call += 1
            reply = await frontier.lease(worker="w", call=call, limit=200, ttl_s=3600)
            leased += len(reply.leases)
        books = await frontier.ledger()
        await store.close()
        return leased, books

    leased, books = asyncio.run(crawl())
    print(f"\n1,000,000 delayed: {leased:,} leased again; the longest script ran {shown(slowest(client))}")
    assert (books.balanced, leased >= 30_000) == (True, True)
    assert slowest(client) <= LONGEST_US


def test_cancelling_two_million_waiting_requests_does_not_stop_the_store(server, client):
    async def crawl():
        store = Store(connect({"url": server.url}))
        frontier = RedisFrontier(store, job="j")
        numbers = random.Random(7)
        await in_waves(
            frontier.enqueue(
                [FrontierRequest(id=numbers.getrandbits(64), host=f"h{n % 50}", body=b"x" * 100) for n in range(200)]
            )
            for _ in range(10_000)
        )
        watch(client)
        await frontier.close("cancelled")
        books = await frontier.ledger()
        await store.close()
        return books

    books = asyncio.run(crawl())
    print(f"\ncancelled {books.settled['cancelled']:,}: the longest command ran {shown(slowest(client))}")
    assert books.settled == {"cancelled": 2_000_000}
    assert slowest(client) <= LONGEST_US
