"""Back ends of the gate contract, and workers that talk to them. A new back end is one more parameter here."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from clocked_store import ClockedStore

from crawler.frontier.gate_contract import Latency, Pace, Permit, PermitCall
from crawler.frontier.gate_memory import MemoryGate
from crawler.frontier.gate_redis import RedisGate


class Clock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Fleet:
    """Workers in front of one gate. Every call is run to its end."""

    def __init__(self, gate, clock, run, renew) -> None:
        self.gate = gate
        self.clock = clock
        self.run = run
        self._renew = renew
        self._names = itertools.count(1)
        self.tokens = itertools.count(2**63 + 1)  # as large as tokens are

    def pass_(self, seconds: float) -> None:
        """Time goes by, in whole milliseconds."""
        self.clock.pass_(seconds)
        self.clock.now = round(self.clock.now, 3)

    def renew(self) -> None:
        """From now on the gate knows nothing."""
        self.gate = self._renew()

    def permit(self, *calls: PermitCall) -> tuple[Permit, ...]:
        return self.run(self.gate.permit(calls))

    def worker(self, **facts) -> Worker:
        return Worker(self, f"w{next(self._names)}", **facts)


class Worker:
    """A worker that keeps the slots it gets."""

    def __init__(self, fleet, name, *, host="shop.example", job="j1", site=None, own=None) -> None:
        self.fleet = fleet
        self.name = name
        self.host = host
        self.job = job
        self.site = site or Pace()
        self.own = own or Pace()
        self.slots: tuple[int, ...] = ()
        self.number = 0
        self.last: PermitCall | None = None

    def call(self, want: int = 1, *, new: int | None = None, latencies=(), **facts) -> PermitCall:
        """The next call: keeps all slots, and asks for as many new ones as could be used."""
        self.number += 1
        given_up = facts.pop("give_up", ())
        keep = facts.pop("keep", tuple(token for token in self.slots if token not in given_up))
        idle = len(keep) - facts.get("busy", 0)
        wished = max(0, want - idle) if new is None else new
        self.last = PermitCall(
            host=self.host,
            worker=self.name,
            job=self.job,
            call=self.number,
            want=want,
            keep=keep,
            give_up=given_up,
            new_slots=tuple(itertools.islice(self.fleet.tokens, wished)),
            site=self.site,
            own=self.own,
            latencies=tuple(Latency(seconds=seconds) for seconds in latencies),
            **facts,
        )
        return self.last

    def ask(self, want: int = 1, **facts) -> Permit:
        (permit,) = self.fleet.permit(self.call(want, **facts))
        self.slots = permit.slots
        return permit

    def ask_again(self) -> Permit:
        """The same call once more, as after an answer that got lost."""
        (permit,) = self.fleet.permit(self.last)
        return permit


@pytest.fixture(params=["memory", "redis"])
def fleet(request):
    if request.param == "memory":
        clock = Clock()
        yield Fleet(MemoryGate(clock), clock, asyncio.run, lambda: MemoryGate(clock))
        return
    database = request.getfixturevalue("valkey")
    served = ClockedStore(database.url)

    def renew():
        now = served.clock.now
        database.flush()
        served.clock.now = now
        return RedisGate(served.store)

    yield Fleet(RedisGate(served.store), served.clock, served.run, renew)
    served.close()
