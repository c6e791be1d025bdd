"""`crawlery node` as a process: where it listens, what it answers, and ways to end it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from node_jobs import PATIENCE_S, wait_until
from valkey_server import mortal

if TYPE_CHECKING:
    from collections.abc import Mapping

CRAWLERY = Path(sys.executable).parent / "crawlery"

#: The site is ours.
FAST = {"AUTOTHROTTLE_ENABLED": "0", "DOWNLOAD_DELAY": "0", "ROBOTSTXT_OBEY": "0", "MEMUSAGE_ENABLED": "0"}
# So many per domain that nobody misses the connections of a dead worker, which stay reserved for 15 s.
FAST |= {"CONCURRENT_REQUESTS": "4", "CONCURRENT_REQUESTS_PER_DOMAIN": "32"}


class Answer(NamedTuple):
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class NodeProcess:
    """Started in `folder`; its log is a file there."""

    def __init__(
        self,
        folder: Path,
        store: str,
        *,
        name: str = "alpha",
        slots: int = 2,
        environment: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        **settings: Any,
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir(exist_ok=True)
        self.user: tuple[str, str] | None = None
        words = [word for key, value in {**FAST, **settings}.items() for word in ("-s", f"{key}={value}")]
        words += ["--name", name, "--port", "0", "--slots", str(slots), "--dir", str(self.folder)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                mortal(sys.executable, str(CRAWLERY), "node", *words, *options),
                env={**unmeasured(), "REDIS_URL": store, **(environment or {})},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self.process.stdout.readline()
        if not line:
            self.finished()
            raise AssertionError(self.log())
        self.url = json.loads(line)["url"]

    @property
    def _log(self) -> Path:
        return self.folder / "node.log"

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ask(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """GET, or POST of a form."""
        data = None if form is None else urllib.parse.urlencode(form, doseq=True).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data=data, headers=headers)
        if self.user is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(self.user).encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    def workers(self) -> list[int]:
        """Processes of the workers that run, as the node lists them."""
        return [entry["pid"] for entry in self.ask("listjobs.json").json["running"]]

    def wait_for_workers(self, count: int = 1) -> list[int]:
        wait_until(lambda: len(self.workers()) >= count, what=f"{count} workers")
        return self.workers()

    def family(self) -> list[int]:
        """The node, its fork server and its workers, as the kernel knows them."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (stat := _read(entry / "stat")):
                parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return sorted(family)

    def finished(self) -> int:
        """Its exit status."""
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log()[-5000:]}") from None
        finally:
            self.process.stdout.close()

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.finished()

    def kill(self) -> None:
        self.process.kill()
        self.finished()

    def worker_log(self, job: str) -> str:
        return "".join(_read(path) for path in sorted(self.folder.glob(f"logs/crawlery/*/{job}.*.log")))


def unmeasured() -> dict[str, str]:
    """Our environment, without what measures coverage: workers are forked and killed."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    return bool(stat) and stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def schedule(alpha: NodeProcess, **form: str) -> Any:
    """Orders the recipe `items`, or what the form says."""
    return alpha.ask("schedule.json", {"project": "crawlery", "spider": "items", **form}).json
