"""Faults happen to a process of their own here: most of them end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import timeit
from pathlib import Path

import pytest
from valkey_server import mortal

from crawler import faults
from crawler.errors import ConfigError

PATIENCE_S = 60.0

#: Comes to points; a fault of a connection is told, and the process goes on.
PRELUDE = """
import os, sys
from crawler import faults

def come(*points):
    for point in points:
        try:
            faults.at(point)
        except ConnectionResetError as error:
            print(f"broken: {error}\\n", end="", flush=True)  # in one piece: others write, too
"""


class Process:
    """A process that runs a few lines; `fault` is its CRAWLERY_FAULT."""

    def __init__(self, lines: str, *, fault: str | Path = "", be: str = "worker") -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CRAWLERY_", "COV"))}
        if fault:
            environment["CRAWLERY_FAULT"] = str(fault)
        self.process = subprocess.Popen(
            mortal(sys.executable, "-c", f"{PRELUDE}\nfaults.be({be!r})\n{lines}"),
            env=environment,
            cwd=Path(faults.__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self) -> tuple[int, str, str]:
        """Its status, what it has printed, and what it has logged."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


def ended(lines: str, **options) -> tuple[int, str, str]:
    return Process(lines, **options).ended()


def arm(folder: Path, name: str, content: object) -> None:
    """As whoever arms a fault should: the file is there as a whole, or not at all."""
    armed = folder / faults.ARMED
    armed.mkdir(parents=True, exist_ok=True)
    spool = armed / f".{name}"
    spool.write_text(content if isinstance(content, str) else json.dumps(content))
    spool.replace(armed / name)


def fired(folder: Path) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in (folder / faults.FIRED).glob("*.json")}


# --- without it -------------------------------------------------------------------------------------------------------

UNSAID = """
from crawler.fault_points import POINTS
import crawler.faults
crawler.faults.read_fault = lambda: sys.exit("the environment is read again")
events = []
sys.addaudithook(lambda event, arguments: events.append(event))
for point in POINTS:
    faults.at(point)
faults.at("no such point")
faults.read_once()
seen = [event for event in events if not event.startswith("object.")]
print(seen, faults.is_on())
"""


def test_without_the_variable_nothing_is_looked_at_and_nothing_said():
    assert ended(UNSAID) == (0, "[] False\n", "")


def test_without_the_variable_a_point_costs_next_to_nothing(show):
    times = 100_000
    seconds = min(timeit.repeat(lambda: faults.at("commit.call"), number=times, repeat=3))
    show(f"a fault point without CRAWLERY_FAULT: {seconds / times * 1e9:.0f} ns")
    assert not faults.is_on()


# --- a list -----------------------------------------------------------------------------------------------------------


def test_kill_ends_the_process_at_the_nth_time_and_not_before():
    status, out, err = ended(
        "come('commit.reply', 'fetch')\nprint('once', flush=True)\ncome('commit.reply')\nprint('twice')",
        fault="commit.reply:2:kill",
    )
    assert (status, out) == (-signal.SIGKILL, "once\n")
    assert "kill at commit.reply" in err


HANGS = """
import threading, time
def beat():
    while True:
        time.sleep(0.001)
threading.Thread(target=beat, daemon=True).start()
threading.Thread(target=come, args=["lease.reply"]).start()
"""


def test_hang_stops_all_threads_until_somebody_continues_the_process():
    hanging = Process(HANGS, fault="lease.reply:1:hang")
    _, status = os.waitpid(hanging.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert os.WSTOPSIG(status) == signal.SIGSTOP
    tasks = Path(f"/proc/{hanging.process.pid}/task")
    states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks.iterdir()]
    assert len(states) >= 3
    assert set(states) == {"T"}
    hanging.process.send_signal(signal.SIGCONT)
    assert hanging.ended()[0] == 0


@pytest.mark.parametrize(("point", "kind"), [("commit.call", "error"), ("commit.reply", "drop-reply")])
def test_a_connection_breaks_once_and_the_process_goes_on(point, kind):
    status, out, _ = ended(f"come({point!r}, {point!r}, {point!r})", fault=f"{point}:2:{kind}")
    assert (status, out) == (0, f"broken: {kind} at {point}, as CRAWLERY_FAULT says\n")


def test_several_faults_are_counted_each_by_its_own_point():
    _, out, _ = ended(
        "come('lease.call', 'fetch', 'lease.call', 'fetch')",
        fault="lease.call:2:error, fetch:1:error, lease.call:1:error",
    )
    assert [line.split()[3].strip(",") for line in out.splitlines()] == ["lease.call", "fetch", "lease.call"]


def test_a_process_that_has_it_says_so_when_it_begins():
    _, _, err = ended("", fault="fetch:1:kill")
    assert err == "CRAWLERY_FAULT=fetch:1:kill: this process fails on purpose, which is for tests only\n"


FORKED = """
come("commit.call")
if os.fork() == 0:
    faults.be("worker")
    come("commit.call")
    print("once", flush=True)
    come("commit.call")
    os._exit(0)
os.wait()
"""


def test_a_process_that_was_forked_counts_for_itself():
    _, out, _ = ended(FORKED, fault="commit.call:2:error", be="node")
    assert out == "once\nbroken: error at commit.call, as CRAWLERY_FAULT says\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("commit:1:kill", "'commit:1:kill': there is no point 'commit'; docs/faults.md lists them"),
        ("fetch:1:burn", "there is no kind 'burn'; one of kill, hang, error, drop-reply"),
        ("fetch:0:kill", "0 is no number of a time; they are counted from 1"),
        ("fetch:x:kill", "'x' is no number of a time"),
        ("fetch:-1:kill", "'-1' is no number of a time"),
        ("fetch:kill", "'fetch:kill': it is no fault; write POINT:NTH:KIND, or the path of a folder"),
        ("commit.call:1:drop-reply", "drop-reply cannot happen there; one of kill, hang, error"),
        ("commit.reply:1:error", "error cannot happen there; one of kill, hang, drop-reply"),
        ("worker.spawned:1:error", "error cannot happen there; one of kill, hang"),
        ("fetch:1:kill,", "'': it is no fault"),
        ("/proc/none", "/proc/none cannot be used"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch, text, message):
    monkeypatch.setenv("CRAWLERY_FAULT", text)
    with pytest.raises(ConfigError) as caught:
        faults.be("worker")
    assert message in str(caught.value)
    assert "environment: CRAWLERY_FAULT" in str(caught.value)
    monkeypatch.delenv("CRAWLERY_FAULT")
    faults.be("worker")


def test_all_that_cannot_be_used_is_named_at_once(monkeypatch):
    monkeypatch.setenv("CRAWLERY_FAULT", "a:1:kill,fetch:1:hang,fetch:1:b")
    with pytest.raises(ConfigError) as caught:
        faults.be("worker")
    assert len(str(caught.value).splitlines()) == 2
    monkeypatch.delenv("CRAWLERY_FAULT")
    faults.be("worker")


# --- a folder ---------------------------------------------------------------------------------------------------------

#: Forks, and lets all of them come to the point at once, until nothing is armed any more.
RACES = """
import pathlib
armed = pathlib.Path(os.environ["CRAWLERY_FAULT"]) / "armed"
start, go = os.pipe()
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        os.close(go)
        faults.be("worker")
        os.read(start, 1)
        while any(armed.iterdir()):
            come("fetch")
        os._exit(0)
    children.append(child)
os.close(go)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_exactly_one_of_many_processes_claims_each_fault(tmp_path):
    names = [f"{number:03}" for number in range(200)]
    for name in names:
        arm(tmp_path, name, {"point": "fetch", "kind": "error", "nth": 1, "process": "any"})
    _, out, _ = ended(RACES, fault=tmp_path, be="node")
    lines = out.splitlines()
    assert lines[-1] == str([0] * 8)
    assert lines[:-1] == ["broken: error at fetch, as CRAWLERY_FAULT says"] * len(names)
    reports = fired(tmp_path)
    assert sorted(reports) == names
    assert len({report["pid"] for report in reports.values()}) > 1, "there was no race"


def test_what_has_fired_is_written_down_whole_before_it_happens(tmp_path):
    arm(tmp_path, "a", {"point": "commit.reply", "kind": "kill", "process": "worker"})
    before = time.time()
    process = Process("come('commit.reply')", fault=tmp_path)
    assert process.ended()[0] == -signal.SIGKILL
    report = fired(tmp_path)["a"]
    assert before <= report.pop("at_s") <= time.time()
    assert report == {"point": "commit.reply", "kind": "kill", "pid": process.process.pid, "process": "worker"}
    assert sorted(path.name for path in (tmp_path / faults.FIRED).iterdir()) == ["a", "a.json"]
    assert not any((tmp_path / faults.ARMED).iterdir())


ARMED_LATER = """
import json, pathlib
come("fetch", "fetch")
armed = pathlib.Path(os.environ["CRAWLERY_FAULT"]) / "armed"
(armed / "later").write_text(json.dumps({"point": "fetch", "kind": "error", "nth": 2}))
come("fetch")
print("once", flush=True)
come("lease.call", "fetch", "fetch")
"""


def test_a_fault_counts_from_when_a_process_has_seen_it(tmp_path):
    _, out, _ = ended(ARMED_LATER, fault=tmp_path)
    assert out == "once\nbroken: error at fetch, as CRAWLERY_FAULT says\n"


def test_a_fault_of_another_process_is_left_to_it(tmp_path):
    arm(tmp_path, "a", {"point": "read.call", "kind": "error", "process": "steward"})
    assert ended("come('read.call', 'read.call')", fault=tmp_path, be="api")[1] == ""
    assert (tmp_path / faults.ARMED / "a").exists()
    assert "broken" in ended("come('read.call')", fault=tmp_path, be="steward")[1]


@pytest.mark.parametrize(
    "content",
    [
        '{"point": "fetch", "ki',
        "[1]",
        {"point": "fetch", "kind": "burn"},
        {"point": "fetch", "kind": "error", "nth": "1"},
        {"point": "fetch", "kind": "error", "nth": True},
        {"point": "fetch", "kind": "error", "process": "site"},
        {"point": "fetch", "kind": "error", "times": 1},
        {"kind": "error"},
    ],
)
def test_a_file_that_is_broken_is_told_of_once_and_does_not_hinder_others(tmp_path, content):
    arm(tmp_path, "a-broken", content)
    arm(tmp_path, "b-good", {"point": "fetch", "kind": "error", "nth": 2})
    status, out, err = ended("come('fetch', 'fetch')", fault=tmp_path)
    assert (status, out.count("broken")) == (0, 1)
    assert err.count("a-broken is no fault") == 1
    assert (tmp_path / faults.ARMED / "a-broken").exists()


CORRECTED = """
import pathlib
come("fetch")
armed = pathlib.Path(os.environ["CRAWLERY_FAULT"]) / "armed" / "a"
armed.write_text('{"point": "fetch", "kind": "error"}')
come("fetch")
"""


def test_a_file_that_is_corrected_counts(tmp_path):
    arm(tmp_path, "a", "{}")
    assert "broken: error at fetch" in ended(CORRECTED, fault=tmp_path)[1]


def test_a_folder_that_goes_away_arms_nothing(tmp_path):
    lines = "import shutil\nshutil.rmtree(os.environ['CRAWLERY_FAULT'])\ncome('fetch')\nprint('well')"
    assert ended(lines, fault=tmp_path / "faults")[:2] == (0, "well\n")
