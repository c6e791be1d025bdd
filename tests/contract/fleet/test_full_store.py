"""A store without memory refuses what is new, but whoever gets rid of rows gets through: nothing waits for itself."""

from __future__ import annotations

import asyncio

import pytest
import redis

from crawler.errors import StoreError
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.holds import Holds
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.seats import RedisSeats, SeatReply
from crawler.jobs.segments import Segment
from crawler.store import Store, SyncStore, connect, connect_sync

SECRET = b"0123456789abcdef"


async def made_ready(url: str):
    """A job with a seat, a duty and rows that wait."""
    store = Store(connect({"url": url}))
    await RedisJobStore(store).create(Job(id="j", spider="s", secret=SECRET))
    seat = await RedisSeats(store).take("n")
    holds = Holds(store)
    await holds.hold("steward", ttl_s=30, job="j")
    frontier = RedisFrontier(store, job="j")
    await frontier.enqueue([FrontierRequest(id=2, host="a", body=b"x")])
    (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=60)).leases
    await frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(Row(item="p", body=b"row"),))])
    return store, seat, holds


def test_a_steward_gets_through_to_a_full_store_and_a_worker_keeps_its_seat(new_valkey):
    url = new_valkey().url

    async def run() -> None:
        store, seat, holds = await made_ready(url)
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", 1)
        async with asyncio.timeout(10):
            assert await holds.hold("steward", ttl_s=30, job="j")
            assert await holds.hold("share", ttl_s=30)
            assert await RedisSeats(store).keep("j", seat.token, worker="w") is SeatReply.KEPT
            assert await RedisJobStore(store).set_why("j", "the store is full")
            stream = RedisRowStream(store, job="j")
            await stream.set_limit(5)
            chunk = await stream.read(limit_bytes=100)
            segment = Segment(number=1, key="k", sha256="s", size_bytes=1, rows={"p": 1}, last=chunk.last)
            assert await stream.record(segment, chunk)
            assert await stream.waiting() == (0, 0)
        await store.close()

    asyncio.run(run())


def test_nobody_gets_a_new_seat_in_a_full_store(new_valkey):
    from crawler.jobs import seats

    url = new_valkey().url
    with redis.Redis.from_url(url) as client:
        client.hset("crawlery:{j}:job", "state", "queued")
        client.config_set("maxmemory", 1)
    sync = SyncStore(connect_sync({"url": url}))
    with pytest.raises(StoreError, match="maxmemory"):
        sync.call(seats._TAKE, ["crawlery:{j}:seats"], ["token", "n", 1000, 4, 4])
    sync.close()
