"""Small shell scripts as children of a supervisor, for tests of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

from crawler.up.probes import SaysLine
from crawler.up.spec import ChildSpec, Restart
from crawler.up.supervisor import Supervisor

READY = """echo '{"up": 1}'"""
QUICK = Restart(first_s=0.02, longest_s=0.1)


def child(name, script=f"{READY}; exec sleep 60", **more):
    """A shell script as a child; it is ready when it says so."""
    given = {"ready": SaysLine(key="up"), "restart": QUICK, "stop_within_s": 5.0, **more}
    return ChildSpec(name=name, command=("/bin/sh", "-c", script), **given)


def alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_gone(pids):
    deadline_s = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < deadline_s, pids
        time.sleep(0.01)


async def until(supervisor, condition, patience_s=20.0):
    async with asyncio.timeout(patience_s):
        while not condition():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(supervisor.changed(), 0.05)


def supervised(logs):
    """Runs `use(supervisor)` with a supervisor whose children are then stopped; returns its result, and the changes."""

    def run(use, **environment):
        changes = []

        async def main():
            supervisor = Supervisor(
                logs=logs,
                environment={"PATH": os.environ["PATH"], **environment},
                on_change=lambda state: changes.append((state.name, state.state)),
            )
            try:
                result = await use(supervisor)
            finally:
                await supervisor.stop()
            assert not [state for state in supervisor.states() if state.pid is not None]
            return result

        return asyncio.run(main()), changes

    return run
