"""Jobs of the real control API that end without a node: a page is read by hand, and a steward makes the files."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from crawler.exports.objects_folder import FolderObjectStore
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.rows import encode_row
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.loop import Steward
from crawler.store import Store, connect

RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
start: [{urls: "http://127.0.0.1:9/", page: good}]
pages:
  good: {item: good, fields: {name: h1}}
items:
  good: {version: 1, fields: {name: {type: string}}}
exports:
  - {name: goods, item: good, format: csv}
"""
FILE = "name\ngood 0\ngood 1\n"
HASTE = StewardSettings(tick_s=0.05, hold_s=2.0, segment_age_s=0.2, seat_ttl_s=1.0, lease_ttl_s=1.0)


def end(url, folder, job_id):
    """A job gets one page with two rows, and a steward makes its files."""

    async def work():
        store = Store(connect({"url": url}))
        jobs, frontier = RedisJobStore(store), RedisFrontier(store, job=job_id, ttl_s=60)
        await frontier.enqueue([FrontierRequest(id=1, host="a", body=b"x")])
        (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=60)).leases
        rows = tuple(Row(item="good", body=encode_row({"name": f"good {each}"})) for each in range(2))
        await frontier.commit([PageCommit(lease=lease, outcome="ok", rows=rows)])
        objects = FolderObjectStore(folder / "files")
        settings = replace(HASTE, folder=folder)
        steward = Steward(Ground(store=store, jobs=jobs, objects=objects, settings=settings))
        stop = asyncio.Event()
        task = asyncio.create_task(steward.run(stop))
        async with asyncio.timeout(30):
            while (await jobs.status(job_id)).finished_ms is None:  # noqa: ASYNC110 - the steward knows no event
                await asyncio.sleep(0.02)
        stop.set()
        await task
        await store.close()

    asyncio.run(work())
