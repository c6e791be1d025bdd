"""Waiting for the store ends at the deadline, and with the answer if there is one."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

import pytest

from control_api.store_thread import StoreThread
from crawler.errors import StoreAway


@pytest.fixture
def store(valkey):
    made = StoreThread(valkey.url)
    yield made
    made.close()


def test_an_answer_that_does_not_come_in_time_is_a_store_that_is_away(store):
    async def never(_store):
        await asyncio.Event().wait()

    began = time.monotonic()
    with pytest.raises(StoreAway, match=r"within 0\.1 s"):
        store.ask(never, within_s=0.1)
    assert time.monotonic() - began >= 0.1


def test_an_answer_that_comes_in_the_moment_of_the_deadline_is_given(store, monkeypatch):
    class LastMoment(Future):
        def result(self, timeout=None):
            if timeout is not None:
                self.set_result("here")
                raise TimeoutError
            return super().result()

    def at_the_last_moment(coroutine, _loop):
        coroutine.close()
        return LastMoment()

    async def call(_store):
        return "here"

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "run_coroutine_threadsafe", at_the_last_moment)
        assert store.ask(call, within_s=1) == "here"
