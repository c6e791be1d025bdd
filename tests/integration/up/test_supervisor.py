"""Children of one supervisor: their order, their restarts, and their end in every way."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from children import READY, alive, child, supervised, until, until_gone


@pytest.fixture
def supervise(tmp_path):
    return supervised(tmp_path)


def test_children_start_when_those_that_they_need_are_ready_and_stop_before_them(supervise):
    async def use(supervisor):
        await supervisor.start(
            child("node", needs=("store", "files"), outlived_by=("steward",)),
            child("steward", needs=("store",)),
            child("store", f"sleep 0.1; {READY}; exec sleep 60"),
            child("files", outlived_by=("store",)),
        )
        return {state.name: state.state for state in supervisor.states()}

    states, changes = supervise(use)
    assert states == dict.fromkeys(("node", "steward", "store", "files"), "ready")
    at = {change: number for number, change in enumerate(changes)}
    assert at["store", "ready"] < at["steward", "starting"]
    assert max(at["store", "ready"], at["files", "ready"]) < at["node", "starting"]
    assert at["node", "stopped"] < at["steward", "stopping"]
    assert at["node", "stopped"] < at["files", "stopping"] < at["files", "stopped"] < at["store", "stopping"]
    assert at["steward", "stopped"] < at["store", "stopping"]


def test_a_child_that_is_killed_is_started_again(supervise):
    async def use(supervisor):
        await supervisor.start(child("a"))
        first = supervisor.states()[0]
        supervisor.kill("a")
        await until(
            supervisor, lambda: supervisor.states()[0].restarts == 1 and supervisor.states()[0].state == "ready"
        )
        assert supervisor.states()[0].pid != first.pid
        assert not alive(first.pid)

    _, changes = supervise(use)
    assert changes[2] == ("a", "down")


def test_a_child_that_does_not_come_up_again_is_tried_again_and_again(supervise, tmp_path):
    flag = tmp_path / "broken"

    async def use(supervisor):
        await supervisor.start(child("a", f"test ! -e {flag} || exit 3; {READY}; exec sleep 60"))
        flag.touch()
        supervisor.kill("a")
        await until(supervisor, lambda: supervisor.states()[0].restarts >= 2)
        assert "it did not come up again; again in" in supervisor.states()[0].why or supervisor.states()[0].pid
        flag.unlink()
        await until(supervisor, lambda: supervisor.states()[0].state == "ready")

    supervise(use)


def test_all_can_be_killed_while_they_are_being_stopped(supervise):
    async def use(supervisor):
        script = f"trap '' TERM; {READY}; while :; do sleep 0.05; done"
        await supervisor.start(child("deaf", script, stop_within_s=60.0), child("other", needs=()))
        began_s = time.monotonic()
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0.05)
        supervisor.kill_all()
        await stopping
        assert time.monotonic() - began_s < 30

    supervise(use)


def test_children_that_start_are_ended_when_the_start_is_given_up(supervise):
    async def use(supervisor):
        start = asyncio.create_task(supervisor.start(child("a"), child("b", "exec sleep 60"), child("c", needs=("b",))))
        await until(
            supervisor, lambda: [state.state for state in supervisor.states()] == ["ready", "starting", "waiting"]
        )
        pids = [state.pid for state in supervisor.states() if state.pid]
        start.cancel()
        await asyncio.wait([start])
        return pids

    pids, _ = supervise(use)
    assert len(pids) == 2
    assert not [pid for pid in pids if alive(pid)]


def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from children import Supervisor, child

async def main():
    supervisor = Supervisor(logs=Path({str(tmp_path)!r}), environment={{"PATH": "/bin:/usr/bin"}})
    await supervisor.start(child("a"), child("b"))
    print(*(state.pid for state in supervisor.states()), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        process.send_signal(signal.SIGKILL)
    until_gone(pids)
