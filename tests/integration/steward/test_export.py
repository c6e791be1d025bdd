"""Rows become segments while a job runs, and a job makes no more than can be stored."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from goods_and_faults import Fails

from crawler.errors import ObjectStoreError
from crawler.jobs.model import State
from crawler.steward.export import Export


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

    leased = []

    async def goes_on() -> bool:  # a steward that has just started may let a job go on before it stores rows
        if not leased:
            leased.extend((await lease()).leases)
        return bool(leased) and sum(sum(segment.rows.values()) for segment in await bench.rows().segments()) == 6

    bench.work(goes_on)


@pytest.fixture
def limit(bench):
    """How many bytes of rows a job may have waiting, as a steward says it now."""

    def said(export, job):
        bench.run(export.keep_limit(job, live_jobs=1))
        return int(bench.run(bench.store.command("HGET", f"crawlery:{{{job.id}}}:books", "rows_limit")))

    return said


@pytest.fixture
def cut_off(bench):
    """A steward that does not reach the storage of files; `.storage.away = False` heals it."""
    storage = Fails(bench.objects)
    storage.away = True
    export = Export(replace(bench.ground(storage_patience_s=0.0), objects=storage))
    export.storage = storage
    return export


def fail(bench, export, job):
    with pytest.raises(ObjectStoreError):
        bench.run(export.run(job, flush=True))


def test_a_job_goes_on_when_another_steward_has_stored_what_one_could_not(bench, limit, cut_off):
    job = bench.a_job()
    bench.crawl(2)
    healthy, usual = Export(bench.ground()), bench.settings.row_buffer_bytes
    assert limit(healthy, job) == usual
    fail(bench, cut_off, job)
    assert limit(cut_off, job) == 0
    assert limit(healthy, job) == usual
    bench.run(healthy.run(job, flush=True))
    bench.run(cut_off.run(job, flush=False))  # nothing waits: it cannot know any better
    assert limit(cut_off, job) == usual


def test_a_job_whose_rows_alone_are_refused_holds_no_other_one(bench, limit, cut_off):
    refused, other, third = bench.a_job("j1"), bench.a_job("j2"), bench.a_job("j3")
    bench.crawl(1, "j1")
    bench.crawl(1, "j2")
    fail(bench, cut_off, refused)
    assert [limit(cut_off, job) for job in (refused, other, third)] == [0, 0, 0]
    cut_off.storage.away = False
    bench.run(cut_off.run(other, flush=True))
    usual = bench.settings.row_buffer_bytes
    assert [limit(cut_off, job) for job in (refused, other, third)] == [0, usual, usual]
    cut_off.forget("j1")
    assert limit(cut_off, refused) == usual
