"""Seats are taken for free slots, one by one, and not while the node is leaving."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from twisted.internet.defer import DeferredQueue

from crawler.errors import StoreError
from crawler.scrapyd.config import PROJECT
from crawler.scrapyd.poller import SeatPoller


class Presence:
    """Of a node that drains after so many questions."""

    def __init__(self, yes=100):
        self._yes = yes
        self.given_back = []
        self.seats = self

    def takes_seats(self):
        self._yes -= 1
        return self._yes >= 0

    async def leave(self, job, token):
        self.given_back.append((job, token))


class Seats:
    """Gives so many seats, then none; or fails."""

    def __init__(self, seats, error=None):
        self.seats, self.error, self.asked = seats, error, 0

    async def take(self):
        self.asked += 1
        if self.error is not None:
            raise self.error
        if not self.seats:
            return None
        self.seats -= 1
        return {"name": "items", "_job": f"j{self.asked}", "_seat": SimpleNamespace(token="t")}


def poll(presence, seats, slots):
    """What the slots were given."""
    poller = SeatPoller.__new__(SeatPoller)
    poller._presence, poller._taking = presence, None
    poller.queues, poller.dq = {PROJECT: seats}, DeferredQueue()
    given = []
    for _ in range(slots):
        poller.next().addCallback(given.append)

    async def run():
        await poller.poll().asFuture(asyncio.get_running_loop())

    asyncio.run(run())
    return given


@pytest.mark.parametrize(("seats", "slots", "asked"), [(5, 2, 2), (1, 2, 2), (0, 2, 1), (5, 0, 0)])
def test_no_more_seats_are_taken_than_slots_are_free(seats, slots, asked):
    queue = Seats(seats)
    given = poll(Presence(), queue, slots)
    assert len(given) == min(seats, slots)
    assert queue.asked == asked
    assert all((each["_project"], each["_spider"]) == (PROJECT, "items") for each in given)


def test_a_seat_that_comes_when_the_node_leaves_is_given_back():
    presence = Presence(yes=1)
    assert poll(presence, Seats(5), 2) == []
    assert presence.given_back == [("j1", "t")]


def test_a_store_that_refuses_does_not_end_the_polling():
    assert poll(Presence(), Seats(1, StoreError("no room")), 1) == []
