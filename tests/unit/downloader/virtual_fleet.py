"""Workers with a door each, one gate and one site, on an event loop whose time is made up: a minute takes a moment."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from crawler.downloader.door import Door
from crawler.frontier.gate_contract import Pace
from crawler.frontier.gate_memory import MemoryGate


class VirtualLoop(asyncio.SelectorEventLoop):
    """Where others wait, this one moves its clock."""

    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self._selector = _Jumping(self._selector, self)

    def time(self):
        return self.now


class _Jumping:
    def __init__(self, selector, loop):
        self._selector, self._loop = selector, loop

    def select(self, timeout):
        assert timeout is not None, "everybody waits, and for nothing"
        self._loop.now += max(0.0, timeout)
        return self._selector.select(0)

    def __getattr__(self, name):
        return getattr(self._selector, name)


def run(scenario):
    """Runs a coroutine function on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario())


def now() -> float:
    return asyncio.get_running_loop().time()


class FarGate:
    """A gate behind a network: calls travel for a while, and so do answers."""

    def __init__(self, gate, *, there_s=0.0, back_s=0.0):
        self.gate, self.there_s, self.back_s = gate, there_s, back_s
        self.calls = []
        self.error = None

    async def permit(self, calls):
        if self.there_s:
            await asyncio.sleep(self.there_s)
        if self.error is not None:
            raise self.error
        self.calls += calls
        permits = await self.gate.permit(calls)
        if self.back_s:
            await asyncio.sleep(self.back_s)
        return permits


@dataclass
class Site:
    """What the site sees."""

    latency_s: float = 0.02
    sent: list[float] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def answer(self, worker=""):
        self.sent.append(now())
        self.by.append(worker)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self.open -= 1

    def most_in_a_second(self):
        window, most = deque(), 0
        for moment in self.sent:
            window.append(moment)
            while window[0] < moment - 1.0:
                window.popleft()
            most = max(most, len(window))
        return most


def a_door(gate, worker="w", *, job="", site=None, own=None):
    site = site or Pace()
    return Door(
        gate, worker=worker, job=job, paces=lambda _: (site, own or site), clock=asyncio.get_running_loop().time
    )


def a_gate():
    return MemoryGate(asyncio.get_running_loop().time)


async def keep_busy(door, site, worker, *, tasks=4, host="h", until=None):
    """Sends requests one after another from several tasks, until then or for ever."""

    async def one():
        while until is None or now() < until:
            async with door.pass_(host) as passage:
                await site.answer(worker)
                passage.answered(site.latency_s, ok=True)

    await asyncio.gather(*(one() for _ in range(tasks)))
