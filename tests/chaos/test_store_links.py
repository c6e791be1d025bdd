"""A store behind a network that breaks its connections: whoever asked is answered all the same."""

from __future__ import annotations

import asyncio

import pytest
import uvloop
from fault_proxy import FaultProxies

from crawler.store import Store, connect


def fast() -> asyncio.Runner:
    """With the event loop of workers and nodes."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


@pytest.mark.parametrize("runner", [asyncio.Runner, fast])
def test_a_connection_that_is_reset_while_nobody_uses_it_costs_no_answer(new_valkey, runner):
    with FaultProxies() as proxies, runner() as loop:
        link = proxies.link(new_valkey().port, name="store")

        async def ask() -> list[bytes]:
            store = Store(connect({"url": f"redis://127.0.0.1:{link.port}"}))
            answers = [await store.command("PING")]
            link.set("reset")
            await asyncio.sleep(0.1)  # the loop hears of it
            link.heal()
            async with asyncio.timeout(10):
                answers.append(await store.command("PING"))
            await store.close()
            return answers

        assert loop.run(ask()) == [b"PONG", b"PONG"]
