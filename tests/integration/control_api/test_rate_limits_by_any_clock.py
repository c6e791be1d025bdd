"""Limits hold, and waits that are promised are those of a window, whatever the clocks of APIs do."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import redis
from api_calls import bearer, new_client
from api_people import new_key
from api_process import ApiProcess
from wall_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_S = 3_600.0

LIMIT = 4
WINDOW_S = 2
RATE = f"{LIMIT} per {WINDOW_S} seconds"

#: Longer than all the windows of a test, on any machine.
PATIENCE_S = 60.0

#: How far the clock of each of two APIs is from the right time: at first, in the middle of a window, while limited.
JUMPS = [
    pytest.param((0, 0), (HOUR_S, HOUR_S), (2 * HOUR_S, 2 * HOUR_S), id="both go ahead", marks=pytest.mark.long),
    pytest.param((0, 0), (-HOUR_S, -HOUR_S), (-2 * HOUR_S, -2 * HOUR_S), id="both go back", marks=pytest.mark.long),
    pytest.param((0, 0), (HOUR_S, -HOUR_S), (-HOUR_S, HOUR_S), id="they part"),
    pytest.param((HOUR_S, 0), (HOUR_S, 0), (0, 0), id="one that was ahead is set right", marks=pytest.mark.long),
    pytest.param((0, 0), (HOUR_S, 0), (HOUR_S, 0), id="one is ahead", marks=pytest.mark.long),
    pytest.param((0, 0), (-HOUR_S, 0), (-HOUR_S, 0), id="one is behind", marks=pytest.mark.long),
]

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """One that was made, in seconds of the real time, and of which process; `waits` are those that its answer names."""

    process: int
    accepted: bool
    sent: float
    answered: float
    waits: frozenset[int]


@dataclass
class Caller:
    """A client, or an address without a key: the status that it gets while it is within its limit, and its calls."""

    headers: dict[str, str]
    accepts: int
    calls: list[Call] = field(default_factory=list)

    def call(self, client, processes) -> None:
        number, sent = len(self.calls) % len(processes), time.monotonic()
        answer = client.get(f"{processes[number].url}/v1/me", headers=self.headers)
        answered = time.monotonic()
        assert answer.status_code in (self.accepts, 429), answer.text
        said = {name: answer.headers.get(name) for name in ("Retry-After", "RateLimit-Reset")}
        accepted = answer.status_code == self.accepts
        assert accepted or said["Retry-After"] is not None
        waits = frozenset(int(text) for text in said.values() if text is not None)
        self.calls.append(Call(number, accepted, sent, answered, waits))

    def most_in_any_window(self) -> int:
        """Most calls that were accepted and surely counted in one window: sent in it and answered in it."""
        accepted = [call for call in self.calls if call.accepted]
        return max(
            sum(first.sent <= call.sent and call.answered <= first.sent + WINDOW_S for call in accepted)
            for first in accepted
        )

    def check(self) -> None:
        """No more than the limit in any window; waits that are no longer than a window, and long enough."""
        assert self.most_in_any_window() <= LIMIT
        promised = float("inf")
        for call in self.calls:
            assert call.waits <= set(range(1, WINDOW_S + 1))
            assert call.accepted or call.sent < promised, "whoever has waited as long as was said is let through"
            promised = float("inf") if call.accepted else min(promised, call.answered + max(call.waits))


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    """Of two APIs."""
    return [Clock(tmp_path_factory.mktemp("clock")) for _ in range(2)]


@contextmanager
def started(folder, redis_url, clocks):
    """An API for each of the clocks, on one store."""
    processes = [
        ApiProcess(
            folder / str(number),
            redis_url=redis_url,
            storage={"STORAGE_URL": f"file://{folder}/files"},
            API_FAILURE_LIMIT=RATE,
            API_PROXIES="1",
            **clock.environment,
        )
        for number, clock in enumerate(clocks)
    ]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def pair(shared_database, clocks, tmp_path_factory):
    """Two APIs for all tests: each test has a client, and an address, of its own."""
    with started(tmp_path_factory.mktemp("apis"), shared_database.url, clocks) as processes:
        yield processes


def new_callers(url) -> list[Caller]:
    """A client with the rate, and an address."""
    number = next(_NUMBERS)
    key = new_key(url, f"client-{number}", rate_limit=RATE)
    without = {"X-Forwarded-For": f"192.0.2.{number}", "Authorization": "Bearer ck_live_nonsense"}
    return [Caller(bearer(key), 200), Caller(without, 401)]


def hammer(processes, clocks, callers, jumps) -> None:
    """Calls in turn over some windows, with clocks that jump in the first one and when it is used up."""
    until = time.monotonic() + PATIENCE_S

    def go_on(is_enough: Callable[[list[Call]], bool]) -> None:
        since = [len(caller.calls) for caller in callers]
        while not all(is_enough(caller.calls[first:]) for caller, first in zip(callers, since, strict=True)):
            assert time.monotonic() < until, f"no room again: {[caller.calls[-2:] for caller in callers]}"
            for caller in callers:
                caller.call(client, processes)
            time.sleep(0.02)

    def set_clocks(ahead) -> None:
        for clock, ahead_s in zip(clocks, ahead, strict=True):
            clock.set_ahead(ahead_s)

    def everybody_is_let_in() -> None:
        for number in range(len(processes)):
            go_on(lambda calls, number=number: any(call.accepted and call.process == number for call in calls))

    with new_client() as client:
        set_clocks(jumps[0])
        go_on(lambda calls: sum(call.accepted for call in calls) >= LIMIT // 2)
        set_clocks(jumps[1])
        go_on(lambda calls: any(not call.accepted for call in calls))
        set_clocks(jumps[2])
        jumped = time.monotonic()
        everybody_is_let_in()
        go_on(lambda _: time.monotonic() > jumped + 1.5 * WINDOW_S)
        everybody_is_let_in()


@pytest.mark.parametrize(("at_first", "within", "while_limited"), JUMPS)
def test_a_client_and_an_address_get_their_rate_and_no_more_and_are_never_told_to_wait_longer_than_a_window(
    *, at_first, within, while_limited, pair, clocks, shared_database
):
    callers = new_callers(shared_database.url)
    hammer(pair, clocks, callers, (at_first, within, while_limited))
    for caller in callers:
        caller.check()


@pytest.mark.long
def test_limits_of_a_process_whose_store_has_no_room_go_by_no_wall_clock_and_neither_does_its_way_back(
    new_valkey, tmp_path
):
    store, clock = new_valkey(), Clock(tmp_path)
    callers = new_callers(store.url)
    with started(tmp_path / "apis", store.url, [clock]) as processes, redis.Redis.from_url(store.url) as server:
        server.config_set("maxmemory", 1)
        hammer(processes, [clock], callers, [(HOUR_S,), (2 * HOUR_S,), (0,)])
        assert not list(server.scan_iter("crawlery:rates:*")), "it was the process that has counted"
        for caller in callers:
            caller.check()
        server.config_set("maxmemory", 0)
        clock.jump(-HOUR_S)
        until = time.monotonic() + PATIENCE_S
        with new_client() as client:
            while len(list(server.scan_iter("crawlery:rates:*"))) < len(callers):
                assert time.monotonic() < until, processes[0].log()[-2000:]
                for caller in callers:
                    caller.call(client, processes)
                time.sleep(0.02)
    assert "counts calls again" in processes[0].log()
