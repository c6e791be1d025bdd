"""A host that asks to be left alone is left alone: by every worker of every job, for all of the time."""

from __future__ import annotations

import pytest

from crawler.frontier.gate_contract import MAX_SILENCE_S, WINDOW_S, Pace

TENTH = Pace(delay_s=0.1)


@pytest.mark.parametrize("site", [Pace(), TENTH])
def test_nothing_is_granted_to_anybody_until_the_silence_is_over(fleet, site):
    first, second = fleet.worker(site=site), fleet.worker(site=site, job="j2")
    first.ask(1)
    assert first.ask(3, silence_s=5.0).silent_s == 5.0
    for passed in (0.0, 2.5, 2.499):
        fleet.pass_(passed)
        for worker in (first, second):
            permit = worker.ask(3)
            assert (permit.starts, permit.free_until_s) == ((), 0)
            assert permit.wait_s == permit.silent_s > 0
    assert second.slots == ()
    fleet.pass_(0.001)
    assert second.ask(1).silent_s == 0
    assert second.slots != ()


def test_slots_are_kept_and_given_up_during_a_silence(fleet):
    worker = fleet.worker()
    worker.ask(3)
    permit = worker.ask(0, silence_s=60.0, give_up=worker.slots[:1])
    assert len(permit.slots) == 2
    fleet.pass_(10)
    assert len(worker.ask(2).slots) == 2


def test_after_a_silence_starts_are_spaced_as_ever(fleet):
    workers = [fleet.worker(site=TENTH) for _ in range(3)]
    workers[0].ask(1, silence_s=5.0)
    fleet.pass_(5.0)
    starts = [start for worker in workers for start in worker.ask(5).starts]
    assert sorted(starts) == [0.0, 0.1]


def test_a_silence_never_becomes_shorter(fleet):
    worker = fleet.worker()
    worker.ask(1, silence_s=10.0)
    fleet.pass_(1.0)
    assert worker.ask(1, silence_s=2.0).silent_s == 9.0
    assert worker.ask(1, silence_s=20.0).silent_s == 20.0


def test_a_silence_is_at_most_an_hour_from_now(fleet):
    worker = fleet.worker()
    assert worker.ask(1, silence_s=1e9).silent_s == MAX_SILENCE_S
    fleet.pass_(1000)
    assert worker.ask(1, silence_s=float("inf")).silent_s == MAX_SILENCE_S


@pytest.mark.parametrize("nonsense", [float("nan"), -5.0])
def test_a_silence_that_is_no_time_is_none(fleet, nonsense):
    assert fleet.worker().ask(1, silence_s=nonsense, crawl_delay_s=nonsense).free_until_s == WINDOW_S


def test_hosts_are_silent_each_for_itself(fleet):
    here, there = fleet.worker(), fleet.worker(host="other.example")
    quiet, free = fleet.permit(here.call(1, silence_s=5.0), there.call(1))
    assert quiet.silent_s == 5.0
    assert free.silent_s == 0
    assert free.free_until_s == WINDOW_S


def test_a_silence_takes_back_the_starts_of_an_answer_that_is_repeated(fleet):
    first, second = fleet.worker(site=TENTH), fleet.worker(site=TENTH)
    assert first.ask(1).starts == (0.0,)
    second.ask(0, silence_s=5.0)
    permit = first.ask_again()
    assert permit.starts == ()
    assert permit.silent_s == permit.wait_s == 5.0
    assert permit.slots == first.slots
