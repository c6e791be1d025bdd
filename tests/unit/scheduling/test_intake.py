"""What an answer of the frontier says about waiting and ending."""

from __future__ import annotations

import asyncio
import logging

import pytest

from crawler.frontier.codec import NEWEST_READ
from crawler.frontier.contract import FrontierRequest, Lease, LeaseReply, Reply
from crawler.frontier.identity import START_ID
from crawler.frontier.memory import MemoryFrontier
from crawler.scheduling.held_leases import LONGEST_S, HeldLeases
from crawler.scheduling.intake import PAUSE_S, POLL_S, Intake

ONE = Lease(request=FrontierRequest(id=7, host="h", body=b""), token=3)


class Answering(MemoryFrontier):
    """Gives prepared answers."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.asked = list(replies), []

    async def lease(self, **arguments):
        self.asked.append(arguments)
        return self.replies.pop(0)


def intake(*replies, shared=True):
    frontier = Answering(*replies)
    held = HeldLeases(ttl_s=60.0, clock=lambda: 5.0) if shared else None
    return Intake(frontier, held, worker="w", ttl_s=60.0), frontier, held


def ask(asking, room=2):
    return asyncio.run(asking.ask(room))


def test_each_call_has_its_own_number():
    asking, frontier, _ = intake(LeaseReply(), LeaseReply())
    ask(asking, 2)
    ask(asking, 3)
    assert frontier.asked == [
        {"worker": "w", "call": 1, "limit": 2, "ttl_s": 60.0, "reads": NEWEST_READ, "skip": ()},
        {"worker": "w", "call": 2, "limit": 3, "ttl_s": 60.0, "reads": NEWEST_READ, "skip": ()},
    ]


def test_what_is_leased_is_held_from_before_the_call():
    asking, _, held = intake(LeaseReply(leases=(ONE,), open=1))
    assert ask(asking) == (ONE,)
    assert held.ours(ONE)


def test_the_start_page_is_begun_when_it_is_leased_and_others_wait():
    start = Lease(request=FrontierRequest(id=START_ID, host="", body=b""), token=4)
    asking, _, held = intake(LeaseReply(leases=(start, ONE), open=2))
    ask(asking)
    held.clock = lambda: 5.0 + LONGEST_S
    held.loop_turns()
    assert held.to_prolong() == ([ONE], [start])


@pytest.mark.parametrize(
    ("reply", "room", "wait_s"),
    [
        (LeaseReply(open=3), 2, POLL_S),
        (LeaseReply(open=3, due_in_s=0.04), 2, pytest.approx(0.041)),
        (LeaseReply(open=3, due_in_s=60.0), 2, POLL_S),
        (LeaseReply(leases=(ONE,), open=3, due_in_s=60.0), 1, pytest.approx(60.001)),
        (LeaseReply(leases=(ONE,), open=3), 1, None),
        (LeaseReply(open=0, started=True), 2, PAUSE_S),
        (LeaseReply(open=3, parked=2), 2, POLL_S),
        (LeaseReply(open=3, parked=3), 2, PAUSE_S),
    ],
)
def test_a_worker_that_got_less_than_it_asked_for_looks_again_soon(reply, room, wait_s):
    asking, _, _ = intake(reply)
    ask(asking, room)
    assert asking.wait_s == wait_s
    assert asking.open == reply.open


def test_alone_there_is_nobody_to_look_for():
    asking, _, _ = intake(LeaseReply(open=3), LeaseReply(open=3, due_in_s=2.0), shared=False)
    ask(asking)
    assert asking.wait_s is None
    ask(asking)
    assert asking.wait_s == pytest.approx(2.001)


@pytest.mark.parametrize(("reply", "word"), [(Reply.PAUSED, "paused"), (Reply.FULL, "full")])
def test_a_job_that_gives_nothing_out_stays_open_and_is_asked_each_second(caplog, reply, word):
    caplog.set_level(logging.INFO)
    nothing = LeaseReply(reply=reply, open=0)
    asking, _, _ = intake(nothing, nothing, LeaseReply(open=1), nothing)
    ask(asking)
    ask(asking)
    assert (asking.open, asking.wait_s, asking.closed) == (1, PAUSE_S, False)
    assert [word in record.message for record in caplog.records] == [True]
    ask(asking)
    assert asking.wait_s == POLL_S
    ask(asking)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def test_a_closed_job_is_over_and_stays_so():
    asking, _, _ = intake(LeaseReply(reply=Reply.CLOSED, open=4))
    ask(asking)
    assert (asking.closed, asking.open, asking.wait_s) == (True, 0, None)


def test_the_limit_of_pages_and_the_start_page_are_noted():
    asking, _, _ = intake(LeaseReply(open=2, at_limit=True, started=True), LeaseReply(open=2))
    ask(asking)
    assert (asking.at_limit, asking.started) == (True, True)
    ask(asking)
    assert (asking.at_limit, asking.started) == (False, True)


def test_a_store_that_has_forgotten_that_the_job_has_begun_gets_the_start_page_again():
    asking, frontier, _ = intake(LeaseReply(open=3, started=True), LeaseReply(open=0))
    ask(asking)
    ask(asking)
    assert (asking.open, asking.wait_s, asking.started) == (1, POLL_S, False)
    assert asyncio.run(frontier.ledger()).accepted == 1


def test_a_crawl_of_its_own_never_begins_again():
    asking, frontier, _ = intake(LeaseReply(open=0), shared=False)
    ask(asking)
    assert asyncio.run(frontier.ledger()).accepted == 0
