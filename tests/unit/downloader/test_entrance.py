"""One host's side of the door, told what time it is."""

from __future__ import annotations

import asyncio
import math

import pytest
from msgspec.structs import replace

from crawler.downloader.entrance import (
    RENEW_AHEAD_S,
    RIDE_AHEAD_S,
    SPACING,
    SPENT_WITHIN_S,
    Entrance,
)
from crawler.downloader.slots import IDLE_S, LONG_USED_S
from crawler.frontier.gate_contract import LATENESS_S, SLOT_TTL_S, Latency, Pace, Permit

FOUR = Pace(concurrency=4)


class Bench:
    """An entrance, and a gate that answers what a test tells it to."""

    def __init__(self, site=FOUR, own=None):
        self.now = 100.0
        self.entrance = Entrance("h", site=site, own=own or site)
        self.calls = []
        self.loop = asyncio.new_event_loop()
        self.loop.close()

    def ask(self, *, trip_s=0.0, **permit):
        """A call and its answer; new slots are granted unless the test says otherwise."""
        call = self.entrance.call(self.now, worker="w", job="j", number=len(self.calls) + 1)
        self.calls.append(call)
        self.now += trip_s
        permit.setdefault("slots", (*call.keep, *call.new_slots))
        self.entrance.granted(Permit(**permit), self.now)
        return call

    def wait(self, count=1):
        waiting = [asyncio.Future(loop=self.loop) for _ in range(count)]
        for future in waiting:
            self.entrance.queue(future, self.now)
        return waiting

    def take(self):
        return self.entrance.take(self.now)

    def leave(self, slot):
        self.entrance.slots.put_back(slot, self.now)

    def due_in(self):
        return self.entrance.due_s(self.now) - self.now

    def open_window(self, slots=1, **permit):
        self.wait(slots)
        self.ask(free_until_s=0.1, **permit)
        self.entrance.waiting.clear()


@pytest.fixture
def bench():
    return Bench()


# --- when a request may be sent ---


def test_nothing_is_sent_before_the_gate_has_answered(bench):
    assert bench.take() is None
    bench.wait()
    assert bench.due_in() <= 0


def test_a_window_lets_requests_pass_one_after_another_in_one_slot(bench):
    bench.open_window()
    first = bench.take()
    assert first is not None
    assert bench.take() is None
    bench.leave(first)
    assert bench.take() is first


def test_a_window_ends_before_a_silence_could_have_reached_everybody(bench):
    bench.open_window()
    bench.now += SPENT_WITHIN_S - 0.001
    slot = bench.take()
    bench.leave(slot)
    bench.now += 0.002
    assert bench.take() is None


def test_the_time_of_an_answer_on_its_way_is_taken_off_the_window(bench):
    bench.open_window(trip_s=0.07)
    bench.now += 0.009
    bench.leave(bench.take())
    bench.now += 0.002
    assert bench.take() is None


def test_a_start_is_used_once_and_not_before_its_moment(bench):
    bench.wait(2)
    bench.ask(starts=(0.03,), delay_s=0.2)
    assert bench.take() is None
    bench.now += 0.0301
    bench.leave(bench.take())
    assert bench.take() is None


def test_a_start_that_comes_too_late_is_void(bench):
    bench.wait()
    bench.ask(starts=(0.01,), delay_s=0.2)
    bench.now += 0.011 + LATENESS_S
    assert bench.take() is None
    assert bench.entrance.void == 1


def test_a_start_is_measured_from_the_middle_of_the_call_to_its_answer(bench):
    bench.wait()
    bench.ask(starts=(0.02,), delay_s=0.2, trip_s=0.03)  # answered 15 ms ago, so due in 5 ms
    bench.now += 0.004
    assert bench.take() is None
    bench.now += 0.002
    assert bench.take() is not None


def test_an_answer_that_was_too_long_on_its_way_grants_no_start(bench):
    bench.wait()
    bench.ask(starts=(0.0, 0.005), delay_s=0.005, trip_s=0.06)
    assert bench.entrance.void == 2
    assert bench.take() is None


def test_a_start_far_ahead_has_less_time_so_that_a_silence_overtakes_it(bench):
    bench.wait(2)
    bench.ask(starts=(0.07, 0.09), delay_s=0.02)
    assert bench.entrance.void == 1
    bench.now += SPENT_WITHIN_S + 0.001
    assert bench.take() is None


def test_a_start_used_on_time_after_a_late_one_keeps_its_distance(bench):
    bench.wait(2)
    bench.ask(starts=(0.0, 0.03), delay_s=0.03)
    bench.now += 0.02
    bench.leave(bench.take())
    bench.now += 0.011
    assert bench.take() is None
    assert bench.entrance.serve_s(bench.now) == pytest.approx(bench.now - 0.011 + SPACING * 0.03)
    bench.now += SPACING * 0.03 - 0.011 + 1e-6
    assert bench.take() is not None


def test_slots_are_not_used_beyond_their_time_although_the_gate_was_not_asked(bench):
    bench.open_window()
    bench.now += SLOT_TTL_S + 1  # stopped and continued
    bench.wait()
    assert bench.take() is None
    assert bench.due_in() <= 0
    assert bench.ask(free_until_s=0.1).keep


def test_a_request_that_took_its_slot_in_time_is_still_held_back_if_the_loop_was_late(bench):
    bench.open_window()
    slot = bench.take()
    assert bench.entrance.may_send(slot, bench.now + 0.01)
    assert not bench.entrance.may_send(slot, bench.now + SPENT_WITHIN_S + 0.001)


def test_waiting_requests_are_served_in_their_order_and_cancelled_ones_left_out(bench):
    bench.open_window(slots=2)
    first, gone, third, fourth = bench.wait(4)
    gone.cancel()
    bench.entrance.serve(bench.now)
    assert first.done()
    assert third.done()
    assert not fourth.done()


# --- slots ---


def test_slots_are_asked_for_as_many_as_wait_and_the_pace_allows(bench):
    bench.wait(3)
    assert len(bench.ask(free_until_s=0.1).new_slots) == 3
    bench.wait(10)
    assert len(bench.ask(free_until_s=0.1).new_slots) == 1


def test_the_gentler_of_the_two_paces_counts():
    bench = Bench(site=FOUR, own=replace(FOUR, concurrency=2))
    bench.wait(10)
    assert len(bench.ask(free_until_s=0.1).new_slots) == 2


def test_with_a_delay_no_more_slots_are_taken_from_others_than_there_can_be_starts():
    bench = Bench(site=replace(FOUR, delay_s=1.0))
    bench.wait(10)
    call = bench.ask(starts=(0.0,), delay_s=1.0)
    assert (len(call.new_slots), call.want) == (1, 1)


def test_a_slot_that_nobody_needs_is_given_up_soon(bench):
    bench.open_window(slots=2)
    bench.leave(bench.take())
    assert bench.due_in() == pytest.approx(IDLE_S)
    bench.now += IDLE_S
    assert len(bench.ask().give_up) == 2
    assert bench.due_in() == math.inf


def test_the_slot_freed_last_is_used_first_so_that_spare_ones_are_given_up(bench):
    bench.open_window(slots=3)
    for _ in range(6):
        bench.now += 0.01
        bench.leave(bench.take())
    assert len(bench.ask().give_up) == 2


def with_starts_and_no_slot():
    """An entrance that has got two starts more than there were requests, and whose slots nobody needed any more."""
    bench = Bench(Pace(concurrency=4, delay_s=0.002))
    bench.wait(2)
    bench.ask(starts=(0.0, 0.002, 0.004), delay_s=0.002)
    bench.entrance.waiting.clear()
    bench.now += IDLE_S
    bench.ask(slots=())
    return bench


def test_who_has_starts_left_and_no_slot_asks_for_one():
    bench = with_starts_and_no_slot()
    bench.entrance._starts.append((bench.now, bench.now + 0.05))
    bench.wait()
    assert bench.due_in() < 0.1


def test_starts_whose_time_is_over_do_not_count_for_those_who_wait():
    bench = with_starts_and_no_slot()
    bench.entrance._starts.append((bench.now, bench.now + 0.05))
    bench.now += 1.0
    bench.wait()
    call = bench.ask()
    assert call.want == 1
    assert len(call.new_slots) == 1


def test_slots_in_use_are_prolonged_in_time(bench):
    bench.open_window()
    bench.take()
    assert bench.due_in() == pytest.approx(SLOT_TTL_S / 3)
    bench.now += SLOT_TTL_S / 3
    call = bench.ask()
    assert (len(call.keep), call.busy, call.want, call.new_slots) == (1, 1, 0, ())


def test_a_slot_that_others_wait_for_is_given_up_after_a_second_of_use(bench):
    bench.open_window(contended=True)
    bench.leave(bench.take())
    assert bench.due_in() > 0
    slot = bench.take()
    bench.now += LONG_USED_S
    bench.leave(slot)
    assert bench.due_in() <= 0
    assert bench.ask().give_up == (slot.token,)


def test_a_slot_that_the_gate_has_lost_is_not_used_again(bench):
    bench.open_window(slots=2)
    slot = bench.take()
    bench.wait()
    bench.ask(slots=(), free_until_s=0.1)
    bench.leave(slot)
    assert bench.take() is None
    assert not bench.ask().keep


def test_who_is_refused_a_slot_asks_less_and_less_often():
    bench = Bench()
    bench.wait()
    waits = []
    for _ in range(6):
        bench.ask(slots=(), wait_s=0.03)
        waits.append(bench.due_in())
        bench.now += waits[-1]
    assert waits == sorted(waits)
    assert 0.03 <= waits[0] < 0.06
    assert waits[-1] == pytest.approx(0.1)


def test_who_has_a_slot_can_wait_longer_for_another(bench):
    bench.open_window()
    assert bench.take()
    bench.wait(3)
    for _ in range(12):
        bench.ask(slots=bench.calls[0].new_slots, wait_s=0.03)
        bench.now += 0.05
    assert bench.due_in() + 0.05 == pytest.approx(0.5)


# --- when the gate is asked ---


def test_a_window_in_use_is_renewed_before_it_ends():
    bench = Bench(site=replace(FOUR, concurrency=1))
    bench.open_window()
    bench.leave(bench.take())
    assert bench.take() is not None
    bench.wait()
    assert bench.due_in() == pytest.approx(SPENT_WITHIN_S - RENEW_AHEAD_S)


def test_a_window_in_use_is_renewed_on_a_way_that_is_made_anyway():
    bench = Bench()
    bench.open_window()
    bench.leave(bench.take())
    bench.leave(bench.take())
    assert not bench.entrance.rides(bench.now)
    bench.now += SPENT_WITHIN_S - RIDE_AHEAD_S + 0.001
    assert bench.entrance.rides(bench.now)
    assert bench.ask(free_until_s=0.1).want == 1  # although nobody waits at this moment
    bench.now += SPENT_WITHIN_S - 0.001
    assert bench.take() is not None


@pytest.mark.parametrize("why", ["used once", "delay", "silence", "over"])
def test_other_windows_are_not(why):
    bench = Bench()
    bench.open_window(delay_s=0.5 if why == "delay" else 0.0)
    bench.leave(bench.take())
    if why != "used once":
        bench.leave(bench.take())
    if why == "silence":
        bench.entrance.silent_until_s = bench.now + 1  # as an answer of the gate would tell
    bench.now += SPENT_WITHIN_S + (0.001 if why == "over" else -0.001)
    assert not bench.entrance.rides(bench.now)


def test_a_call_for_another_reason_leaves_an_open_window_open(bench):
    bench.open_window(slots=2)
    bench.now += 0.01
    bench.ask()
    assert bench.take() is not None


def test_a_window_is_over_when_the_host_has_a_delay_by_now(bench):
    bench.open_window(slots=2)
    bench.now += 0.01
    bench.ask(delay_s=1.0)
    assert bench.take() is None


def test_a_window_that_a_slow_site_does_not_use_is_left_to_end():
    bench = Bench(site=replace(FOUR, concurrency=1))
    bench.open_window()
    bench.take()
    bench.wait()
    assert bench.due_in() == pytest.approx(SLOT_TTL_S / 3)


def test_the_next_start_is_asked_for_shortly_before_it_is_due():
    bench = Bench(site=replace(FOUR, delay_s=1.0))
    bench.wait(2)
    bench.ask(starts=(0.0,), delay_s=1.0, wait_s=0.98)
    bench.take()
    assert bench.due_in() == pytest.approx(0.98)


def test_a_far_gate_is_asked_sooner_by_the_time_the_answer_takes():
    bench = Bench(site=replace(FOUR, delay_s=1.0))
    bench.wait(2)
    for _ in range(30):
        bench.ask(starts=(0.0,), delay_s=1.0, wait_s=0.98, trip_s=0.03)
    bench.entrance._starts.clear()
    assert bench.due_in() == pytest.approx(0.98 - 0.015 - 0.03, abs=0.002)


def test_a_refusal_without_a_wait_does_not_make_it_ask_all_the_time(bench):
    bench.open_window()
    bench.wait()
    bench.now += 1
    bench.ask()
    assert bench.due_in() > 0


def test_only_one_call_is_under_way(bench):
    bench.wait()
    bench.entrance.call(bench.now, worker="w", job="j", number=1)
    assert bench.due_in() == math.inf
    bench.entrance.failed()
    assert bench.due_in() <= 0


def test_latencies_travel_with_the_next_call(bench):
    bench.open_window()
    bench.entrance.answered(0.2, ok=True)
    bench.entrance.answered(0.1, ok=False)
    assert bench.ask().latencies == (Latency(seconds=0.2, ok=True), Latency(seconds=0.1, ok=False))
    assert bench.ask().latencies == ()


def test_a_fast_answer_is_told_at_once_where_the_delay_was_a_first_guess():
    bench = Bench(site=replace(FOUR, adaptive=True, start_delay_s=5.0))
    bench.wait(2)
    bench.ask(starts=(0.0,), delay_s=5.0, wait_s=4.98)
    slot = bench.take()
    assert bench.due_in() > 4
    bench.entrance.answered(0.2, ok=True)
    bench.leave(slot)
    assert bench.due_in() <= 0.1


# --- silence and Crawl-delay ---


def test_a_silence_voids_what_was_granted_and_is_told_at_once(bench):
    bench.wait(2)
    bench.ask(starts=(0.0, 0.01), delay_s=0.01)
    bench.entrance.silence(bench.now + 5)
    assert bench.take() is None
    assert bench.due_in() <= 0
    assert bench.entrance.void == 2
    call = bench.ask(silent_s=5.0)
    assert (call.silence_s, call.want) == (5.0, 0)
    assert bench.ask().silence_s == 0.0


def test_a_start_from_before_a_short_silence_is_not_used_after_it(bench):
    bench.wait()
    bench.ask(starts=(0.02,), delay_s=0.1)
    bench.entrance.silence(bench.now + 0.01)
    bench.now += 0.021
    assert bench.take() is None


def test_what_was_granted_by_a_call_from_before_a_silence_does_not_count(bench):
    bench.wait()
    call = bench.entrance.call(bench.now, worker="w", job="j", number=1)
    bench.entrance.silence(bench.now + 0.01)
    bench.entrance.granted(Permit(slots=call.new_slots, free_until_s=0.1), bench.now)
    bench.now += 0.011
    assert bench.take() is None


def test_a_silence_said_by_the_gate_holds_and_slots_go_back_while_it_lasts(bench):
    bench.open_window()
    bench.wait()
    bench.ask(silent_s=3.0, wait_s=3.0)
    assert bench.take() is None
    bench.now += IDLE_S
    assert len(bench.ask(silent_s=2.95, wait_s=2.95).give_up) == 1
    assert bench.due_in() == pytest.approx(2.95, abs=0.002)


def test_a_silence_never_gets_shorter(bench):
    bench.entrance.silence(bench.now + 5)
    bench.entrance.silence(bench.now + 1)
    assert bench.entrance.silent_until_s == bench.now + 5
    assert bench.ask().silence_s == 5.0


# --- how long those who wait will be here ---


def test_so_many_requests_last_as_long_as_the_delay_in_force_says(bench):
    bench.entrance.crawl_delay(2.0)
    assert bench.entrance.lasts_s(0, bench.now) == 0.0
    assert bench.entrance.lasts_s(3, bench.now) == 6.0
    bench.wait(4)
    assert bench.entrance.lasts_s(3, bench.now) == 8.0


def test_a_silence_comes_before_all_of_them(bench):
    bench.entrance.silence(bench.now + 5)
    assert bench.entrance.lasts_s(0, bench.now) == 5.0
    bench.now += 6
    assert bench.entrance.lasts_s(0, bench.now) == 0.0


def test_where_slots_are_the_narrower_way_their_use_counts(bench):
    assert bench.entrance.lasts_s(100, bench.now) == 0.0
    for _ in range(30):
        bench.open_window()
        slot = bench.take()
        bench.now += 2.0
        bench.leave(slot)
    assert bench.entrance.lasts_s(8, bench.now) == pytest.approx(8 * 2.0 / 4, rel=0.01)


def test_if_nothing_leaves_the_next_one_is_not_expected_sooner(bench):
    bench.now += 50
    bench.wait(1)
    assert bench.entrance.lasts_s(1, bench.now) == 0.0
    bench.now += 3
    assert bench.entrance.lasts_s(1, bench.now) == 3.0
    bench.wait(1)
    bench.ask(free_until_s=0.1)
    assert bench.take()
    assert bench.entrance.lasts_s(1, bench.now) == 0.0


def test_a_crawl_delay_is_told_at_once_and_again_after_a_minute(bench):
    bench.open_window()
    bench.entrance.crawl_delay(2.0)
    assert bench.take() is None
    assert bench.entrance.delay_s == 2.0
    assert bench.due_in() <= 0
    assert bench.ask().crawl_delay_s == 2.0
    assert bench.ask().crawl_delay_s is None
    bench.now += 61
    assert bench.ask().crawl_delay_s == 2.0


def test_a_delay_set_for_this_crawl_alone_is_its_own(bench):
    bench.entrance.slow_down(0.7)
    call = bench.ask(delay_s=0.7)
    assert (call.site.delay_s, call.own.delay_s) == (0.0, 0.7)


# --- the end ---


def test_a_host_is_forgotten_when_nothing_would_be_lost(bench):
    bench.open_window()
    bench.now += 70
    assert not bench.entrance.forgettable(bench.now)
    bench.ask()
    assert not bench.entrance.forgettable(bench.now)
    bench.now += 61
    assert bench.entrance.forgettable(bench.now)
    bench.entrance.silence(bench.now + 100)
    bench.ask()
    assert not bench.entrance.forgettable(bench.now + 90)


def test_at_the_end_free_slots_are_handed_back(bench):
    bench.open_window(slots=2)
    bench.take()
    bench.entrance.slots.surrender()
    assert bench.due_in() <= 0
    call = bench.ask()
    assert (len(call.give_up), len(call.keep)) == (1, 1)
