"""Worker processes: `scrapy crawl` with our recipe on a shared job, or with the stock project; and ways to end them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from valkey_server import mortal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

#: Whatever does not happen within this time, in seconds, never will.
PATIENCE_S = 100.0

#: The site is ours and fast: no pauses, many requests at once. So many per domain that nobody misses the connections of
#: a dead worker, which stay reserved for 15 s.
SPEED = {
    "AUTOTHROTTLE_ENABLED": "0",
    "DOWNLOAD_DELAY": "0",
    "CONCURRENT_REQUESTS": "16",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "64",
    "ROBOTSTXT_OBEY": "0",
    "LOG_LEVEL": "INFO",
    "MEMUSAGE_ENABLED": "0",
}

#: A worker that is dead is noticed after so many seconds in these tests. It renews three times as often.
LEASE_TTL_S = 3.0


class Worker:
    """One process. Its log is a file; its requests carry its name as User-Agent."""

    def __init__(self, name: str, folder: Path, command: list[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._told: tuple[int, ...] = ()  # what it may end with, beside 0
        self.log_path = folder / f"{name}.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                mortal(*command),
                cwd=folder,
                env={**unmeasured(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @classmethod
    def of_job(
        cls,
        name: str,
        folder: Path,
        *,
        job: str,
        site: str,
        store: str,
        settings: Mapping[str, str] | None = None,
        spider: str = "big",
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """A worker of a shared job of ours."""
        options = {**SPEED, "REDIS_URL": store, "LEASE_TTL": f"{LEASE_TTL_S:g}", "USER_AGENT": name, **(settings or {})}
        command = ["-m", "scrapy", "crawl", spider, "-a", f"job={job}", "-a", f"site={site}"]
        own = {"SCRAPY_SETTINGS_MODULE": "crawler.settings", "RECIPES_PATH": str(HERE / "recipes")}
        own |= {"PYTHONPATH": str(HERE), "CRAWLERY_EXPORTS_DIR": str(folder / "out")}
        return cls(name, folder, [sys.executable, *command, *_options(options)], {**own, **(environment or {})})

    @classmethod
    def of_stock(cls, name: str, folder: Path, *, store: str) -> Self:
        """A worker of the stock project."""
        options = {**SPEED, "REDIS_URL": store, "USER_AGENT": name}
        own = {"SCRAPY_SETTINGS_MODULE": "stock_settings", "PYTHONPATH": str(HERE / "stock")}
        command = [sys.executable, "-m", "scrapy", "crawl", "stock", *_options(options)]
        return cls(name, folder, command, own)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Its exit status, once it has ended; -9 after SIGKILL."""
        return self.process.poll()

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def freeze(self) -> None:
        """SIGSTOP; returns when it stands still. What it has sent still arrives."""
        self.process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"{self.name} had ended:\n{self.log()[-3000:]}"

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    @property
    def left_well(self) -> bool:
        """Whether it has ended by itself, or as it was told to."""
        return self.process.returncode in (0, *self._told)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._told = (-signal.SIGKILL,)
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM, and its exit status."""
        self._told = (130,)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_S)

    def interrupt(self) -> int:
        """SIGINT, and its exit status."""
        self._told = (130,)
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_S)

    def finished(self) -> int:
        """Its exit status, once it has ended by itself.

        Raises:
            AssertionError: it does not; the message ends with its log.
        """
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} does not end:\n{self.log()[-3000:]}") from None


def unmeasured() -> dict[str, str]:
    """Our environment for a process whose coverage is not measured: it would be half as fast, and some are killed."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def _options(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]


def wait_until(holds: Callable[[], bool], *, what: str, patience_s: float = PATIENCE_S) -> None:
    """Asks every 10 ms.

    Raises:
        AssertionError: it never held.
    """
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def ends(holds: Callable[[], bool], *, moves: Callable[[], object], still_s: float) -> bool:
    """Whether it comes to hold; False when what `moves` answers has been the same for so many seconds."""
    seen, since = moves(), time.monotonic()
    while not holds():
        now = moves()
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > still_s:
            return False
        time.sleep(0.02)
    return True
