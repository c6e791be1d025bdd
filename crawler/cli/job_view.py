"""A job as commands show it, whoever has told of it: the control API, or the store itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from crawler.cli import console, exits
from crawler.cli.progress import ProgressDisplay, Snapshot
from crawler.frontier.contract import Ledger
from crawler.jobs.model import Outcome, State
from crawler.jobs.outcomes import HARMLESS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: So many failures are named by `status`; more are counted.
_FAILURES_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerView:
    """A process that has worked on a job: how it ended, in words; whether in order; the end of its log, if told."""

    name: str
    how: str
    is_running: bool
    in_order: bool
    last_words: tuple[str, ...] = ()


class Replayed(Protocol):
    """Pages of another job that came to an outcome there."""

    @property
    def job(self) -> str:
        """Its id."""
        ...

    @property
    def outcome(self) -> str:
        """What they came to."""
        ...


def crawled(what: str, replay: Replayed | None) -> str:
    """What a job crawls: a recipe or a spider, or of it the pages that another job could not read."""
    return what if replay is None else f"{what}, {replay.outcome} of {replay.job} again"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobView:
    """A job. Times are seconds since 1970.

    Attributes:
        id: of the job.
        crawls: see `crawled`.
        state: a word of `State`, or a newer one.
        intended: what it is to come to; "" while it takes pages.
        outcome: what its files are worth; "" before its end.
        why: one sentence; may be "".
        accepted_s: when it was.
        since_s: when it began, or was accepted.
        books: of its pages; those of nothing where they were not asked for.
        workers: the processes that have worked on it, the oldest first.
    """

    id: str
    crawls: str
    state: str
    intended: str
    outcome: str
    why: str
    accepted_s: float
    since_s: float
    books: Ledger = field(default_factory=Ledger)
    workers: tuple[WorkerView, ...] = ()

    @property
    def described(self) -> str:
        """Its state, and what it is to come to, or what has come of it."""
        if self.outcome:
            return f"{self.state}, {self.outcome}"
        return self.state + (f", to {self.intended}" if self.intended else "")

    @property
    def accepted(self) -> str:
        """When it was, UTC."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.accepted_s))


def status_lines(job: JobView) -> list[str]:
    """What `status` says below its first line."""
    books = job.books
    lines = [f"  accepted  {job.accepted} UTC"]
    if job.why:
        lines.append(f"  why       {job.why}")
    if books.closed:
        lines.append("  closed    takes no more pages" + ("" if books.closed == "finished" else f": {books.closed}"))
    settled = sum(books.settled.values())
    lines.append(f"  pages     {books.accepted:,} found, {settled:,} settled (`start` is one of them)")
    open_pages = {
        "in work": books.leased,
        "ready": books.ready,
        "waiting for another try": books.delayed,
        "parked (no worker so far can read them)": books.parked,
    }
    if any(open_pages.values()):
        lines.append(f"  open      {', '.join(f'{count:,} {what}' for what, count in open_pages.items() if count)}")
    if books.staged:
        lines.append(f"  staged    {console.plural(books.staged, 'link')} of very large pages, not looked at yet")
    lines += [f"  {outcome:<9} {count:,}" for outcome, count in sorted(books.settled.items())]
    lines += [f"  retries   {books.retries:,}"] if books.retries else []
    lines += [f"  rows      {item} {count:,}" for item, count in sorted(books.rows.items())]
    for failure in books.failures[:_FAILURES_SHOWN]:
        reason = f" ({failure.reason})" if failure.reason else ""
        lines.append(f"  failed    {failure.url or 'a page'}: {failure.outcome}{reason}")
    if len(books.failures) > _FAILURES_SHOWN:
        lines.append(f"  failed    ... and {len(books.failures) - _FAILURES_SHOWN:,} more")
    return [*lines, *_worker_lines(job.workers)]


def _worker_lines(workers: tuple[WorkerView, ...]) -> list[str]:
    """Those that run, how many ended in order, and each that did not."""
    lines = [f"  worker    {worker.name}: running" for worker in workers if worker.is_running]
    in_order = sum(worker.in_order for worker in workers)
    lines += [f"  worker    {in_order:,} ended in order"] if in_order else []
    for worker in workers:
        if not worker.is_running and not worker.in_order:
            lines.append(
                f"  worker    {worker.name}: {worker.how}" + ("; its last words:" if worker.last_words else "")
            )
            lines += [f"            {line}" for line in worker.last_words]
    return lines


class Watching:
    """Shows a job again and again on stderr, with the same progress line as a crawl."""

    def __init__(self, name: str) -> None:
        self.display = ProgressDisplay(name, console.err())
        self._why = ""

    def __enter__(self) -> Self:
        self.display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.display.__exit__(kind, error, trace)

    @property
    def every_s(self) -> float:
        """How often it wants to be told."""
        return self.display.every_s if self.display.every_s < 1 else 1.0

    def show(self, job: JobView) -> None:
        """Draws or prints how far it is, and a new `why` above that."""
        self.display.show(snapshot(job))
        why = job.why if not job.intended or job.state == State.FINISHING else self._why
        if why and why != self._why:
            self.display.to.print(f"{job.state}: {console.safe(why)}", style="yellow", soft_wrap=True)
        self._why = why


def snapshot(job: JobView) -> Snapshot:
    """The books of a job as a progress line shows them."""
    books = job.books
    return Snapshot(
        elapsed_s=max(0.0, time.time() - job.since_s),
        pages=sum(books.settled.values()),
        rows=sum(books.rows.values()),
        errors=sum(count for outcome, count in books.settled.items() if outcome not in HARMLESS),
        waiting=books.open,
        stopping=job.state == State.FINISHING or bool(job.intended),
    )


def print_end(job: JobView) -> None:
    """How a job has ended, on stderr."""
    rows = ", ".join(f"{item} {count:,}" for item, count in sorted(job.books.rows.items())) or "none"
    settled = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(job.books.settled.items()))
    to = console.err()
    console.line(to, (console.safe(f"{job.id}: {job.state}, {job.outcome or 'None'}"), "bold"))
    console.line(to, console.safe(f"  pages     {job.books.accepted:,} found, with `start`; {settled}"))
    console.line(to, console.safe(f"  rows      {rows}"))
    if job.why:
        console.line(to, console.safe(f"  why       {job.why}"))


def exit_status(job: JobView) -> int:
    """What a command that has waited for a job ends with."""
    if job.outcome in (Outcome.QUALITY_FAILED, Outcome.EMPTY):
        return exits.QUALITY_FAILED
    return exits.OK if job.state == State.SUCCEEDED else 1
