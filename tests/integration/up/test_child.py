"""One child process: what it gets, what it leaves, and what is said of one that fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from children import READY, alive, child, supervised, until, until_gone

from crawler.errors import ChildFailed
from crawler.up import child as child_module
from crawler.up.probes import SaysLine
from crawler.up.spec import Answer, ChildSpec


@pytest.fixture
def supervise(tmp_path):
    return supervised(tmp_path)


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
        ("exit 1", r"a did not come up: it ended with status 1; it said nothing \(its log is .*a.log\)$"),
        ("kill -9 $$", r"a did not come up: it was ended by SIGKILL; its log is .*a.log$"),
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


def test_a_child_that_is_at_work_is_given_its_time_anew(supervise):
    class Loading:
        async def ask(self, started):
            loaded = time.monotonic() - began_s > 0.3
            return Answer(ready=loaded, at_work=not loaded)

    async def use(supervisor):
        await supervisor.start(child("a", ready=Loading(), ready_within_s=0.1))

    began_s = time.monotonic()
    supervise(use)
