"""A wall clock that jumps under processes of ours, and what does not jump with it."""

import json
import os
import subprocess
import sys

import pytest
from preloads import together
from valkey_server import mortal
from wall_clock import Clock

HOUR_S = 3_600

#: Answers each line with what clocks say: of itself, of a thread, and of a process that it has forked in the beginning.
TELLS = """
import asyncio, datetime, json, os, sys, threading, time

def clocks():
    return {"wall": time.time(), "date": datetime.datetime.now(datetime.UTC).timestamp(), "mono": time.monotonic()}

ask, asked = os.pipe()
answer, answered = os.pipe()
if os.fork() == 0:
    os.close(asked)
    while os.read(ask, 1):
        os.write(answered, json.dumps(clocks()).encode())
    os._exit(0)
os.close(ask)

async def main():
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        os.write(asked, b"?")
        forked = json.loads(os.read(answer, 1000))
        began = time.monotonic()
        await asyncio.sleep(0.05)
        slept = time.monotonic() - began
        thread = await asyncio.to_thread(clocks)
        print(json.dumps({"own": clocks(), "thread": thread, "forked": forked, "slept": slept}), flush=True)

asyncio.run(main())
"""


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def tell(clock):
    """Asks a process with the clock; it has told its right time once."""
    process = subprocess.Popen(
        mortal(sys.executable, "-c", TELLS),
        env=together(os.environ, clock.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask():
        process.stdin.write("?\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.communicate(timeout=20)


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S, 0.5])
def test_a_jump_is_seen_by_a_process_its_threads_and_its_forks_and_no_timer_notices(tell, clock, seconds):
    before = tell()
    clock.jump(seconds)
    assert clock.ahead_s == seconds
    after = tell()
    for who in ("own", "thread", "forked"):
        for what in ("wall", "date"):
            passed = after[who]["mono"] - before[who]["mono"]
            assert after[who][what] - before[who][what] - passed == pytest.approx(seconds, abs=0.1)
        assert 0 <= passed < HOUR_S / 2
    assert 0.04 < after["slept"] < HOUR_S / 2
    clock.set_ahead(0)
    again = tell()
    assert again["own"]["wall"] - before["own"]["wall"] < HOUR_S / 2


def test_a_process_is_started_with_the_clock_as_it_is(clock, tmp_path):
    clock.jump(-HOUR_S)
    told = subprocess.run(
        ["date", "+%s"],
        env=together(os.environ, clock.environment),
        capture_output=True,
        check=True,
        timeout=20,
    )
    right = subprocess.run(["date", "+%s"], capture_output=True, check=True, timeout=20)
    assert int(right.stdout) - int(told.stdout) == pytest.approx(HOUR_S, abs=20)
