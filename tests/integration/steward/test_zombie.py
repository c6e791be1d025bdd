"""A steward that stands still in the middle of its work, and goes on when another one has done it."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace

import pytest
from goods_and_faults import KEYS, goods, names_in

from crawler.jobs.model import Outcome, State
from crawler.steward.export import Export
from crawler.steward.finish import Finish


class StandsStill:
    """A storage whose first `put` of a key with certain words waits until it may go on: before or after it is done."""

    def __init__(self, objects, words: str, *, is_done: bool) -> None:
        self._objects = objects
        self._words = words
        self._is_done = is_done
        self.stands = threading.Event()
        self.goes_on = threading.Event()
        self.puts: list[str] = []

    def __getattr__(self, name):
        return getattr(self._objects, name)

    def put(self, key, body, **options):
        self.puts.append(key)
        if self._is_done:
            written = self._objects.put(key, body, **options)
        if self._words in key and not self.stands.is_set():
            self.stands.set()
            self.goes_on.wait(20)
        return written if self._is_done else self._objects.put(key, body, **options)


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("words", ["/segments/", "/files/goods", "/files/lines", "job.json", "manifest.json"])
def test_a_steward_that_stood_still_adopts_what_another_has_done_meanwhile(bench, words, is_done):
    bench.a_job()
    bench.crawl(5)
    bench.run(bench.frontier().close("finished"))
    storage = StandsStill(bench.objects, words, is_done=is_done)
    late = replace(bench.ground(), objects=storage)
    stored = bench.run(bench.jobs.get("j"))

    async def race() -> bool:
        standing = asyncio.create_task(Finish(late, Export(late)).run(stored))
        try:
            await asyncio.to_thread(storage.stands.wait, 10)
            assert await Finish(bench.ground(), Export(bench.ground())).run(stored)
        finally:
            storage.goes_on.set()
        return await standing

    ended = bench.run(race())
    manifest, status = bench.manifest(), bench.status()
    assert ended
    assert (status.state, status.outcome) == (State.SUCCEEDED, Outcome.COMPLETE)
    assert names_in(bench.file("csv")) == goods(5)
    assert [json.loads(line)["name"] for line in bench.file("jsonl").splitlines()] == goods(5)
    assert manifest.segments == bench.segments()
    assert sum(sum(segment.rows.values()) for segment in bench.segments()) == 10
    listed = {info.key for prefix in (KEYS.segment_prefix, KEYS.file_prefix) for info in bench.objects.list(prefix)}
    assert set(json.loads(bench.objects.get(KEYS.orphans)) if bench.objects.info(KEYS.orphans) else []) == (
        listed - manifest.keys
    )
