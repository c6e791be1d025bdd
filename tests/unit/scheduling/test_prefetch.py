"""The buffer holds what the engine will want soon, and no more."""

from __future__ import annotations

import pytest
from scrapy import Request

from crawler.frontier.contract import FrontierRequest, Lease
from crawler.middlewares.open_pages import OpenPage
from crawler.scheduling.prefetch import Prefetch


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def page(number, host="h"):
    lease = Lease(request=FrontierRequest(id=number, host=host, body=b""), token=number)
    return OpenPage(lease=lease, request=Request(f"http://{host}/{number}"), url="")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def prefetch(clock):
    return Prefetch(most=32, clock=clock)


def ids(pages):
    return [entry.lease.request.id for entry in pages]


def test_an_idle_engine_is_filled_up(prefetch):
    assert prefetch.room(free=32) == 32
    assert prefetch.room(free=5) == 5
    assert prefetch.room(free=0) == 1


def test_never_more_than_the_most_is_asked_for(prefetch):
    assert prefetch.room(free=1000) == 32


def test_a_fast_crawl_keeps_a_tenth_of_a_second_ready(prefetch, clock):
    for second in range(20):
        for number in range(20):
            prefetch.put(page(number))
            prefetch.pop()
        clock.now += 0.1
        prefetch.room(free=0)
        assert second >= 0
    assert prefetch.rate == pytest.approx(200, rel=0.05)
    assert prefetch.room(free=0) == 20


def test_a_crawl_that_slows_down_keeps_less(prefetch, clock):
    for number in range(100):
        prefetch.put(page(number))
        prefetch.pop()
    clock.now += 1.0
    assert prefetch.room(free=0) == 10
    clock.now += 10.0
    assert prefetch.room(free=0) == 1


def test_what_lies_there_is_not_asked_for_again(prefetch):
    for number in range(3):
        prefetch.put(page(number))
    assert prefetch.room(free=5) == 2
    assert prefetch.room(free=2) == 0


def test_it_is_low_at_a_quarter_and_hungry_unless_the_frontier_had_too_few(prefetch):
    prefetch.room(free=8)
    for number in range(8):
        prefetch.put(page(number))
    for _ in range(5):
        prefetch.pop()
        assert not prefetch.low
    prefetch.pop()
    assert prefetch.low
    assert prefetch.hungry
    prefetch.dry = True
    assert not prefetch.hungry


@pytest.mark.parametrize("first", [True, False])
def test_a_page_is_taken_out_or_stays_though_the_answer_changes_meanwhile(prefetch, first):
    answers = iter([first] * 3 + [not first] * 3)
    for number in range(3):
        prefetch.put(page(number))
    taken = prefetch.take_out(lambda _: next(answers))
    assert sorted(ids([*taken, *prefetch])) == [0, 1, 2]


def test_pages_come_in_order_and_one_may_come_first(prefetch):
    for number in range(3):
        prefetch.put(page(number))
    prefetch.put_first(page(9))
    assert ids(iter(prefetch)) == [9, 0, 1, 2]
    assert ids(prefetch.pop() for _ in range(4)) == [9, 0, 1, 2]
    assert prefetch.pop() is None


def test_some_pages_are_taken_out_and_the_others_keep_their_order(prefetch):
    for number, host in enumerate("abab"):
        prefetch.put(page(number, host))
    assert ids(prefetch.take_out(lambda entry: entry.lease.request.host == "a")) == [0, 2]
    assert ids(prefetch) == [1, 3]
    assert prefetch.take_out(lambda entry: False) == []
