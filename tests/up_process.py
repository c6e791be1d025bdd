"""`crawlery up` as a process, in a folder of its own: started, killed with everything that stands on it, stopped."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from valkey_server import mortal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CRAWLERY = Path(sys.executable).with_name("crawlery")

#: Whatever does not happen within this time, in seconds, never will.
PATIENCE_S = 100.0

_SETTLED = re.compile(r"([\d,]+) found, ([\d,]+) settled")


#: The end of what `crawlery up` says when it is up.
_LAST_WORDS = "Ctrl-C stops everything in order."


class Platform:
    """`crawlery up` in a folder of its own, as often as it is started."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`options` of `crawlery up`, `settings` of its workers; `environment` for all that is started there."""
        self._options = [*options, *(word for pair in (settings or {}).items() for word in ("--set", "=".join(pair)))]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "up.log"
        foreign = ("AWS_", "S3_", "REDIS_", "STORAGE_", "COVERAGE_")  # measured, some of it would be half as fast
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self._environment = {**clean, "HOME": str(folder), "NO_COLOR": "1", **(environment or {})}

    def start(self) -> None:
        """Returns when it has said that it is up, and all else that it says then."""
        said = self.log().count(_LAST_WORDS)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                mortal(str(CRAWLERY), "up", *self._options),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: self.log().count(_LAST_WORDS) > said or not self.running, what="the platform")
        assert self.running, self.log()[-3000:]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def pids(self) -> list[int]:
        """The supervisor and all that stands on it."""
        assert self._process is not None
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, todo = [], [self._process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def kill_everything(self) -> int:
        """SIGKILL to every process; returns their number when all are gone."""
        assert self._process is not None
        pids = self.pids()
        for pid in pids:  # the first one takes the others with it, but who knows in which order
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="the end of all processes")
        return len(pids)

    def stop(self) -> None:
        """Ctrl-C, and nothing is left behind."""
        if not self.running:
            return
        pids = self.pids()
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(timeout=90) == 0, self.log()[-3000:]
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="the end of all processes")

    def crawlery(self, *words: str, code: int | None = 0) -> str:
        """What a command prints that is typed beside it."""
        done = subprocess.run(
            [str(CRAWLERY), *words],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        assert code in (None, done.returncode), done.stdout + done.stderr
        return done.stdout

    def settled(self, job: str) -> int:
        match = _SETTLED.search(self.crawlery("job", "status", job))
        return int(match[2].replace(",", "")) if match else 0


def wait_until(holds: Callable[[], bool], *, what: str) -> None:
    """Asks every 20 ms.

    Raises:
        AssertionError: it never held.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
