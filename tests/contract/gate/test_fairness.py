"""Whoever asks more often, or comes first, takes nothing from the others for long."""

from __future__ import annotations

import math

import pytest

from crawler.frontier.gate_contract import Pace

FOUR = Pace(concurrency=4)


def test_a_refused_worker_is_served_before_one_that_comes_later(fleet):
    holder, refused, greedy = (fleet.worker(site=FOUR) for _ in range(3))
    holder.ask(4)
    refused.ask(1)
    holder.ask(0, give_up=holder.slots[:1])
    assert greedy.ask(4).slots == ()
    assert holder.ask(9).slots == holder.last.keep
    assert len(refused.ask(1).slots) == 1


def test_who_was_refused_first_is_served_first(fleet):
    holder, first, second = (fleet.worker(site=FOUR) for _ in range(3))
    holder.ask(4)
    first.ask(1)
    second.ask(1)
    fleet.pass_(0.03)
    second.ask(1)
    first.ask(1)
    holder.ask(0, give_up=holder.slots[:1])
    assert second.ask(1).slots == ()
    assert len(first.ask(1).slots) == 1


def test_a_place_in_the_queue_is_lost_after_a_second(fleet):
    holder, gone, other = (fleet.worker(site=FOUR) for _ in range(3))
    holder.ask(4)
    gone.ask(4)
    holder.ask(0, give_up=holder.slots[:1])
    fleet.pass_(0.999)
    assert other.ask(1).slots == ()
    fleet.pass_(0.001)
    assert len(other.ask(1).slots) == 1


def test_who_holds_more_than_its_share_is_told_that_another_waits(fleet):
    holder, other = fleet.worker(site=FOUR), fleet.worker(site=FOUR)
    assert not holder.ask(9, new=4).contended
    assert not holder.ask(9).contended
    other.ask(2)
    assert holder.ask(4).contended
    holder.ask(0, give_up=holder.slots[:2])
    assert len(other.ask(9).slots) == 2
    assert not holder.ask(4).contended
    assert not other.ask(4).contended


def test_nobody_is_told_so_once_the_other_has_stopped_asking(fleet):
    holder, other = fleet.worker(site=FOUR), fleet.worker(site=FOUR)
    holder.ask(4)
    other.ask(1)
    fleet.pass_(1.0)
    assert not holder.ask(4).contended


def test_with_more_workers_than_slots_every_holder_is_told(fleet):
    workers = [fleet.worker(site=Pace(concurrency=2)) for _ in range(3)]
    permits = [worker.ask(1) for worker in workers]
    assert [len(permit.slots) for permit in permits] == [1, 1, 0]
    assert [worker.ask(1, busy=1).contended for worker in workers[:2]] == [True, True]


def test_who_waits_for_its_own_jobs_limit_disturbs_only_that_job(fleet):
    one, site = Pace(concurrency=1), Pace(concurrency=4)
    holder, waiting = (fleet.worker(own=one, site=site) for _ in range(2))
    other = fleet.worker(site=site, job="j2")
    holder.ask(1)
    waiting.ask(1)
    assert holder.ask(1).contended
    assert len(other.ask(3).slots) == 3
    assert not other.ask(3).contended


def test_of_what_a_job_may_have_each_worker_keeps_its_share(fleet):
    first, second = (fleet.worker(own=Pace(concurrency=2)) for _ in range(2))
    first.ask(1)
    second.ask(1)
    assert not any(worker.ask(5).contended for worker in (first, second, first))


def test_a_limit_of_host_and_job_alike_is_waited_for_before_all_others(fleet):
    two = Pace(concurrency=2)
    holder, waiting = (fleet.worker(site=Pace(concurrency=2, delay_s=0.01), own=two) for _ in range(2))
    other = fleet.worker(site=two, job="j2")
    holder.ask(2)
    waiting.ask(1)
    holder.ask(0, give_up=holder.slots[:1])
    assert other.ask(1).slots == ()


def test_who_has_its_share_holds_nobody_up(fleet):
    first, second, third = (fleet.worker(site=FOUR) for _ in range(3))
    first.ask(2)
    second.ask(2)
    second.ask(5)
    first.ask(0, give_up=first.slots[:1])
    assert len(third.ask(5).slots) == 1


def test_no_more_is_kept_for_those_before_than_they_miss(fleet):
    holder, modest, greedy = (fleet.worker(site=Pace(concurrency=8)) for _ in range(3))
    holder.ask(8)
    modest.ask(1)
    holder.ask(0, give_up=holder.slots)
    assert len(greedy.ask(9).slots) == 7


def test_with_more_workers_than_slots_one_is_kept_for_each_of_those_before(fleet):
    holder, first, second, third = (fleet.worker(site=Pace(concurrency=2)) for _ in range(4))
    holder.ask(2)
    for worker in (first, second, third):
        worker.ask(5)
    holder.ask(0, give_up=holder.slots)
    assert [len(worker.ask(5).slots) for worker in (third, second, first)] == [0, 1, 1]


def test_who_has_been_served_goes_to_the_end_of_the_queue(fleet):
    holder, first, second = (fleet.worker(site=FOUR) for _ in range(3))
    holder.ask(4)
    first.ask(3)
    second.ask(3)
    holder.ask(0, give_up=holder.slots[:1])
    assert len(first.ask(4).slots) == 1
    holder.ask(0, give_up=holder.slots[:1])
    assert len(first.ask(4).slots) == 1
    assert len(second.ask(4).slots) == 1


def test_who_waits_for_its_own_job_is_none_of_those_who_share_the_host(fleet):
    site = Pace(concurrency=8)
    gentle = [fleet.worker(site=site, own=Pace(concurrency=1)) for _ in range(2)]
    small, large, waiting = (fleet.worker(site=site, job="j2") for _ in range(3))
    for worker in gentle:
        worker.ask(1)
    small.ask(2)
    large.ask(5)
    waiting.ask(1)
    assert not small.ask(9).contended
    assert large.ask(9).contended


def test_a_slot_of_a_job_goes_round_among_its_workers(fleet):
    first, second = (fleet.worker(own=Pace(concurrency=1)) for _ in range(2))
    first.ask(1)
    second.ask(1)
    assert first.ask(1, give_up=first.slots).slots == ()
    assert len(second.ask(1).slots) == 1
    assert second.ask(1).contended


def crawl(fleet, workers, seconds: float, *, want: int = 50) -> dict[str, int]:
    """All ask when they were told to, the first of `workers` first; how many starts each got."""
    got, due, end = dict.fromkeys((worker.name for worker in workers), 0), [0.0] * len(workers), seconds
    while min(due) < end:
        at = min(due)
        for index, worker in enumerate(workers):
            if due[index] == at:
                permit = worker.ask(want, new=max(0, 2 - len(worker.slots)), latencies=[0.001])
                got[worker.name] += len(permit.starts)
                due[index] = at + max(permit.wait_s, 0.001)
        step = round(min(due) - at, 3)
        due = [round(moment, 3) for moment in due]
        fleet.pass_(step)
    return got


@pytest.mark.parametrize("delay_s", [0.005, 0.05, 0.1, 1.0, 4.0])
@pytest.mark.parametrize(("scope", "count"), [("site", 2), ("site", 3), ("own", 2)])
def test_workers_that_want_all_they_can_get_get_equal_parts_of_the_starts(fleet, delay_s, scope, count):
    workers = [fleet.worker(**{scope: Pace(delay_s=delay_s)}) for _ in range(count)]
    seconds = max(1.0, 30 * delay_s)
    got, possible = crawl(fleet, workers, seconds), seconds / delay_s
    assert min(got.values()) >= 0.8 * possible / count
    assert 0.95 * possible <= sum(got.values()) <= math.ceil(possible + 0.1 / delay_s) + 1


def test_a_worker_that_asks_all_the_time_gets_no_more_than_its_part(fleet):
    pushy, patient = (fleet.worker(site=Pace(delay_s=0.5)) for _ in range(2))
    got, due = {pushy: 0, patient: 0}, 0.0
    for tick in range(1000):
        got[pushy] += len(pushy.ask(50, latencies=[0.001]).starts)
        if tick * 0.01 >= due:
            permit = patient.ask(50, latencies=[0.001])
            got[patient] += len(permit.starts)
            due = tick * 0.01 + permit.wait_s
        fleet.pass_(0.01)
    assert got[pushy] + got[patient] in (20, 21)
    assert got[patient] >= 9


def test_one_that_dies_while_it_waits_for_a_start_holds_the_others_up_for_a_second_at_most(fleet):
    dead, alive = (fleet.worker(site=Pace(delay_s=0.2)) for _ in range(2))
    alive.ask(1)
    dead.ask(1)
    got = crawl(fleet, [alive], 4.0)
    assert got[alive.name] >= 14


def test_a_gentle_job_that_waits_for_itself_does_not_hold_up_the_others(fleet):
    site = Pace(delay_s=0.1)
    gentle, other = fleet.worker(site=site, own=Pace(delay_s=5.0)), fleet.worker(site=site, job="j2")
    gentle.ask(9)
    gentle.ask(9)
    got = crawl(fleet, [gentle, other], 3.0)
    assert got[other.name] >= 29


def test_a_gentle_job_comes_in_time_between_greedy_ones(fleet):
    site = Pace(delay_s=0.1)
    greedy = [fleet.worker(site=site, job="j2") for _ in range(2)]
    gentle = fleet.worker(site=site, own=Pace(delay_s=1.0))
    got = crawl(fleet, [*greedy, gentle], 10.0)
    assert got[gentle.name] >= 8


@pytest.mark.parametrize(("delay_s", "part"), [(0.01, 5), (0.04, 1)])
def test_while_another_waits_nobody_gets_more_than_its_part_of_a_window(fleet, delay_s, part):
    first, second = (fleet.worker(site=Pace(delay_s=delay_s)) for _ in range(2))
    assert len(first.ask(50, latencies=[0.001]).starts) == int(0.1 / delay_s) + 1
    assert second.ask(50).starts == ()
    fleet.pass_(first.ask(50).wait_s)
    assert len(first.ask(50).starts) == part


@pytest.mark.parametrize("scope", ["site", "own"])
def test_who_waits_longer_for_a_start_is_told_to_come_later(fleet, scope):
    workers = [fleet.worker(**{scope: Pace(delay_s=1.0)}) for _ in range(4)]
    waits = [worker.ask(1).wait_s for worker in workers]
    assert waits == pytest.approx([0.98, 0.98, 1.98, 2.98])
    fleet.pass_(0.98)
    assert [worker.ask(1).starts for worker in reversed(workers)] == [(), (), (0.02,), ()]
    assert workers[1].ask(5).wait_s == pytest.approx(4.0)


def test_who_wants_nothing_any_more_leaves_the_queue(fleet):
    first, second = (fleet.worker(site=Pace(delay_s=1.0)) for _ in range(2))
    first.ask(1)
    second.ask(1)
    second.ask(0)
    fleet.pass_(1.0)
    assert first.ask(1).starts == (0.0,)


def test_a_job_that_waits_for_itself_takes_no_part_of_the_window(fleet):
    site = Pace(delay_s=0.01)
    gentle, other = fleet.worker(site=site, own=Pace(delay_s=5.0)), fleet.worker(site=site, job="j2")
    gentle.ask(9, latencies=[0.001])
    gentle.ask(9)
    fleet.pass_(0.1)
    assert len(other.ask(50).starts) == 11


def test_a_delay_of_host_and_job_alike_is_waited_for_before_all_others(fleet):
    site = Pace(delay_s=0.1)
    first, other = fleet.worker(site=site, own=Pace(delay_s=0.1, concurrency=5)), fleet.worker(site=site, job="j2")
    assert first.ask(2, new=2).starts == (0.0, 0.1)
    assert first.ask(2).starts == ()
    fleet.pass_(0.1)
    assert other.ask(2).starts == ()
    assert first.ask(2).starts == (0.1,)


def test_jobs_that_wait_for_themselves_do_not_hold_each_other_up(fleet):
    first, second = fleet.worker(own=Pace(delay_s=5.0)), fleet.worker(own=Pace(delay_s=1.0), job="j2")
    first.ask(1)
    first.ask(1)
    assert second.ask(1).starts == (0.0,)
