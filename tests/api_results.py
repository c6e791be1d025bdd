"""Jobs with rows: pages that a worker would have read, and a steward that makes files of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.rows import encode_row
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.loop import Steward
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from crawler.exports.objects import ObjectStore

PATIENCE_S = 30.0


class Work:
    """Workers and a steward for the jobs of an API."""

    def __init__(self, url: str, objects: ObjectStore, folder: Path) -> None:
        self._url, self._objects, self._folder = url, objects, folder

    def crawl(self, job: str, *, pages: int = 3) -> None:
        """So many pages of a job are read, each with one row; none is open then."""
        self._run(lambda store: self._crawl(store, job, pages))

    def store_rows(self, job: str) -> None:
        """A steward works until the rows of the job are in segments, and the job goes on."""

        async def work(store: Store) -> None:
            frontier = RedisFrontier(store, job=job)
            await frontier.enqueue([FrontierRequest(id=9_999, host="a", body=b"x")])
            await self._steward(store, RedisRowStream(store, job=job).segments)

        self._run(work)

    def finish(self, job: str) -> None:
        """A steward works until the job has ended."""

        async def work(store: Store) -> None:
            async def has_ended() -> bool:
                status = await RedisJobStore(store).status(job)
                return status is not None and status.finished_ms is not None

            await self._steward(store, has_ended)

        self._run(work)

    @staticmethod
    async def _crawl(store: Store, job: str, pages: int) -> None:
        frontier = RedisFrontier(store, job=job)
        for number in range(1, pages + 1):
            await frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x")])
            (lease,) = (await frontier.lease(worker="w", call=number, limit=1, ttl_s=60)).leases
            row = Row(item="good", body=encode_row({"url": f"http://a/{number}", "name": f"good {number}"}))
            await frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(row,))])

    async def _steward(self, store: Store, until: Callable[[], Coroutine]) -> None:
        settings = StewardSettings(tick_s=0.05, hold_s=2.0, segment_age_s=0.1, folder=self._folder)
        ground = Ground(store=store, jobs=RedisJobStore(store), objects=self._objects, settings=settings)
        stop = asyncio.Event()
        working = asyncio.create_task(Steward(ground).run(stop))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await until():
                    await asyncio.sleep(0.02)
                    if working.done():
                        working.result()
        finally:
            stop.set()
            await working

    def _run(self, call: Callable[[Store], Coroutine]) -> None:
        async def run() -> None:
            store = Store(connect({"url": self._url}))
            try:
                await call(store)
            finally:
                await store.close()

        asyncio.run(run())
