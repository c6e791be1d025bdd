"""What a site is known for: Crawl-delay, how fast it answers; shared by all, and forgotten when it no longer counts."""

from __future__ import annotations

import pytest

from crawler.frontier.gate_contract import SLOT_TTL_S, WINDOW_S, Pace

HOUR = 3600.0
ADAPTIVE = Pace(adaptive=True, delay_s=0.05, start_delay_s=2.0, max_delay_s=10.0)


# --- Crawl-delay ---


def test_a_crawl_delay_holds_for_every_job_whoever_learned_it(fleet):
    first, second = fleet.worker(), fleet.worker(job="j2")
    assert first.ask(1, crawl_delay_s=3.0).delay_s == 3.0
    assert second.ask(1).starts == ()
    fleet.pass_(3.0)
    assert second.ask(1).starts == (0.0,)


def test_a_crawl_delay_never_makes_anybody_faster(fleet):
    assert fleet.worker(site=Pace(delay_s=5.0)).ask(1, crawl_delay_s=3.0).delay_s == 5.0


def test_who_does_not_know_the_crawl_delay_leaves_it_and_zero_clears_it(fleet):
    worker = fleet.worker()
    worker.ask(1, crawl_delay_s=3.0)
    assert worker.ask(1, crawl_delay_s=None).delay_s == 3.0
    assert worker.ask(1, crawl_delay_s=0.0).delay_s == 0


def test_a_crawl_delay_is_kept_for_a_day_even_if_nobody_asks(fleet):
    worker = fleet.worker()
    worker.ask(1, crawl_delay_s=3.0)
    fleet.pass_(24 * HOUR - 0.001)
    assert worker.ask(1).delay_s == 3.0
    fleet.pass_(0.001)
    assert worker.ask(1).delay_s == 0


# --- the adaptive delay ---


def test_the_adaptive_delay_begins_with_the_start_delay(fleet):
    permit = fleet.worker(site=ADAPTIVE).ask(1)
    assert permit.delay_s == 2.0
    assert permit.starts == (0.0,)


def test_the_adaptive_delay_goes_half_of_the_way_down_and_at_once_up(fleet):
    worker = fleet.worker(site=ADAPTIVE)
    worker.ask(1)
    assert worker.ask(1, latencies=[0.4]).delay_s == 1.2
    assert worker.ask(1, latencies=[0.4, 0.4]).delay_s == 0.6
    assert worker.ask(1, latencies=[5.0]).delay_s == 5.0


def test_the_adaptive_delay_aims_at_so_many_requests_at_once(fleet):
    worker = fleet.worker(site=Pace(adaptive=True, target_concurrency=4.0, max_delay_s=10.0))
    assert worker.ask(1, latencies=[0.8] * 60).delay_s == 0.2


def test_the_adaptive_delay_stays_within_its_bounds(fleet):
    worker = fleet.worker(site=ADAPTIVE)
    assert worker.ask(1, latencies=[0.001] * 60).delay_s == 0.05
    assert worker.ask(1, latencies=[99.0]).delay_s == 10.0
    assert fleet.worker(site=Pace(adaptive=True, start_delay_s=9.0, max_delay_s=4.0), host="x").ask(1).delay_s == 4.0


def test_the_adaptive_delay_is_the_hosts_and_learns_from_all_workers(fleet):
    first, second = fleet.worker(site=ADAPTIVE), fleet.worker(site=ADAPTIVE, job="j2")
    first.ask(1)
    second.ask(1, latencies=[0.4])
    assert first.ask(1).delay_s == 1.2


def test_a_job_that_adapts_by_itself_slows_no_other(fleet):
    adaptive, plain = fleet.worker(own=ADAPTIVE), fleet.worker(job="j2")
    assert adaptive.ask(1, latencies=[8.0]).delay_s == 8.0
    assert plain.ask(1).free_until_s == WINDOW_S


def test_the_adaptive_delay_holds_for_a_worker_without_it_while_one_with_it_takes_part(fleet):
    adaptive, plain = fleet.worker(site=ADAPTIVE), fleet.worker(job="j2")
    adaptive.ask(1)
    assert plain.ask(1).delay_s == 2.0
    fleet.pass_(SLOT_TTL_S)
    assert plain.ask(1).delay_s == 0


def test_the_delay_in_force_is_never_less_than_the_exact_one(fleet):
    worker = fleet.worker(site=Pace(adaptive=True, max_delay_s=10.0, target_concurrency=3.0))
    delay = worker.ask(1, latencies=[1.0] * 60).delay_s
    assert delay == pytest.approx(0.334)


# --- forgetting ---


def test_what_is_known_of_a_host_is_forgotten_an_hour_after_its_last_use(fleet):
    worker = fleet.worker(site=ADAPTIVE)
    worker.ask(1, latencies=[0.4])
    fleet.pass_(HOUR - 0.001)
    assert worker.ask(0).delay_s == 1.2
    fleet.pass_(HOUR)
    assert worker.ask(0).delay_s == 2.0


def test_what_a_job_has_learned_is_forgotten_after_an_hour_too(fleet):
    worker, other = fleet.worker(own=ADAPTIVE), fleet.worker(job="j2")
    worker.ask(1, latencies=[0.4])
    fleet.pass_(HOUR - 1)
    other.ask(0)
    fleet.pass_(1)
    assert worker.ask(0).delay_s == 2.0


def test_a_silence_outlives_an_hour_without_use(fleet):
    worker = fleet.worker(site=ADAPTIVE)
    worker.ask(1)
    worker.ask(0, silence_s=HOUR)
    fleet.pass_(HOUR - 0.001)
    assert worker.ask(1).silent_s == 0.001
