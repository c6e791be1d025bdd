"""Rows become segments while a job runs, and a job makes no more than can be stored."""

from __future__ import annotations

from itertools import count

from goods_and_faults import Fails

from crawler.jobs.model import State


def test_rows_become_segments_while_the_job_runs(bench):
    bench.a_job()
    bench.crawl(3)
    bench.one_more_page()

    async def has_one() -> bool:
        return len(await bench.rows().segments()) == 1

    bench.work(has_one)
    assert bench.status().state is State.RUNNING
    (segment,) = bench.segments()
    assert segment.rows == {"good": 6}


def test_a_storage_that_is_away_holds_the_pages_says_why_and_is_used_again_when_it_is_back(bench):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(3)
    bench.one_more_page()
    bench.objects.away = True
    bench.work(bench.says("rows are stored"))
    assert "it does not answer" in bench.status().why
    calls = count(1)

    def lease():
        return bench.frontier().lease(worker="v", call=next(calls), limit=1, ttl_s=60)

    assert bench.run(lease()).reply == "full"
    bench.objects.away = False

    async def goes_on() -> bool:
        return bool((await lease()).leases)

    bench.work(goes_on)
    assert sum(sum(segment.rows.values()) for segment in bench.segments()) == 6
