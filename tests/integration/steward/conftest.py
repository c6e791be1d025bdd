"""Stewards of this process on a real store, and jobs whose pages end when a test says so."""

from __future__ import annotations

import asyncio
import secrets
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.rows import encode_row
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.loop import Steward
from crawler.store import Store, connect

sys.path.insert(0, str(Path(__file__).parent))

from commands import Commands
from goods_recipe import RECIPE

#: As a fleet has it that is in a hurry.
HASTE = StewardSettings(
    tick_s=0.05, hold_s=2.0, segment_age_s=0.2, storage_patience_s=0.3, seat_ttl_s=1.0, lease_ttl_s=1.0
)


class Bench:
    """A store, a storage, and the loop on which everything here runs."""

    def __init__(self, url: str, objects, folder) -> None:
        self.runner = asyncio.Runner()
        self.objects = objects
        self.settings = replace(HASTE, folder=folder)
        self.store = Store(connect({"url": url}))
        self.jobs = RedisJobStore(self.store)
        self._pages: dict[str, int] = {}

    def ground(self, **changes) -> Ground:
        """What a steward stands on."""
        settings = replace(self.settings, **changes)
        return Ground(store=self.store, jobs=self.jobs, objects=self.objects, settings=settings)

    def run(self, coroutine):
        return self.runner.run(coroutine)

    def a_job(self, name: str = "j", *, more: str = "", **values) -> Job:
        """A job of the recipe, to which `more` is added."""
        order = {"id": name, "recipe": "goods", "recipe_text": RECIPE + more, "secret": secrets.token_bytes(32)}
        job, _ = self.run(self.jobs.create(Job(**order, **values)))
        return job

    def frontier(self, name: str = "j") -> RedisFrontier:
        return RedisFrontier(self.store, job=name, ttl_s=1.0)

    def rows(self, name: str = "j") -> RedisRowStream:
        return RedisRowStream(self.store, job=name)

    def crawl(self, pages: int, name: str = "j", *, rows: int = 2, **commit) -> None:
        """So many more pages end, each in a call of its own."""
        self.run(self._crawl(pages, name, rows, commit))

    async def _crawl(self, pages, name, rows, commit):
        frontier = self.frontier(name)
        for _ in range(pages):
            number = self._pages[name] = self._pages.get(name, 0) + 1
            await frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x")])
            (lease,) = (await frontier.lease(worker="w", call=number, limit=1, ttl_s=60)).leases
            given = [{"url": f"http://a/{number}/{each}", "name": f"good {number}-{each}"} for each in range(rows)]
            kept = tuple(Row(item="good", body=encode_row(values)) for values in given)
            await frontier.commit([PageCommit(**{"lease": lease, "outcome": "ok", "rows": kept, **commit})])

    def one_more_page(self, number: int = 900, name: str = "j") -> None:
        """A page that is found and not read."""
        self.run(self.frontier(name).enqueue([FrontierRequest(id=number, host="a", body=b"x")]))

    def work(self, until, *, stewards: int = 1, by=(), patience_s: float = 20.0) -> None:
        """Stewards, new ones or these, work until it holds."""
        self.run(self._work(until, by or [Steward(self.ground()) for _ in range(stewards)], patience_s))

    async def _work(self, until, stewards, patience_s):
        stop = asyncio.Event()
        working = [asyncio.create_task(steward.run(stop)) for steward in stewards]
        try:
            async with asyncio.timeout(patience_s):
                while not await until():
                    await asyncio.sleep(0.02)
                    for task in working:
                        if task.done():
                            task.result()
        finally:
            stop.set()
            await asyncio.gather(*working)

    def ended(self, *names: str):
        async def has() -> bool:
            states = [await self.jobs.status(name) for name in names or ("j",)]
            return all(status.finished_ms is not None for status in states)

        return has

    def says(self, words: str):
        async def does() -> bool:
            return words in (await self.jobs.status("j")).why

        return does

    def status(self, name: str = "j"):
        return self.run(self.jobs.status(name))

    def manifest(self, name: str = "j"):
        return read_manifest(self.objects, JobKeys(client="local", job=name))

    def segments(self, name: str = "j"):
        return self.run(self.rows(name).segments())

    def file(self, fmt: str, name: str = "j") -> str:
        (file,) = [file for file in self.manifest(name).files if file.format == fmt]
        return self.objects.get(file.key).decode()

    def end(self) -> None:
        self.run(self.store.close())
        self.runner.close()


@pytest.fixture
def storage():
    """Which storage of files: a test that names it in its parameters chooses another, `s3`."""
    return "folder"


@pytest.fixture
def bench(valkey, tmp_path, storage, request):
    if storage == "s3":
        server = request.getfixturevalue("seaweed")
        objects = S3ObjectStore(
            bucket=BUCKET,
            prefix=f"steward-{secrets.token_hex(4)}",
            endpoint_url=server.url,
            credentials=(ACCESS_KEY, SECRET_KEY, None),
        )
    else:
        objects = FolderObjectStore(tmp_path / "objects")
    made = Bench(valkey.url, objects, tmp_path)
    yield made
    made.end()


@pytest.fixture
def bench_on(tmp_path):
    """`bench_on(url)`: one on a store of the test's own."""
    made: list[Bench] = []

    def make(url: str) -> Bench:
        made.append(Bench(url, FolderObjectStore(tmp_path / "objects"), tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def crawlery(bench, monkeypatch, tmp_path, valkey):
    """`crawlery("job", "list")`, on the bench's store and storage."""
    return Commands(monkeypatch, tmp_path, valkey.url)
