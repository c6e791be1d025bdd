"""Jobs that nobody is at work on end when they have nothing left to do, or no time."""

from __future__ import annotations

from goods_and_faults import goods, names_in

from crawler.jobs.model import Intended, Limits, Outcome, State
from crawler.steward.promote import promote


def test_a_cancelled_job_whose_workers_are_gone_ends_with_what_it_has(bench):
    bench.a_job()
    bench.crawl(2)
    bench.one_more_page()
    bench.run(bench.jobs.intend("j", Intended.CANCEL))
    bench.work(bench.ended())
    assert (bench.status().state, bench.status().outcome) == (State.CANCELLED, Outcome.PARTIAL)
    assert names_in(bench.file("csv")) == goods(2)


def test_a_job_that_takes_too_long_expires(bench):
    bench.a_job(limits=Limits(duration_s=0.2))
    bench.crawl(2)
    bench.one_more_page()
    bench.work(bench.ended())
    assert bench.status().state is State.EXPIRED


def test_a_job_that_nobody_begins_in_time_expires(bench):
    bench.a_job(limits=Limits(queue_timeout_s=0.2))
    bench.work(bench.ended())
    assert bench.status().state is State.EXPIRED


def test_a_paused_job_ends_when_it_is_resumed_and_not_before(bench):
    bench.a_job()
    bench.crawl(2)
    bench.run(bench.jobs.move("j", State.PAUSED))
    stored = bench.run(bench.jobs.get("j"))
    assert not bench.run(promote(bench.ground(), stored, has_workers=False))
    assert bench.status().state is State.PAUSED
    bench.run(bench.jobs.move("j", State.RUNNING))
    bench.work(bench.ended())
    assert bench.status().state is State.SUCCEEDED
