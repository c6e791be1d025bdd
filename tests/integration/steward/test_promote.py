"""Jobs that nobody is at work on end when they have nothing left to do, or no time."""

from __future__ import annotations

import json

import pytest
from goods_and_faults import KEYS, goods, names_in

from crawler.jobs.attempts import Attempt, RedisAttempts
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


def test_a_job_whose_workers_are_started_by_hand_waits_for_the_next_one(bench):
    bench.a_job(by_hand=True)
    bench.a_job("other")
    bench.crawl(2)
    bench.crawl(2, "other")
    bench.work(bench.ended("other"))
    assert bench.status().state is State.RUNNING
    bench.run(bench.jobs.intend("j", Intended.CANCEL))
    bench.work(bench.ended())
    assert bench.status().state is State.CANCELLED


def failed_starts(*exit_codes, after_ms=500):
    return [
        Attempt(
            seat=f"s{number}",
            node="n",
            pid=1,
            started_ms=1,
            ended_ms=after_ms,
            exit_code=code,
            log_tail=("no such spider", ""),
        )
        for number, code in enumerate(exit_codes)
    ]


def test_a_job_that_no_worker_can_begin_fails_and_says_with_what(bench):
    bench.a_job()
    attempts = RedisAttempts(bench.store)
    for attempt in failed_starts(2, 1, 70):
        bench.run(attempts.begin("j", attempt))
    bench.work(bench.ended())
    assert (bench.status().state, bench.manifest().files == ()) == (State.FAILED, False)
    record = json.loads(bench.objects.get(KEYS.record))
    assert record["status"]["why"] == "3 workers in a row could not begin it (exit 70): no such spider"


@pytest.mark.parametrize(
    "attempts",
    [
        failed_starts(2, 1),
        failed_starts(2, 130, 2),
        failed_starts(2, 2, 2, after_ms=60_000),
        failed_starts(75, 75, 75),  # they found the store away
    ],
)
def test_a_job_that_some_worker_could_begin_is_tried_again(bench, attempts):
    bench.a_job()
    bench.a_job("other")
    bench.crawl(1, "other")
    for attempt in attempts:
        bench.run(RedisAttempts(bench.store).begin("j", attempt))
    bench.work(bench.ended("other"))
    assert bench.status().intended is None
