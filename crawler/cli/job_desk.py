"""What the commands on jobs ask for. The control API answers it (`job_desk_api`), or the store (`job_desk_store`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from crawler.jobs.model import Limits, Priority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crawler.cli.job_view import JobView
    from crawler.client.model import Failures, JobQuality, LearnedSeries, LogPage, Publication, Results


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A job as it is typed.

    Attributes:
        recipe: name or path.
        inputs: texts by name.
        limits: what it may use.
        key: the same key again is the same job; None = a job of its own.
        workers: at most so many at once.
        priority: among the jobs of its client.
        tags: to find it by.
    """

    recipe: str
    inputs: Mapping[str, str]
    limits: Limits
    key: str | None = None
    workers: int = 1
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsAsked:
    """Which records of logs are wanted: of that level or a higher one, with that text, of that worker or node."""

    level: str = "debug"
    text: str = ""
    worker: str = ""


class JobDesk(Protocol):
    """The calls. Each raises a CrawleryError or CommandFailed that says what is wrong, where, and what to do."""

    def submit(self, order: Order) -> tuple[str, bool]:
        """Id of the job, and whether it is new."""
        ...

    def replay(self, job_id: str, outcome: str, *, key: str | None) -> tuple[str, bool]:
        """Id of the job that fetches its pages again that came to an outcome, and whether it is new."""
        ...

    def newest(self, limit: int) -> Sequence[JobView]:
        """So many jobs, the newest first, without their books."""
        ...

    def view(self, job_id: str) -> JobView:
        """A job with its books and workers."""
        ...

    def failures(self, job_id: str, *, outcome: str = "") -> Failures:
        """Pages of it that could not be read, with one outcome if it is given: all that are kept by name."""
        ...

    def logs(
        self, job_id: str, asked: LogsAsked, *, limit: int, before: str | None = None, after: str | None = None
    ) -> LogPage:
        """Records of its logs: the newest, those before a place, or those behind one."""
        ...

    def pause(self, job_id: str) -> None:
        """Gives out no more pages until `resume`."""
        ...

    def resume(self, job_id: str) -> None:
        """Lets it go on."""
        ...

    def cancel(self, job_id: str) -> int:
        """Ends it; how many pages are in work still."""
        ...

    def watch(self, job_id: str) -> int:
        """Shows it until it has ended; the exit status that says how."""
        ...

    def results(self, job_id: str, *, expires_s: int, withheld: bool) -> Results:
        """Its files as links, or the pieces that it has so far; with `withheld` also those that nobody should use."""
        ...

    def download(self, job_id: str, folder: Path, *, withheld: bool) -> None:
        """Writes its files into a folder, each whole or not at all, and says so."""
        ...

    def quality(self, job_id: str) -> JobQuality | None:
        """What a job was judged by; None of one that has not ended, or whose files are not known here."""
        ...

    def learned(self, recipe: str) -> Sequence[LearnedSeries]:
        """Where the next runs of a recipe should be: by inputs, the newest first."""
        ...

    def publish(self, job_id: str, reason: str) -> Publication:
        """Publishes files that are withheld; who has done it, which may be somebody before."""
        ...
