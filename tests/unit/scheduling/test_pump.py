"""Turns are taken when something is due, one at a time, and not more often than needed."""

from __future__ import annotations

import asyncio

import pytest

from crawler.scheduling.pump import GATHER_S, Pump


class Turns:
    """Notes when turns begin; they last until `let_go` is set."""

    def __init__(self):
        self.began = []
        self.errors = []
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.pump = Pump(self.turn, on_failure=self.errors.append)

    async def turn(self):
        self.began.append(asyncio.get_running_loop().time())
        await self.let_go.wait()


def with_turns(test):
    """Runs a test that takes the turns of a pump that has begun."""

    def run():
        async def go():
            turns = Turns()
            turns.pump.start()
            await turns.pump.turn_taken()
            turns.began.clear()
            async with asyncio.timeout(5):
                await test(turns)
            await turns.pump.stop()

        asyncio.run(go())

    run.__name__ = test.__name__
    return run


@with_turns
async def test_a_turn_that_is_due_now_begins_at_once_and_many_wishes_are_one_turn(turns):
    for _ in range(5):
        turns.pump.now()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(turns.began) == 1
    await asyncio.sleep(GATHER_S)
    assert len(turns.began) == 1


@with_turns
async def test_what_can_wait_is_gathered(turns):
    asked = asyncio.get_running_loop().time()
    for _ in range(5):
        turns.pump.soon()
        await asyncio.sleep(GATHER_S / 10)
    assert turns.began == []
    await turns.pump.turn_taken()
    await asyncio.sleep(2 * GATHER_S)
    assert len(turns.began) == 1
    assert turns.began[0] >= asked


@with_turns
async def test_what_can_wait_goes_with_what_cannot(turns):
    turns.pump.soon()
    turns.pump.now()
    await asyncio.sleep(2 * GATHER_S)
    assert len(turns.began) == 1


@with_turns
async def test_a_later_turn_is_the_last_one_that_was_said(turns):
    begun = asyncio.get_running_loop().time()
    turns.pump.later(0.001)
    turns.pump.later(0.05)
    await asyncio.sleep(0.02)
    assert turns.began == []
    await asyncio.sleep(0.05)
    assert turns.began[0] - begun >= 0.05
    turns.pump.later(0.001)
    turns.pump.later(None)
    await asyncio.sleep(0.02)
    assert len(turns.began) == 1


@with_turns
async def test_turns_do_not_overlap(turns):
    turns.let_go.clear()
    turns.pump.now()
    await asyncio.sleep(0.01)
    turns.pump.now()
    await asyncio.sleep(0.01)
    assert len(turns.began) == 1
    assert turns.pump.busy
    turns.let_go.set()
    await asyncio.sleep(0.01)
    assert len(turns.began) == 2
    assert not turns.pump.busy


@with_turns
async def test_stopping_lets_a_turn_end_first(turns):
    turns.let_go.clear()
    turns.pump.now()
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.03, turns.let_go.set)
    await turns.pump.stop()
    assert turns.let_go.is_set()
    turns.pump.now()
    await turns.pump.turn_taken()  # there is none to wait for
    assert len(turns.began) == 1
    assert turns.errors == []


@with_turns
async def test_stopping_does_not_wait_for_ever(turns):
    turns.let_go.clear()
    turns.pump.now()
    await asyncio.sleep(0.01)
    await turns.pump.stop(patience_s=0.02)
    assert not turns.pump.busy


@pytest.mark.parametrize("timers", [False, True])
def test_a_turn_that_fails_is_the_last_and_is_told(timers):
    async def go():
        errors = []
        taken = []

        async def turn():
            taken.append(1)
            raise ConnectionError("gone")

        pump = Pump(turn, on_failure=errors.append)
        if timers:
            pump.later(0.02)
        pump.start()
        await pump.turn_taken()
        await asyncio.sleep(0.05)
        pump.now()
        await asyncio.sleep(0.01)
        await pump.stop()
        return errors, taken

    errors, taken = asyncio.run(go())
    assert [str(error) for error in errors] == ["gone"]
    assert len(taken) == 1


def test_a_pump_that_never_began_can_be_stopped():
    async def go():
        pump = Pump(asyncio.Event().wait, on_failure=lambda error: None)
        await pump.turn_taken()
        await pump.stop()

    asyncio.run(go())
