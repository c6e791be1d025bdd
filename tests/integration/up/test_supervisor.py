from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.errors import ChildFailed
from crawler.up import child as child_module
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


@pytest.fixture
def supervise(tmp_path):
    """Runs `use(supervisor)` with a supervisor whose children are then stopped; returns its result, and the changes."""

    def run(use, **environment):
        changes = []

        async def main():
            supervisor = Supervisor(
                logs=tmp_path,
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


def test_what_a_child_has_started_is_gone_when_it_has_ended(supervise):
    async def use(supervisor):
        await supervisor.start(child("a", f"sleep 60 & echo $!; {READY}; wait"))
        grandchild = int(supervisor.log("a").read_text().split()[0])
        assert alive(grandchild)
        return grandchild

    grandchild, _ = supervise(use)
    until_gone([grandchild])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo one; echo two >&2; exit 7",
            "a did not come up: it ended with status 7; the end of .*a.log:\n  one\n  two$",
        ),
        ("kill -9 $$", r"a did not come up: it was ended by SIGKILL; it said nothing \(its log is .*a.log\)"),
        ("echo hm; exec sleep 60", r'a is not ready after 0.3 s \(it has printed no line {"up": ...}\); the end of'),
    ],
)
def test_a_child_that_does_not_come_up_at_first_is_an_error_with_its_last_words(supervise, script, message):
    async def use(supervisor):
        with pytest.raises(ChildFailed, match=message):
            await supervisor.start(child("b"), child("a", script, ready_within_s=0.3), child("c", needs=("a",)))
        return {state.name: state for state in supervisor.states()}

    states, _ = supervise(use)
    assert (states["a"].state, states["a"].pid) == ("failed", None)
    assert states["c"].state == "waiting"


def test_a_program_that_is_not_there_is_an_error(supervise):
    async def use(supervisor):
        spec = ChildSpec(name="a", command=("/no/such",), ready=SaysLine(key="up"), folder=Path("/no/folder"))
        with pytest.raises(ChildFailed, match=r"a cannot be started: .*No such file or directory: '/no/folder'"):
            await supervisor.start(spec)

    supervise(use)


def test_a_child_that_does_not_listen_is_killed_when_its_time_is_over(supervise, caplog):
    async def use(supervisor):
        await supervisor.start(child("deaf", f"trap '' TERM; {READY}; while :; do sleep 0.05; done", stop_within_s=0.2))

    supervise(use)
    assert "deaf did not end within 0.2 s: killed" in caplog.text


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


def test_a_file_that_a_killed_child_would_leave_is_removed(supervise, tmp_path):
    left = tmp_path / "socket"

    async def use(supervisor):
        await supervisor.start(child("a", f"touch {left}; {READY}; exec sleep 60", leaves=(left,)))
        assert left.exists()

    supervise(use)
    assert not left.exists()


def test_children_get_the_environment_that_is_theirs_and_no_input(supervise):
    async def use(supervisor):
        script = f"echo $COMMON-$OWN-$HOME; cat; {READY}; exec sleep 60"
        await supervisor.start(child("a", script, environment={"OWN": "own"}))
        return supervisor.log("a").read_text().splitlines()[0]

    said, _ = supervise(use, COMMON="common")
    assert said == "common-own-"


def test_a_log_is_for_its_owner_and_is_put_aside_when_it_is_large(supervise, tmp_path, monkeypatch):
    monkeypatch.setattr(child_module, "_LOG_BYTES", 20)

    async def use(supervisor):
        await supervisor.start(child("a", f"echo 'many many words'; {READY}; exec sleep 60"))
        supervisor.kill("a")
        await until(
            supervisor, lambda: supervisor.states()[0].restarts == 1 and supervisor.states()[0].state == "ready"
        )

    supervise(use)
    assert (tmp_path / "a.log").read_text() == (tmp_path / "a.log.1").read_text() == 'many many words\n{"up": 1}\n'
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600


def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_supervisor import Supervisor, child

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
