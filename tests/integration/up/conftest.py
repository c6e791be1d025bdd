"""`crawlery up` as a person types it, with stand-ins for stewards and nodes, and what it leaves behind."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from children import alive

UP = Path(__file__).with_name("up_with_stand_ins.py")

#: So long may anything take on a machine that is busy.
PATIENCE_S = 60.0

#: Of the environment of whoever runs the tests, nothing may name a server.
_FOREIGN = re.compile(r"REDIS_|STORAGE_|S3_|AWS_|CRAWLERY_|STAND_IN")


def wait_until(condition, what):
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, what()
        time.sleep(0.02)


_NUMBERS = itertools.count(1)


class Up:
    """One run of the command in a folder."""

    def __init__(self, cwd, *options, command=(), stdin=subprocess.DEVNULL, **environment):
        """`command` is put before it."""
        self.cwd = cwd
        self.data = cwd / "crawlery-data"
        self._output = cwd / f"up-{next(_NUMBERS)}.out"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, sys.executable, str(UP), *options],
                cwd=cwd,
                env={**_inherited(), **environment},
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self):
        return self._output.read_text()

    @property
    def pids(self):
        """Of all children that have been started, by name; the last one of each."""
        return {name: int(pid) for name, pid in re.findall(r"  (\S+) +starting .*pid (\d+)", self.output)}

    def until_said(self, pattern):
        """Returns when a line says so."""
        wait_until(
            lambda: re.search(pattern, self.output, re.MULTILINE) or self.process.poll() is not None,
            lambda: self.output,
        )
        assert re.search(pattern, self.output, re.MULTILINE), self.output

    def until_up(self):
        self.until_said("^The platform is up")
        return self

    def reach(self):
        """What `platform.env` says, as it is written there."""
        lines = (self.data / "platform.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    def crawlery(self, *arguments):
        """Another command, typed in the same folder."""
        command = [sys.executable, "-m", "crawler.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.cwd, env=_inherited())

    def sockets(self):
        """Those that SeaweedFS puts into /tmp, for the ports of this data folder."""
        ports = json.loads((self.data / "state.json").read_text())["ports"].values() if self.data.exists() else ()
        found = Path("/tmp").glob("seaweedfs-*-grpc-*.sock")
        return [
            path for path in found if int(path.stem.rpartition("-")[2]) in (*ports, *(port + 10_000 for port in ports))
        ]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit status."""
        return self.process.wait(timeout=PATIENCE_S)

    def stop(self):
        """Ctrl-C; its exit status."""
        self.signal(signal.SIGINT)
        return self.wait()

    def kill_everything(self):
        """SIGKILL to the supervisor and all children, as if the machine had lost its power."""
        pids = [self.process.pid, *self.pids.values()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_S)
        self.until_nothing_runs()

    def until_nothing_runs(self):
        wait_until(lambda: not self.running(), lambda: f"still there: {self.running()}\n{self.output}")

    def running(self):
        return {name: pid for name, pid in self.pids.items() if alive(pid)}


def _remove(paths):
    for path in paths:
        path.unlink(missing_ok=True)


def _inherited():
    return {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}


@pytest.fixture
def up(tmp_path):
    """Starts the command: `up("--nodes", "1", REDIS_URL="...")`, all in one folder unless `cwd` says another."""
    started = []

    def start(*options, cwd=tmp_path, **environment):
        started.append(Up(cwd, *options, **environment))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.kill_everything()
            _remove(run.sockets())


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One platform for tests that only look at it."""
    foreign = {
        "AWS_SESSION_TOKEN": "another",
        "S3_PUBLIC_ENDPOINT_URL": "http://other",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "EGRESS_ALLOW": "10.1.0.0/16",
    }
    run = Up(tmp_path_factory.mktemp("up"), "--demo", **foreign)
    try:
        yield run.until_up()
    finally:
        run.kill_everything()
        _remove(run.sockets())
