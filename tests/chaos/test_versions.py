"""Workers of two releases on one job: what one of them cannot read waits for the other, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
import redis
from big_site import BigSite, SiteProcess
from job_run import JobRun
from workers import HERE, wait_until

from crawler.exports.objects_folder import FolderObjectStore
from crawler.frontier.codec import NEWEST_READ
from crawler.frontier.words import request_of
from crawler.jobs.redis import RedisJobStore
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.promote import promote
from crawler.steward.watchdog import Watchdog
from crawler.store import Store, connect

if TYPE_CHECKING:
    from pathlib import Path

    from workers import Worker

pytestmark = pytest.mark.timeout(300)

NEXT_FORMAT = NEWEST_READ + 1
NEXT_RELEASE = {"PYTHONPATH": os.pathsep.join((str(HERE / "next_release"), str(HERE)))}


def versions_in_store(run: JobRun) -> Counter[int]:
    """How many open pages have a request of which version."""
    with redis.Redis.from_url(run.store.url) as client:
        bodies = client.hvals(f"crawlery:{{{run.job}}}:body")
    requests = [request_of(b"0", b"", stored).body for stored in bodies]
    return Counter(msgspec.msgpack.decode(request)[0] for request in requests if request)


def say_state(run: JobRun, state: str) -> None:
    with redis.Redis.from_url(run.store.url) as client:
        client.hset(f"crawlery:{{{run.job}}}:job", "state", state)


def stat(worker: Worker, name: str) -> int:
    """What a worker that has ended says in its stats; 0 if it never counted that."""
    counted = re.search(rf"'{name}': (\d+)", worker.log())
    return int(counted[1]) if counted else 0


def a_steward_looks(run: JobRun, folder: Path) -> str:
    """One round of a steward's watch over the job; its `why`."""

    async def look() -> str:
        store = Store(connect({"url": run.store.url}))
        try:
            ground = Ground(
                store=store,
                jobs=RedisJobStore(store),
                objects=FolderObjectStore(folder / "objects"),
                settings=StewardSettings(folder=folder),
            )
            stored = await ground.jobs.get(run.job)
            watchdog = Watchdog(ground)
            assert not await promote(ground, stored, has_workers=False)
            return await watchdog.say_why(stored, await watchdog.live_seats(run.job), storage_problem="")
        finally:
            await store.close()

    return asyncio.run(look())


def test_a_job_that_is_upgraded_half_way_loses_nothing_and_waits_for_who_can_read_the_rest(new_valkey, tmp_path, show):
    settings = {"CONCURRENT_REQUESTS": "2"}
    with (
        SiteProcess(BigSite(products=600), latency_s=0.02) as site,
        JobRun.of(site=site, store=new_valkey(), folder=tmp_path, job="mixed", settings=settings) as run,
    ):
        this = run.start()
        run.wait_for_share(0.01)
        say_state(run, "paused")  # so that the newer one comes early, however long its start takes
        newer = run.start(environment=NEXT_RELEASE)
        wait_until(lambda: "The job is paused" in newer.log(), what="a worker of the next release")
        say_state(run, "running")
        wait_until(
            lambda: versions_in_store(run)[NEXT_FORMAT] >= 10, what="requests of the next release", patience_s=30
        )
        assert newer.interrupt() == 130, newer.log()[-3000:]

        def only_parked() -> bool:
            books = run.books.ledger()
            return 0 < books.parked == books.open

        wait_until(only_parked, what="an end of what this release can read")
        books = run.books.ledger()
        assert versions_in_store(run) == {NEXT_FORMAT: books.parked}
        why = a_steward_looks(run, tmp_path)
        assert why == f"{books.parked} pages wait for a worker of a newer release (wire format {NEXT_FORMAT})"
        assert this.running, "it stays as long as something is open"
        assert set(books.settled) == {"ok"}

        run.start(environment=NEXT_RELEASE)
        found = run.finish()
        before, *after = [stat(worker, "scheduler/enqueued") for worker in run.workers]
        show(
            f"upgraded half-way: {before} requests in the old format, {after} in the new; {books.parked} waited for it"
        )
        assert stat(this, "scheduler/parked") >= books.parked
        assert min(before, after[0]) >= 10
        assert found.problems == []
        assert dict(run.books.ledger().settled) == {"ok": len(site.site.links()) + 1}
        assert run.books.ledger().retries == 0
