"""How many pages of which host are wanted, at a door that needs so many seconds for each."""

from __future__ import annotations

from collections import defaultdict

import pytest
from scrapy import Request

from crawler.frontier.contract import FrontierRequest, Lease
from crawler.middlewares.open_pages import OpenPage
from crawler.scheduling.appetite import ASK_AGAIN_S, ENOUGH_S, KEEP_S, LOOK_AGAIN_S, MOST_SKIPPED, Appetite
from crawler.scheduling.prefetch import Prefetch


class Desk:
    """A prefetch, doors and an engine that takes whatever it is given."""

    def __init__(self):
        self.now = 100.0
        self.each_s, self.silent_s = defaultdict(float), defaultdict(float)
        self.prefetch = Prefetch(most=100, clock=lambda: self.now)
        self.events = []
        self.appetite = Appetite(
            lambda host, coming: self.silent_s[host] + coming * self.each_s[host],
            clock=lambda: self.now,
            wake=lambda: self.events.append("wake"),
            ask=lambda: self.events.append("ask"),
        )

    def lease(self, host, count=1):
        pages = []
        for number in range(len(self.prefetch), len(self.prefetch) + count):
            lease = Lease(request=FrontierRequest(id=number, host=host, body=b""), token=number)
            pages.append(OpenPage(lease=lease, request=Request(f"http://{host}/{number}"), url=""))
            self.prefetch.put(pages[-1])
        return pages

    def know(self, *hosts):
        """A page of each has left once."""
        for host in hosts:
            self.lease(host)
            self.appetite.left(self.hand_out(1)[0])

    def hand_out(self, most=100):
        pages = []
        while len(pages) < most and (page := self.appetite.next_of(self.prefetch)) is not None:
            self.appetite.comes(page)
            pages.append(page)
        return pages

    def look(self, free=16):
        """Hosts of the pages that go back; those are taken out."""
        back = self.appetite.look(list(self.prefetch), free=free)
        self.prefetch.take_out(back.__contains__)
        return hosts(back)

    @property
    def skipped(self):
        return set(self.appetite.skipped)


def hosts(pages):
    return [page.lease.request.host for page in pages]


@pytest.fixture
def desk():
    return Desk()


def test_a_quick_host_gets_all_it_has_and_is_never_skipped(desk):
    desk.know("quick")
    desk.lease("quick", 50)
    desk.look()
    assert not desk.skipped
    assert len(desk.hand_out()) == 50
    desk.look()
    assert not desk.skipped


def test_the_first_page_of_a_host_goes_alone_until_it_has_left(desk):
    desk.lease("new", 3)
    (first,) = desk.hand_out()
    desk.look()
    assert desk.skipped == {"new"}
    desk.appetite.left(first)
    assert desk.events == ["wake", "ask"]
    assert len(desk.hand_out()) == 2
    desk.look()
    assert not desk.skipped


def test_of_a_slow_host_no_more_are_handed_out_than_leave_within_a_second(desk):
    desk.know("slow", "slower")
    desk.each_s.update(slow=ENOUGH_S / 4, slower=5 * ENOUGH_S)
    desk.lease("slower", 3)
    desk.lease("slow", 9)
    assert hosts(desk.hand_out()) == ["slower"] + ["slow"] * 4


def test_other_hosts_are_served_before_those_that_must_wait_and_the_rest_keeps_its_order(desk):
    desk.know("slow", "quick")
    desk.each_s["slow"] = 2.0
    first, second, third = desk.lease("slow", 3)
    (quick,) = desk.lease("quick")
    assert desk.hand_out() == [first, quick]
    assert list(desk.prefetch) == [second, third]
    desk.appetite.left(first)
    assert desk.hand_out() == [second]


def test_a_host_is_skipped_until_half_of_what_is_enough_is_left(desk):
    desk.know("slow")
    desk.each_s["slow"] = ENOUGH_S / 4
    desk.lease("slow", 4)
    pages = desk.hand_out()
    desk.look()
    assert desk.skipped == {"slow"}
    for page in pages[:2]:
        desk.appetite.left(page)
    desk.look()
    assert (desk.skipped, desk.events) == ({"slow"}, [])
    desk.appetite.left(pages[2])
    assert desk.events == ["wake", "ask"]
    desk.look()
    assert not desk.skipped
    desk.lease("slow", 1)
    desk.look()
    assert desk.skipped == {"slow"}, f"one lies here and one is at the door: {ASK_AGAIN_S} s"


def test_a_page_that_never_leaves_is_not_waited_for(desk):
    desk.lease("new", 2)
    (page,) = desk.hand_out()
    desk.appetite.left(page)
    desk.appetite.left(page)
    assert len(desk.hand_out()) == 1


def test_what_would_wait_for_long_goes_back_and_its_host_is_skipped_until_it_is_wanted(desk):
    desk.know("silent", "quick")
    desk.silent_s["silent"] = KEEP_S
    desk.lease("silent", 3)
    desk.lease("quick", 1)
    assert desk.look() == ["silent"] * 3
    assert desk.look() == []
    assert desk.skipped == {"silent"}
    desk.silent_s["silent"] = 0.0
    desk.look()
    assert not desk.skipped


def test_pages_that_must_wait_take_half_of_the_free_places_at_most(desk):
    desk.know("slow", "slower")
    desk.each_s.update(slow=1.0, slower=1.5)
    desk.lease("slow", 5)
    desk.lease("slower", 5)
    desk.hand_out()
    assert len(desk.prefetch) == 8
    assert desk.look(free=6) == ["slow"] + ["slower"] * 4
    assert desk.look(free=6) == []
    assert desk.look(free=0) == ["slow"] * 3
    assert desk.skipped == {"slow", "slower"}


def test_pages_of_a_host_whose_first_page_does_not_leave_make_room_after_a_second(desk):
    desk.lease("new", 8)
    desk.hand_out()
    assert desk.look(free=4) == []
    desk.now += ENOUGH_S
    assert desk.look(free=4) == ["new"] * 5
    desk.now += KEEP_S
    assert desk.look(free=4) == ["new"] * 2


def test_while_something_is_held_back_it_is_looked_at_soon(desk):
    assert desk.appetite.soon(None, lying=False) is None
    assert desk.appetite.soon(3.0, lying=False) == 3.0
    assert desk.appetite.soon(None, lying=True) == LOOK_AGAIN_S
    desk.lease("new")
    desk.look()
    assert desk.appetite.soon(3.0, lying=False) == LOOK_AGAIN_S
    assert desk.appetite.soon(0.01, lying=False) == 0.01


def test_not_more_hosts_are_skipped_than_one_call_can_name(desk):
    for number in range(MOST_SKIPPED + 10):
        desk.lease(f"h{number}")
    desk.look(free=1000)
    assert len(desk.skipped) == MOST_SKIPPED


def test_only_so_many_hosts_are_remembered(desk, monkeypatch):
    monkeypatch.setattr("crawler.scheduling.appetite._MOST_KNOWN", 2)
    desk.know("a", "b", "a", "c")
    for host in "abc":
        desk.lease(host, 2)
    assert sorted(hosts(desk.hand_out())) == ["a", "a", "b", "c", "c"]
