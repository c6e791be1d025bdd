"""How many requests may be open at once: of the host, of a job, and when a worker is gone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crawler.frontier.gate_contract import SLOT_TTL_S, Pace

TWO = Pace(concurrency=2)


def test_a_worker_gets_the_slots_it_asks_for(fleet):
    worker = fleet.worker()
    call = worker.call(3)
    (permit,) = fleet.permit(call)
    assert permit.slots == call.new_slots
    assert permit.free_until_s > 0


def test_no_more_slots_are_given_than_are_wanted(fleet):
    assert len(fleet.worker().ask(2, new=5).slots) == 2
    assert fleet.worker().ask(0, new=5).slots == ()


def test_nobody_gets_more_slots_than_the_host_allows_in_all(fleet):
    first, second = fleet.worker(site=TWO), fleet.worker(site=TWO, job="j2")
    assert len(first.ask(1).slots) == 1
    assert len(second.ask(5).slots) == 1
    assert len(first.ask(5).slots) == 1


def test_a_job_gets_no_more_slots_than_it_allows_itself_and_leaves_the_others_theirs(fleet):
    one = Pace(concurrency=1)
    gentle = [fleet.worker(own=one, site=Pace(concurrency=8)) for _ in range(2)]
    other = fleet.worker(job="j2", site=Pace(concurrency=8))
    assert [len(worker.ask(4).slots) for worker in gentle] == [1, 0]
    assert len(other.ask(7).slots) == 7


def test_the_lowest_limit_of_those_who_take_part_holds_for_all(fleet):
    careful, greedy = fleet.worker(site=TWO), fleet.worker(site=Pace(concurrency=9))
    careful.ask(1)
    assert len(greedy.ask(9).slots) == 1


@pytest.mark.parametrize(("limits", "left"), [((1, 0), 0), ((2, 5), 1), ((5, 2), 1), ((0, 3), 2)])
def test_whoever_has_the_lower_limit_it_holds(fleet, limits, left):
    first, second = (fleet.worker(site=Pace(concurrency=limit)) for limit in limits)
    first.ask(1)
    assert len(second.ask(9).slots) == left


def test_a_worker_that_takes_no_part_any_more_does_not_limit_the_others(fleet):
    careful, greedy = fleet.worker(site=TWO), fleet.worker(site=Pace(concurrency=9))
    careful.ask(1)
    fleet.pass_(SLOT_TTL_S)
    assert len(greedy.ask(9).slots) == 9


def test_hosts_have_slots_of_their_own(fleet):
    here, there = fleet.worker(site=TWO), fleet.worker(site=TWO, host="other.example")
    permits = fleet.permit(here.call(2), there.call(2))
    assert [len(permit.slots) for permit in permits] == [2, 2]


def test_a_slot_that_is_given_up_is_free_at_once(fleet):
    first, second = fleet.worker(site=TWO), fleet.worker(site=TWO)
    first.ask(2)
    assert second.ask(2).slots == ()
    first.ask(0, give_up=first.slots[:1])
    assert len(first.slots) == 1
    assert len(second.ask(2).slots) == 1


@pytest.mark.parametrize(("idle_s", "free"), [(SLOT_TTL_S - 0.001, 0), (SLOT_TTL_S, 2)])
def test_a_slot_is_free_when_its_holder_has_been_silent_for_its_lifetime(fleet, idle_s, free):
    dead, other = fleet.worker(site=TWO), fleet.worker(site=TWO)
    dead.ask(2)
    fleet.pass_(idle_s)
    assert len(other.ask(2).slots) == free


def test_slots_that_are_kept_live_on_with_or_without_anything_waiting(fleet):
    holder, other = fleet.worker(site=TWO), fleet.worker(site=TWO)
    holder.ask(2)
    for _ in range(4):
        fleet.pass_(SLOT_TTL_S / 2)
        assert len(holder.ask(0).slots) == 2
    assert other.ask(1).slots == ()


def test_a_slot_that_is_neither_kept_nor_given_up_is_free_when_its_time_is_over(fleet):
    holder, other = fleet.worker(site=TWO), fleet.worker(site=TWO)
    holder.ask(2)
    fleet.pass_(1)
    assert holder.ask(0, keep=()).slots == ()
    assert other.ask(2).slots == ()
    fleet.pass_(SLOT_TTL_S - 1)
    holder.ask(0, keep=())
    assert len(other.ask(2).slots) == 2


def test_a_slot_that_is_kept_counts_when_another_of_its_holder_has_expired(fleet):
    holder, other = fleet.worker(site=TWO), fleet.worker(site=TWO)
    holder.ask(2)
    fleet.pass_(SLOT_TTL_S / 2)
    holder.ask(0, keep=holder.slots[:1])
    fleet.pass_(SLOT_TTL_S / 2)
    assert len(other.ask(2).slots) < 2
    assert len(holder.ask(0).slots) == 1
    assert len(other.ask(2).slots) == 1


def test_a_slot_that_was_lost_is_missing_in_the_answer(fleet):
    late, other = fleet.worker(site=TWO), fleet.worker(site=TWO)
    late.ask(2)
    fleet.pass_(SLOT_TTL_S)
    other.ask(1)
    assert not set(late.ask(1).slots) & set(late.last.keep)


def test_what_another_worker_holds_cannot_be_kept_or_given_up(fleet):
    holder, thief = fleet.worker(site=TWO), fleet.worker(site=TWO)
    holder.ask(2)
    assert thief.ask(1, keep=holder.slots, new=1).slots == ()
    assert thief.ask(1, give_up=holder.slots, new=1).slots == ()
    assert len(holder.ask(0).slots) == 2


def test_a_token_named_twice_is_one_slot(fleet):
    worker = fleet.worker()
    worker.ask(1)
    call = worker.call(5, keep=worker.slots * 2, new=1)
    (permit,) = fleet.permit(call)
    assert permit.slots == (*worker.slots, *call.new_slots)


def test_a_new_token_named_twice_is_one_slot_too(fleet):
    worker = fleet.worker(site=TWO)
    call = replace(worker.call(5, new=1), new_slots=(7, 7, 8))
    (permit,) = fleet.permit(call)
    assert permit.slots == (7, 8)


def test_who_gets_no_slot_gets_no_starts_and_asks_again_within_20_to_50_ms(fleet):
    first, second = fleet.worker(site=TWO), fleet.worker(site=TWO)
    first.ask(2)
    permit = second.ask(2)
    assert (permit.slots, permit.starts, permit.free_until_s) == ((), (), 0)
    assert 0.02 <= permit.wait_s <= 0.05
