"""A call may arrive twice, or late: it counts once."""

from __future__ import annotations

from msgspec.structs import replace

from crawler.frontier.gate_contract import SLOT_TTL_S, Pace, Permit

SPACED = Pace(concurrency=4, delay_s=0.03)


def test_a_repeated_call_gets_the_same_answer(fleet):
    worker = fleet.worker(site=SPACED)
    permit = worker.ask(4)
    assert worker.ask_again() == permit
    assert permit.starts == (0.0, 0.03, 0.06, 0.09)


def test_a_repeated_call_takes_nothing_from_the_others(fleet):
    worker, other = fleet.worker(site=SPACED), fleet.worker(site=SPACED)
    worker.ask(2)
    for _ in range(5):
        worker.ask_again()
    permit = other.ask(9)
    assert len(permit.slots) == 2
    assert permit.starts == (0.06, 0.09)


def test_a_late_repetition_speaks_of_the_same_moments(fleet):
    worker = fleet.worker(site=SPACED)
    permit = worker.ask(4)
    fleet.pass_(0.05)
    again = worker.ask_again()
    assert again.starts == (0.01, 0.04)
    assert again.wait_s == round(permit.wait_s - 0.05, 3)
    assert again.slots == permit.slots


def test_the_free_time_of_a_late_repetition_ends_when_it_was_to_end(fleet):
    worker = fleet.worker()
    worker.ask(1)
    fleet.pass_(0.04)
    assert worker.ask_again().free_until_s == 0.06
    fleet.pass_(1.0)
    assert worker.ask_again().free_until_s == 0


def test_slots_that_have_expired_since_are_not_in_a_late_repetition(fleet):
    worker = fleet.worker(site=SPACED)
    worker.ask(4)
    fleet.pass_(SLOT_TTL_S)
    assert worker.ask_again().slots == ()


def test_a_repetition_reports_nothing_twice(fleet):
    worker = fleet.worker(site=Pace(adaptive=True, start_delay_s=4.0))
    worker.ask(1, latencies=[1.0])
    worker.ask_again()
    assert worker.ask(1).delay_s == 2.5
    worker.ask(1, silence_s=5.0)
    fleet.pass_(4.0)
    assert worker.ask_again().silent_s == 1.0


def test_an_older_call_changes_nothing_and_gets_an_empty_answer(fleet):
    worker, other = fleet.worker(site=SPACED), fleet.worker(site=SPACED)
    worker.ask(1)
    old = replace(worker.last, silence_s=9.0, give_up=worker.slots)
    worker.ask(1)
    assert fleet.permit(old) == (Permit(),)
    assert worker.ask_again().slots == worker.slots
    assert other.ask(1).silent_s == 0


def test_numbers_count_for_each_worker_and_host_alone(fleet):
    worker, same_number = fleet.worker(site=SPACED), fleet.worker(site=SPACED)
    assert worker.ask(1).slots != same_number.ask(1).slots
    elsewhere = fleet.worker(host="other.example")
    elsewhere.name = worker.name
    assert len(elsewhere.ask(1).slots) == 1


def test_calls_for_the_same_host_in_one_turn_are_answered_one_after_another(fleet):
    first, second = fleet.worker(site=SPACED), fleet.worker(site=SPACED)
    permits = fleet.permit(first.call(1), second.call(1))
    assert [permit.starts for permit in permits] == [(0.0,), (0.03,)]


def test_no_calls_are_no_answers(fleet):
    assert fleet.permit() == ()
