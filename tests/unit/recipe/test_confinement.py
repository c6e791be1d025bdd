"""Confined processes: what they may not do, they cannot; what they have started ends with them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from crawler.recipe.confinement import MIB, ConfinedLimits, run_command

#: What every program begins with, as the module of a check does.
CONFINED = """
import json, os, signal, sys, socket, subprocess, time
from crawler.recipe.confinement import ConfinedLimits, confine, leave_network
confine(ConfinedLimits(**json.loads(sys.argv[1])))
leave_network()
"""


@pytest.fixture
def run(tmp_path):
    """How a program ends that confines itself first."""

    def go(program, *, stop=None, **changes):
        limits = {"cpu_s": 1, "wall_s": 30.0, "memory_bytes": 256 * MIB, "file_bytes": MIB, "open_files": 32, **changes}
        command = [sys.executable, "-I", "-c", CONFINED + program, json.dumps(limits)]
        return run_command(command, folder=tmp_path, limits=ConfinedLimits(**limits), stop=stop)

    return go


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    return False


def test_what_it_writes_is_the_answer(run):
    assert run("print('hello')").answer == b"hello\n"


def test_it_has_no_environment_no_input_and_no_files_but_its_own(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "canary")
    with (tmp_path / "secret").open("w") as inherited:
        os.set_inheritable(inherited.fileno(), True)
        ended = run(
            "print(json.dumps([sorted(set(os.environ) - {'LC_CTYPE'}), sys.stdin.read(), os.getsid(0) == os.getpid(),"
            " [n for n in range(3, 256) if os.path.exists(f'/proc/self/fd/{n}')]]))"
        )
    assert json.loads(ended.answer) == [[], "", True, []]


def test_a_loop_without_end_ends_with_its_processor_time(run):
    ended = run("while True: pass")
    assert (ended.answer, ended.why_not) == (b"", "it takes more than 1 s of processor time")


def test_one_that_takes_no_processor_time_ends_when_its_time_is_over_even_if_it_ignores_signals(run):
    began = time.monotonic()
    ended = run("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(600)", wall_s=2.0)
    assert (ended.answer, ended.why_not) == (b"", "it takes longer than 2 s")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("then", ["time.sleep(600)", "pass", "os._exit(1)"])
def test_children_that_ignore_sigterm_end_with_it_however_it_ends(run, tmp_path, then):
    child = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    run(
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.DEVNULL)\n"
        f"open('pid', 'w').write(str(child.pid))\n{then}",
        wall_s=5.0, cpu_s=5,
    )  # fmt: skip
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_memory_is_refused_above_the_limit(run):
    ended = run("try: bytearray(10**9)\nexcept MemoryError: sys.exit(3)")
    assert ended.why_not == "it takes more than 256 MiB of memory"


def test_a_file_and_an_answer_may_be_so_large(run, tmp_path):
    ended = run("f = open('large', 'wb')\nwhile True: f.write(b'x' * 100_000)")
    assert "status 1" in ended.why_not
    assert "OSError" in ended.complaint or "File too large" in ended.complaint
    assert (tmp_path / "large").stat().st_size <= MIB
    ended = run("sys.stdout.write('x' * 3_000_000)", file_bytes=8 * MIB)
    assert (ended.answer, ended.why_not) == (b"", "its report has more than 2,097,152 bytes")


def test_so_many_files_and_no_more(run):
    ended = run("f = [open('/dev/null') for _ in range(64)]")
    assert "Too many open files" in ended.complaint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the network away")
def test_it_reaches_nobody_over_the_network(run):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.1)
        ended = run(
            f"""
for family, address in ((socket.AF_INET, ('127.0.0.1', {canary.getsockname()[1]})), (socket.AF_INET, ('1.1.1.1', 80))):
    s = socket.socket(family)
    s.settimeout(2)
    try:
        s.connect(address)
    except OSError as error:
        print(error.strerror)
"""
        )
        assert ended.answer == b"Network is unreachable\nNetwork is unreachable\n"
        with pytest.raises(TimeoutError):
            canary.accept()


def test_it_can_be_told_to_stop(run):
    stop = threading.Event()
    stop.set()
    ended = run("time.sleep(600)", stop=stop)
    assert ended.is_stopped


def test_one_that_dies_by_itself_is_told_by_its_signal(run):
    assert "signal 11" in run("os.kill(os.getpid(), 11)").why_not
