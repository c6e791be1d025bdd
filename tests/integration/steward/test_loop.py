"""Stewards beside each other and after each other."""

from __future__ import annotations

import asyncio
import threading
from itertools import count

import pytest
from goods_and_faults import Fails, goods, names_in

from crawler.jobs.nodes import Node, RedisNodes
from crawler.jobs.redis import RedisJobStore
from crawler.steward.loop import Steward
from crawler.store import Store, connect


def test_two_stewards_at_once_make_one_set_of_files(bench):
    names = [f"j{number}" for number in range(6)]
    for name in names:
        bench.a_job(name)
        bench.crawl(4, name)
    bench.work(bench.ended(*names), stewards=2)
    for name in names:
        assert names_in(bench.file("csv", name)) == goods(4)
        assert sum(sum(segment.rows.values()) for segment in bench.segments(name)) == 8


@pytest.mark.parametrize("storage", ["folder", "s3"])
@pytest.mark.parametrize("point", ["/segments/", "/files/goods", "job.json", "manifest.json"])
def test_a_steward_that_dies_anywhere_is_followed_by_another(bench, storage, point):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(3)
    bench.objects.die_after = point
    bench.work(bench.ended())
    assert names_in(bench.file("csv")) == goods(3)
    assert len([key for key in bench.objects.puts if key.endswith("manifest.json")]) == 1


def test_a_job_that_cannot_be_read_keeps_no_other_one_waiting_in_a_full_fleet(bench):
    bench.a_job()
    bench.crawl(3)
    bench.a_job("waits")
    bench.a_job("later")
    bench.run(bench.store.command("HSET", "crawlery:{later}:job", "record", "of a later version"))
    bench.run(RedisNodes(bench.store).report(Node(name="n1", url="", slots=1, running=1)))
    bench.work(bench.ended())


def test_a_steward_goes_on_when_the_store_has_refused_it(bench):
    bench.a_job()
    bench.crawl(3)
    bench.run(bench.store.command("RENAME", "crawlery:live", "aside"))
    bench.run(bench.store.command("SET", "crawlery:live", "of another kind"))
    rounds = count(1)

    async def ended_after_a_while() -> bool:
        if next(rounds) == 5:
            await bench.store.command("RENAME", "aside", "crawlery:live")
        return await bench.ended()()

    bench.work(ended_after_a_while)


def test_a_steward_remembers_nothing_of_jobs_that_another_one_has_ended(bench):
    bench.a_job()
    bench.crawl(1)
    bench.one_more_page()
    steward = Steward(bench.ground())

    async def remembers() -> bool:
        return "j" in steward.remembered

    async def forgets() -> bool:
        return "j" not in steward.remembered

    bench.work(remembers, by=[steward])
    bench.run(bench.store.command("SREM", "crawlery:live", "j"))
    bench.work(forgets, by=[steward])


def test_a_job_that_has_ended_and_is_still_listed_is_taken_off_the_list(bench):
    bench.a_job()
    bench.crawl(1)
    bench.work(bench.ended())
    bench.run(bench.store.command("SADD", "crawlery:live", "j"))  # whoever ended it died before it was taken away

    async def is_off() -> bool:
        return not await bench.jobs.live()

    bench.work(is_off, patience_s=5.0)


class Stuck:
    """A storage of files that takes its time with every `put`, until it is let go."""

    def __init__(self, objects) -> None:
        self._objects = objects
        self.asked = threading.Event()
        self.released = threading.Event()

    def __getattr__(self, name):
        return getattr(self._objects, name)

    def put(self, key, body, **options):
        self.asked.set()
        self.released.wait(20)
        return self._objects.put(key, body, **options)


def test_a_steward_that_is_told_to_go_goes_though_the_store_is_away(bench, new_valkey):
    server = new_valkey()
    store = Store(connect({"url": server.url}))
    bench.store, bench.jobs, bench.objects = store, RedisJobStore(store), Stuck(bench.objects)
    bench.a_job()
    bench.crawl(1)
    bench.one_more_page()

    async def goes() -> bool:
        working = asyncio.create_task(Steward(bench.ground()).run(asyncio.Event()))
        await asyncio.to_thread(bench.objects.asked.wait, 10)
        server.kill()
        working.cancel()  # as the command does when its patience ends
        done, _ = await asyncio.wait([working], timeout=5)
        return working in done

    try:
        assert bench.run(goes())
    finally:
        bench.objects.released.set()


def test_a_storage_that_hangs_for_one_job_keeps_the_pages_of_no_other_one_waiting(bench):
    hangs, goes_on = threading.Event(), threading.Event()

    class Hangs(Fails):
        def put(self, key, body, **options):
            if "/other/" not in key:
                hangs.set()
                goes_on.wait(60)
            return super().put(key, body, **options)

    bench.objects = Hangs(bench.objects)
    names = [f"j{number}" for number in range(20)]
    for name in names:
        bench.a_job(name)
        bench.crawl(1, name)
    bench.a_job("other")
    bench.one_more_page(name="other")
    bench.run(bench.frontier("other").lease(worker="dead", call=1, limit=1, ttl_s=0.1))

    async def is_back() -> bool:
        return hangs.is_set() and (await bench.frontier("other").ledger()).ready == 1

    try:
        bench.work(is_back, patience_s=10)
    finally:
        goes_on.set()
