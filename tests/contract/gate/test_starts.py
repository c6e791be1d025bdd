"""When requests may be sent: spaced by the delay in force, within the window, and not more than can be used."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crawler.frontier.gate_contract import WINDOW_S, Latency, Pace

TENTH = Pace(delay_s=0.1)


def test_without_a_delay_any_number_may_be_sent_for_the_length_of_the_window(fleet):
    permit = fleet.worker().ask(5)
    assert permit.free_until_s == WINDOW_S
    assert permit.starts == ()
    assert permit.delay_s == 0
    assert 0 < permit.wait_s < WINDOW_S


def test_starts_are_spaced_by_the_delay_and_lie_within_the_window(fleet):
    permit = fleet.worker(site=Pace(delay_s=0.03)).ask(9)
    assert permit.starts == (0.0, 0.03, 0.06, 0.09)
    assert permit.free_until_s == 0
    assert permit.delay_s == 0.03


def test_the_delay_holds_between_workers_and_jobs(fleet):
    first, second = fleet.worker(site=TENTH), fleet.worker(site=TENTH, job="j2")
    assert first.ask(1).starts == (0.0,)
    assert second.ask(1).starts == (0.1,)
    assert first.ask(1).starts == ()
    fleet.pass_(0.15)
    assert first.ask(1).starts == (0.05,)


def test_a_delay_that_is_no_whole_number_of_milliseconds_is_rounded_up(fleet):
    assert fleet.worker(site=Pace(delay_s=1 / 30)).ask(9).starts == (0.0, 0.034, 0.068)


def test_time_that_nobody_used_is_not_made_up_for(fleet):
    worker = fleet.worker(site=TENTH)
    worker.ask(1)
    fleet.pass_(10)
    assert worker.ask(9, new=9).starts == (0.0, 0.1)


def test_who_has_all_its_starts_asks_again_just_before_the_next_one(fleet):
    worker = fleet.worker(site=Pace(delay_s=2.0))
    assert worker.ask(1).wait_s == pytest.approx(1.98)
    fleet.pass_(1.98)
    assert worker.ask(1).starts == (0.02,)


def test_no_more_starts_are_given_than_requests_wait(fleet):
    worker = fleet.worker(site=Pace(delay_s=0.01))
    assert len(worker.ask(3, new=9).starts) == 3


def test_a_worker_that_wants_nothing_gets_nothing(fleet):
    worker = fleet.worker(site=Pace(delay_s=0.01))
    worker.ask(2)
    permit = worker.ask(0)
    assert (permit.starts, permit.free_until_s, permit.wait_s) == ((), 0, 0)


def test_while_latencies_are_unknown_each_idle_slot_has_one_start(fleet):
    worker = fleet.worker(site=Pace(concurrency=2, delay_s=0.01))
    assert len(worker.ask(9).starts) == 2


def test_busy_slots_get_no_starts_that_they_could_not_use(fleet):
    worker = fleet.worker(site=Pace(concurrency=2, delay_s=0.01))
    worker.ask(2)
    fleet.pass_(1)
    assert len(worker.ask(9, busy=1).starts) == 1
    permit = worker.ask(9, busy=2)
    assert permit.starts == ()
    assert 0.02 <= permit.wait_s <= 0.05


def test_a_host_that_answers_fast_has_several_starts_for_each_slot(fleet):
    worker = fleet.worker(site=Pace(concurrency=2, delay_s=0.01))
    worker.ask(2)
    fleet.pass_(1)
    assert len(worker.ask(50, busy=2, latencies=[0.05]).starts) == 4
    fleet.pass_(1)
    assert len(worker.ask(50, busy=1).starts) == 5


def test_a_gentle_job_keeps_its_own_delay_and_does_not_slow_another(fleet):
    site = Pace(delay_s=0.02)
    gentle, other = fleet.worker(site=site, own=Pace(delay_s=1.0)), fleet.worker(site=site, job="j2")
    assert gentle.ask(5).starts == (0.0,)
    assert gentle.ask(5).starts == ()
    assert other.ask(9).starts == (0.02, 0.04, 0.06, 0.08, 0.1)
    fleet.pass_(1.0)
    assert gentle.ask(5).starts == (0.0,)
    assert gentle.ask(5).delay_s == 1.0


def test_a_gentle_job_whose_host_has_no_delay_leaves_the_others_free(fleet):
    gentle, other = fleet.worker(own=Pace(delay_s=1.0)), fleet.worker(job="j2")
    assert gentle.ask(1).starts == (0.0,)
    assert gentle.ask(1).starts == ()
    assert other.ask(1).free_until_s == WINDOW_S
    fleet.pass_(1.0)
    assert gentle.ask(1).starts == (0.0,)


def test_the_delay_of_a_job_holds_between_its_workers(fleet):
    first, second = (fleet.worker(own=TENTH) for _ in range(2))
    assert first.ask(1).starts == (0.0,)
    assert second.ask(1).starts == (0.1,)


def test_the_longest_delay_of_those_who_take_part_holds_for_all(fleet):
    careful, hasty = fleet.worker(site=TENTH), fleet.worker()
    careful.ask(1)
    permit = hasty.ask(9)
    assert permit.free_until_s == 0
    assert permit.starts == (0.1,)


def test_the_longest_delay_holds_whatever_the_others_ask_for(fleet):
    delays = [0.0, 0.1, 0.02]
    workers = [fleet.worker(site=Pace(delay_s=delay)) for delay in delays]
    for worker in workers:
        fleet.pass_(1.0)
        worker.ask(1)
    assert [worker.ask(0).delay_s for worker in workers] == [0.1, 0.1, 0.1]


def test_a_delay_that_becomes_known_counts_from_the_end_of_the_free_time(fleet):
    worker = fleet.worker()
    assert worker.ask(1).free_until_s == WINDOW_S
    assert worker.ask(1, crawl_delay_s=0.5).starts == ()
    fleet.pass_(0.5)
    assert worker.ask(1).starts == (0.1,)


def test_a_delay_that_grows_holds_from_the_last_start_on(fleet):
    worker = fleet.worker(site=TENTH)
    worker.ask(1)
    fleet.pass_(0.1)
    worker.site = Pace(delay_s=0.5)
    assert worker.ask(1).starts == ()
    fleet.pass_(0.4)
    assert worker.ask(1).starts == (0.0,)


def test_a_millisecond_is_a_delay(fleet):
    millisecond = Pace(delay_s=0.001)
    hosts = [fleet.worker(site=millisecond) for _ in range(2)]
    assert [worker.ask(1).starts for worker in hosts] == [(0.0,), (0.001,)]
    jobs = [fleet.worker(own=millisecond, host="other.example") for _ in range(2)]
    assert [worker.ask(1).starts for worker in jobs] == [(0.0,), (0.001,)]
    assert jobs[0].ask(1, silence_s=0.001).silent_s == 0.001


def test_a_delay_longer_than_an_hour_is_an_hour(fleet):
    worker = fleet.worker(site=Pace(delay_s=float("inf")))
    assert worker.ask(1).delay_s == 3600


def test_latencies_are_a_mean_that_forgets(fleet):
    worker = fleet.worker(site=Pace(delay_s=0.001))
    worker.ask(1)
    fleet.pass_(1)
    fleet.permit(worker.call(0, latencies=[1.0]))
    assert worker.ask(99, busy=1, new=0).starts == ()
    fleet.permit(worker.call(0, latencies=[0.01] * 40))
    assert 8 <= len(worker.ask(99, busy=1, new=0).starts) <= 10


def test_latencies_of_failed_requests_count_too(fleet):
    worker = fleet.worker(site=Pace(delay_s=0.001))
    worker.ask(1)
    fleet.pass_(1)
    call = replace(worker.call(9, busy=1, new=0), latencies=(Latency(seconds=0.05, ok=False),))
    (permit,) = fleet.permit(call)
    assert len(permit.starts) == 2
