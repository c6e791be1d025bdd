"""The control API as processes, `crawlery api`: started, replaced, killed, asked over real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from api_people import PEPPERS
from valkey_server import mortal

if TYPE_CHECKING:
    from collections.abc import Mapping

CRAWLERY = Path(sys.executable).with_name("crawlery")

#: An API that does not come up, or go, in this time never will.
PATIENCE_S = 60.0


class ApiProcess:
    """One `crawlery api` on a port of its own. Start it from a thread that lives as long as it is needed."""

    def __init__(
        self,
        folder: Path,
        *,
        redis_url: str,
        storage: Mapping[str, str],
        workers: int = 1,
        threads: int = 16,
        **environment: str,
    ) -> None:
        """`storage`: STORAGE_URL and what belongs to it; `environment`: further variables."""
        self.url = ""
        self.log_file = folder / "api.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._command = ["api", "--port", "0", "--workers", str(workers), "--threads", str(threads)]
        foreign = ("AWS_", "S3_", "REDIS_", "STORAGE_", "API_", "COVERAGE_", "CRAWLERY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        said = {"REDIS_URL": redis_url, "API_KEY_PEPPERS": PEPPERS, "CRAWLERY_LOG_JSON": "true"}
        self._environment = {**clean, "HOME": str(folder), **said, **storage, **environment}
        self._process: subprocess.Popen[str] | None = None

    def start(self, *, wait: bool = True) -> str:
        """Its URL, when it listens and its first process answers; without `wait` it is "" until it listens."""
        self.url = ""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                mortal(str(CRAWLERY), *self._command),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if not wait:
            threading.Thread(target=self._hear_url, daemon=True).start()
            return ""
        self._hear_url()
        assert self.url, self.log()[-3000:]
        self.wait_until_it_answers()
        return self.url

    def _hear_url(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.startswith("{"):
            self.url = json.loads(line)["url"]

    def wait_until_it_answers(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no answer: {self.log()[-3000:]}")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else self._process.returncode

    @property
    def pid(self) -> int:
        """Of the process that has started the others."""
        assert self._process is not None, "not started"
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes that answer."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def replace_workers(self) -> None:
        """Tells it to start new processes, and to let the old ones finish what they have begun."""
        os.kill(self.pid, signal.SIGHUP)

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self._process is None:
            return
        pids = self.workers() if self._process.poll() is None else []
        for pid in (self.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(timeout=PATIENCE_S)
        self._close()
        return status

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def log(self) -> str:
        """What it has said so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")
