from __future__ import annotations

import pytest

from crawler.frontier.queues import HostQueues


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def queues(now):
    return HostQueues(per_host=2, clock=lambda: now[0])


def fill(queues, name, *ids):
    for number in ids:
        queues.push(name, priority=0, order=number, page_id=number)


def drain(queues):
    ids = []
    while (page_id := queues.pop()) is not None:
        ids.append(page_id)
    return ids


def test_nothing_comes_out_of_empty_queues(queues):
    assert queues.pop() is None
    assert queues.next_due() is None


def test_a_full_host_takes_its_turn_again_when_a_page_has_landed(queues):
    fill(queues, "a", 1, 2, 3)
    assert drain(queues) == [1, 2]
    queues.landed("a")
    assert drain(queues) == [3]


def test_a_suspect_waits_apart_and_counts_as_in_flight(queues):
    fill(queues, "a", 1, 2)
    queues.push_suspect("a", 9)
    assert queues.pop_suspect() == 9
    assert drain(queues) == [1]
    assert queues.pop_suspect() is None


def test_a_suspect_may_fill_its_host(queues):
    fill(queues, "a", 1, 2)
    assert queues.pop() == 1
    queues.push_suspect("a", 9)
    queues.push_suspect("a", 8)
    assert queues.pop_suspect() == 9
    assert queues.pop() is None
    assert queues.pop_suspect() is None
    queues.landed("a")
    assert queues.pop_suspect() == 8


def test_a_suspect_whose_host_may_not_be_asked_holds_up_no_other(queues):
    queues.push_suspect("a", 9)
    queues.push_suspect("b", 8)
    queues.hold("a", 10.0)
    assert queues.pop_suspect() == 8
    assert queues.pop_suspect() is None


def test_a_host_on_hold_is_left_out_and_comes_back_when_promoted(queues, now):
    fill(queues, "a", 1)
    queues.hold("a", 10.0)
    assert drain(queues) == []
    assert queues.next_due() == 10.0
    now[0] = 10.0
    assert queues.pop() is None
    queues.promote()
    assert drain(queues) == [1]


def test_an_unknown_host_can_be_put_on_hold(queues, now):
    queues.hold("a", 5.0)
    fill(queues, "a", 1)
    assert queues.pop() is None
    now[0] = 6.0
    queues.promote()
    assert queues.pop() == 1


def test_the_first_of_two_holds_does_not_end_the_second(queues, now):
    fill(queues, "a", 1)
    queues.hold("a", 5.0)
    queues.hold("a", 9.0)
    now[0] = 6.0
    queues.promote()
    assert queues.pop() is None
    assert queues.next_due() == 9.0


def test_a_hold_that_was_prolonged_is_waited_for_to_its_end(queues):
    queues.hold("a", 5.0)
    queues.hold("b", 8.0)
    queues.hold("a", 9.0)
    assert queues.next_due() == 8.0
