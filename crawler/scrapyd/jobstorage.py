"""Workers of this node that have ended, in a file: Scrapyd's console lists them after a restart, too.

What counts about a job is in the store; this list is for whoever looks at the node, and goes with it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scrapyd.interfaces import IJobStorage
from zope.interface import implementer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.scrapyd.config import ScrapydConfig

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS ended (
    seat TEXT PRIMARY KEY, project TEXT, spider TEXT, job TEXT, pid INTEGER, start_time TEXT, end_time TEXT,
    exit_code INTEGER, signal INTEGER, log TEXT
)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedWorker:
    """One process, with the attributes that Scrapyd's console expects. Times are naive and local, as Scrapyd's.

    Attributes:
        seat: token of the seat that it had.
        project: always the same.
        spider: name of the recipe or the spider.
        job: its job's id.
        pid: of the process that was.
        start_time: when it was started.
        end_time: when its end was seen.
        exit_code: None if it was ended by a signal.
        signal: number of the signal that has ended it.
        log: its log, below the folder of logs.
    """

    seat: str
    project: str
    spider: str
    job: str
    pid: int
    start_time: datetime
    end_time: datetime
    exit_code: int | None
    signal: int | None
    log: str

    @property
    def how(self) -> str:
        """How it ended, in two words."""
        return f"signal {self.signal}" if self.signal is not None else f"exit {self.exit_code}"


@implementer(IJobStorage)
class EndedWorkers:
    """The newest so many; logs of those that are forgotten are removed."""

    def __init__(self, config: ScrapydConfig) -> None:
        self._logs = Path(config.get("logs_dir"))
        self._most = config.getint("finished_to_keep")
        folder = Path(config.get("dbs_dir"))
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "ended.db", isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")  # a list to look at is not worth waiting for a disk
        self._database.execute(_TABLE)

    def add(self, job: EndedWorker) -> None:
        """One more."""
        times = (job.start_time.isoformat(), job.end_time.isoformat())
        values = (job.seat, job.project, job.spider, job.job, job.pid, *times, job.exit_code, job.signal, job.log)
        self._database.execute("INSERT OR REPLACE INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        old = "FROM ended WHERE seat NOT IN (SELECT seat FROM ended ORDER BY end_time DESC LIMIT ?)"
        for (log,) in self._database.execute(f"SELECT log {old}", (self._most,)).fetchall():
            with suppress(OSError):
                (self._logs / log).unlink()
        self._database.execute(f"DELETE {old}", (self._most,))

    def list(self) -> list[EndedWorker]:
        """All that are kept, the newest first."""
        return [*self]

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM ended").fetchone()
        return int(count)

    def __iter__(self) -> Iterator[EndedWorker]:
        for row in self._database.execute("SELECT * FROM ended ORDER BY end_time DESC").fetchall():
            seat, project, spider, job, pid, start_time, end_time, exit_code, signal, log = row
            yield EndedWorker(
                seat=seat,
                project=project,
                spider=spider,
                job=job,
                pid=pid,
                start_time=datetime.fromisoformat(start_time),
                end_time=datetime.fromisoformat(end_time),
                exit_code=exit_code,
                signal=signal,
                log=log,
            )
