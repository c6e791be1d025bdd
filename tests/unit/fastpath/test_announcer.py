"""The announcer against Scrapy's own signal manager: the same receivers, told the same, failing the same way."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from pydispatch import dispatcher
from scrapy.exceptions import IgnoreRequest
from scrapy.signalmanager import SignalManager
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from crawler.fastpath.announcer import Announcer

SIGNAL = object()


class Receivers:
    def __init__(self):
        self.told = []

    def all(self, **named):
        self.told.append(("all", sorted(named)))

    def some(self, item):
        self.told.append(("some", item))
        return "answer"

    def nothing(self):
        self.told.append(("nothing",))

    def who(self, signal, sender, item):
        self.told.append(("who", signal is SIGNAL, item))

    def fails(self, item):
        raise ValueError(item)

    def ignores(self, item):
        raise IgnoreRequest(item)

    def defers(self):
        return Deferred()

    async def later(self, item):
        await asyncio.sleep(0)
        self.told.append(("later", item))

    async def fails_later(self):
        await asyncio.sleep(0)
        raise ValueError("later")


@pytest.fixture
def signals():
    return SignalManager(sender=object())


@pytest.fixture
def receivers():
    return Receivers()


@pytest.mark.parametrize("names", [["all"], ["some", "nothing"], ["who"], ["fails", "some"], ["ignores"], []], ids=str)
def test_receivers_are_told_what_scrapy_tells_them(signals, receivers, names):
    for name in names:
        signals.connect(getattr(receivers, name), signal=SIGNAL)
    theirs = [answer for _, answer in signals.send_catch_log(SIGNAL, item=1, other=2, dont_log=IgnoreRequest)]
    told, receivers.told = receivers.told, []
    ours = Announcer(signals).send(SIGNAL, item=1, other=2, dont_log=IgnoreRequest)
    assert receivers.told == told
    assert [type(answer) for answer in ours] == [type(answer) for answer in theirs]


def test_a_receiver_that_fails_is_logged_and_answers_its_failure(signals, receivers, caplog):
    signals.connect(receivers.fails, signal=SIGNAL)
    signals.connect(receivers.ignores, signal=SIGNAL)
    first, second = Announcer(signals).send(SIGNAL, item="x", dont_log=IgnoreRequest)
    assert isinstance(first, Failure)
    assert isinstance(second.value, IgnoreRequest)
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


def test_who_connects_and_disconnects_later_is_noticed(signals, receivers):
    announcer = Announcer(signals)
    assert announcer.send(SIGNAL, item=1) == []
    signals.connect(receivers.some, signal=SIGNAL)
    assert announcer.send(SIGNAL, item=1) == ["answer"]
    signals.disconnect(receivers.some, signal=SIGNAL)
    signals.connect(receivers.nothing, signal=SIGNAL)
    assert announcer.send(SIGNAL, item=1) == [None]
    signals.disconnect(receivers.nothing, signal=SIGNAL)
    assert announcer.send(SIGNAL, item=1) == []


def test_a_receiver_that_is_gone_before_anything_was_sent_is_not_told(signals):
    signals.connect(Receivers().some, signal=SIGNAL)
    gc.collect()
    assert Announcer(signals).send(SIGNAL, item=1) == []


def test_receivers_that_take_their_time_are_waited_for_and_may_fail(signals, receivers, caplog):
    for name in ("later", "fails_later", "some"):
        signals.connect(getattr(receivers, name), signal=SIGNAL)
    asyncio.run(Announcer(signals).send_async(SIGNAL, item=3))
    assert sorted(receivers.told) == [("later", 3), ("some", 3)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_receiver_that_fails_at_once_keeps_no_other_from_being_told_or_waited_for(signals, receivers, caplog):
    for name in ("fails", "later", "some"):
        signals.connect(getattr(receivers, name), signal=SIGNAL)
    asyncio.run(Announcer(signals).send_async(SIGNAL, item=3))
    assert sorted(receivers.told) == [("later", 3), ("some", 3)]
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


def test_a_receiver_that_must_not_take_its_time_and_does_is_complained_of_as_by_scrapy(signals, receivers, caplog):
    signals.connect(receivers.defers, signal=SIGNAL)
    signals.send_catch_log(SIGNAL, item=1)
    theirs = [(record.name, record.getMessage()) for record in caplog.records]
    caplog.clear()
    [answer] = Announcer(signals).send(SIGNAL, item=1)
    assert isinstance(answer, Deferred)
    assert [(record.name, record.getMessage()) for record in caplog.records] == theirs != []


@pytest.mark.parametrize("whole", ["signals", "crawls"])
def test_who_listens_to_all_signals_or_to_all_crawls_is_told_from_then_on(signals, receivers, whole):
    announcer = Announcer(signals)
    signals.connect(receivers.some, signal=SIGNAL)
    assert announcer.send(SIGNAL, item=1) == ["answer"]
    where = {"signal": dispatcher.Any, "sender": signals.sender} if whole == "signals" else {"signal": SIGNAL}
    dispatcher.connect(receivers.all, **where)
    try:
        assert len(announcer.send(SIGNAL, item=2)) == 2
    finally:
        dispatcher.disconnect(receivers.all, **where)
    assert announcer.send(SIGNAL, item=3) == ["answer"]
    assert [told[0] for told in receivers.told] == ["some", "some", "all", "some"]
