"""What only the memory gate does; its rules are in tests/contract/gate."""

from __future__ import annotations

import asyncio

import pytest

from crawler.frontier.gate_contract import Pace, PermitCall
from crawler.frontier.gate_memory import MemoryGate


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def gate(now):
    return MemoryGate(lambda: now[0])


@pytest.fixture
def ask(gate):
    def call(**facts):
        facts = {"host": "h", "worker": "w", "call": 1, "want": 1, "new_slots": (1,), **facts}
        (permit,) = asyncio.run(gate.permit([PermitCall(**facts)]))
        return permit

    return call


def test_hosts_that_nobody_uses_are_forgotten_altogether(gate, now, ask):
    for number in range(100):
        ask(host=f"h{number}")
    assert len(gate._hosts) == 100
    now[0] += 3601
    ask(host="new")
    assert list(gate._hosts) == ["new"]


def test_workers_and_jobs_that_are_gone_are_forgotten_while_their_host_is_in_use(gate, now, ask):
    for number in range(100):
        ask(worker=f"w{number}", job=f"j{number}", own=Pace(delay_s=1.0))
    assert len(gate._hosts["h"].jobs) == 100
    for _ in range(7):
        now[0] += 600
        ask(worker="new", job="new", call=int(now[0]), own=Pace(delay_s=1.0))
    assert list(gate._hosts["h"].workers) == ["new"]
    assert list(gate._hosts["h"].jobs) == ["new"]


def test_a_moment_that_is_no_exact_number_of_seconds_counts_as_the_whole_millisecond_it_means(now, ask):
    now[0] = 0.901
    ask(site=Pace(delay_s=0.1))
    now[0] = 1.001  # times 1000 it is a little less than 1001
    assert ask(call=2, keep=(1,), new_slots=(), site=Pace(delay_s=0.1)).starts == (0.0,)


def test_the_clock_of_the_process_is_taken_without_another():
    (permit,) = asyncio.run(MemoryGate().permit([PermitCall(host="h", worker="w", call=1, want=1, new_slots=(7,))]))
    assert permit.slots == (7,)
