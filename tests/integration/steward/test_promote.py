"""Jobs that nobody is at work on end when they have nothing left to do, or no time."""

from __future__ import annotations

from goods_and_faults import goods, names_in

from crawler.jobs.model import Intended, Limits, Outcome, State


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
