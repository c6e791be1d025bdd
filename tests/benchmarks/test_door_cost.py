"""What the door costs a request on the way through: CPU, and calls to the gate. Run on an idle machine.

python -m pytest tests/benchmarks/test_door_cost.py -q -s -m bench -o addopts=--import-mode=importlib
"""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
import uvloop

from crawler.downloader.door import Door
from crawler.frontier.gate_contract import Pace
from crawler.frontier.gate_memory import MemoryGate

pytestmark = pytest.mark.bench

REQUESTS = 50_000


def cpu_per_request(pace):
    """Microseconds, and permit calls per request, of requests that take no time, one after another."""

    async def go():
        door = Door(MemoryGate(), worker="w", paces=lambda _: (pace, pace))

        async def request():
            async with door.pass_("h", still_ours=lambda: True) as passage:
                passage.answered(0.01, ok=True)

        async def nothing():
            pass

        async def spent(what):
            began = time.process_time()
            for number in range(REQUESTS):
                await what()
                if number % 100 == 0:
                    await asyncio.sleep(0)
            return time.process_time() - began

        await spent(request)
        door.counters.calls = 0
        used = await spent(request) - await spent(nothing)
        calls = door.counters.calls
        await door.close()
        return used / REQUESTS * 1e6, calls / REQUESTS

    return uvloop.run(go())


def test_a_request_in_an_open_window_costs_a_few_microseconds():
    figures = [cpu_per_request(Pace(concurrency=16)) for _ in range(5)]
    used, calls = (statistics.median(column) for column in zip(*figures, strict=True))
    print(f"\nthe door: {used:.1f} us of CPU and {calls:.4f} permit calls per request")
    assert used < 10
