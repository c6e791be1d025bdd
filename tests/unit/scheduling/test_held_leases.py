"""Whether a page is surely ours, and the thread that keeps it so."""

from __future__ import annotations

import threading

import pytest

from crawler.errors import StoreError
from crawler.frontier.contract import FrontierRequest, Lease
from crawler.scheduling.held_leases import AT_ONCE, LONGEST_S, HeldLeases, Renewal, boot_time

TTL_S = 60.0


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def lease(number, token=1):
    return Lease(request=FrontierRequest(id=number, host="h", body=b""), token=token)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def held(clock):
    return HeldLeases(ttl_s=TTL_S, clock=clock)


def test_a_lease_is_ours_until_a_ttl_after_it_was_asked_for(held, clock):
    held.add([lease(1)], asked_at=clock.now)
    clock.now += TTL_S - 0.001
    assert held.ours(lease(1))
    clock.now += 0.001
    assert not held.ours(lease(1))


def test_a_lease_that_is_not_held_is_not_ours(held):
    assert not held.ours(lease(1))


def test_two_leases_of_one_page_are_told_apart_by_their_tokens(held, clock):
    held.add([lease(1, token=1)], asked_at=clock.now - TTL_S)
    held.add([lease(1, token=2)], asked_at=clock.now)
    assert (held.ours(lease(1, token=1)), held.ours(lease(1, token=2))) == (False, True)
    held.drop(lease(1, token=1))
    assert held.ours(lease(1, token=2))
    assert len(held) == 1


def test_prolonging_counts_from_before_the_call(held, clock):
    held.add([lease(1), lease(2)], asked_at=clock.now)
    asked_at = clock.now + 20
    clock.now += 25
    held.prolonged([lease(1), lease(3)], asked_at=asked_at)
    clock.now = asked_at + TTL_S - 0.001
    assert held.ours(lease(1))
    assert not held.ours(lease(2))
    assert not held.ours(lease(3))


def test_a_page_that_takes_too_long_is_no_longer_prolonged_and_over_at_its_deadline(held, clock):
    held.add([lease(1), lease(2)], asked_at=clock.now)
    held.alive(lease(1))
    held.alive(lease(2))
    clock.now += LONGEST_S - 1
    held.prolonged([lease(1), lease(2)], asked_at=clock.now)
    held.alive(lease(2))
    held.alive(lease(3))
    clock.now += 1
    assert held.to_prolong() == ([lease(2)], [])
    clock.now += TTL_S
    assert held.to_prolong() == ([lease(2)], [lease(1)])


def test_time_counts_from_when_a_page_is_begun_and_not_while_it_waits(held, clock):
    held.add([lease(1), lease(2)], asked_at=clock.now)
    for _ in range(60):
        clock.now += LONGEST_S / 10
        held.loop_turns()
    assert held.to_prolong() == ([lease(1), lease(2)], [])
    held.alive(lease(1))
    clock.now += LONGEST_S - 1
    held.waits(lease(1))  # followed in place: at the door again
    clock.now += 2
    held.loop_turns()
    assert held.to_prolong() == ([lease(1), lease(2)], [])
    held.alive(lease(1))
    clock.now += LONGEST_S
    held.loop_turns()
    assert held.to_prolong() == ([lease(2)], [lease(1)])


def test_what_waits_in_an_event_loop_that_has_stopped_is_given_up_too(held, clock):
    held.add([lease(1)], asked_at=clock.now)
    clock.now += 5
    held.loop_turns()
    clock.now += LONGEST_S - 1
    assert held.to_prolong() == ([lease(1)], [])
    clock.now += 1
    assert held.to_prolong() == ([], [lease(1)])


def test_the_clock_counts_seconds():
    assert boot_time() <= boot_time()


# --- the thread ---


class Frontier:
    """Answers the thread's calls: `lost` are gone; `trouble` is raised once."""

    def __init__(self, rounds=1):
        self.calls, self.lost, self.trouble = [], [], None
        self.done = threading.Event()
        self.rounds = rounds
        self.ended = threading.Event()

    def renew(self, leases):
        self.calls.append(list(leases))
        if len(self.calls) >= self.rounds:
            self.done.set()
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return [entry for entry in self.lost if entry in leases]


def run(held, frontier):
    lost = []
    renewal = Renewal(held, frontier.renew, on_lost=lost.extend, on_end=frontier.ended.set)
    renewal.start()
    assert frontier.done.wait(5) or frontier.ended.is_set()
    renewal.stop()
    renewal.join(5)
    return lost


def test_the_thread_prolongs_everything_and_names_what_is_lost(clock):
    held = HeldLeases(ttl_s=0.03, clock=clock)
    held.add([lease(1), lease(2)], asked_at=clock.now)
    clock.now += 0.02
    frontier = Frontier(rounds=2)
    frontier.lost = [lease(2)]
    lost = run(held, frontier)
    assert frontier.calls[0] == [lease(1), lease(2)]
    assert set(lost) == {lease(2)}
    clock.now += 0.02
    assert held.ours(lease(1))
    assert not held.ours(lease(2))
    assert not frontier.ended.is_set()


def test_many_leases_are_prolonged_in_parts(clock):
    held = HeldLeases(ttl_s=0.03, clock=clock)
    held.add([lease(number) for number in range(AT_ONCE + 1)], asked_at=clock.now)
    frontier = Frontier(rounds=2)
    run(held, frontier)
    assert [len(part) for part in frontier.calls[:2]] == [AT_ONCE, 1]


@pytest.mark.parametrize("trouble", [StoreError("refused"), ConnectionResetError("reset"), TimeoutError()])
def test_no_answer_is_no_loss_and_is_tried_again(clock, caplog, trouble):
    held = HeldLeases(ttl_s=0.03, clock=clock)
    held.add([lease(1)], asked_at=clock.now)
    frontier = Frontier(rounds=2)
    frontier.trouble = trouble
    assert run(held, frontier) == []
    assert len(frontier.calls) >= 2
    assert "could not be prolonged" in caplog.text


def test_what_is_stuck_is_reported_as_lost(clock, caplog):
    held = HeldLeases(ttl_s=0.03, clock=clock)
    held.add([lease(1)], asked_at=clock.now)
    held.alive(lease(1))
    clock.now += LONGEST_S
    held.add([lease(2)], asked_at=clock.now)
    frontier = Frontier()
    assert set(run(held, frontier)) == {lease(1)}
    assert "has taken 15 minutes" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_breaks_says_so(clock):
    held = HeldLeases(ttl_s=0.03, clock=clock)
    held.add([lease(1)], asked_at=clock.now)
    frontier = Frontier()
    frontier.trouble = RuntimeError("a bug")
    run(held, frontier)
    assert frontier.ended.wait(5)
