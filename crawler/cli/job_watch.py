"""`crawlery job watch`: follows a job until it has ended, with the same progress line as a crawl."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.progress import ProgressDisplay, Snapshot
from crawler.cli.stores import run_with_store, stored_job, with_store
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Outcome, State
from crawler.jobs.outcomes import HARMLESS
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crawler.frontier.contract import Ledger
    from crawler.jobs.model import JobStatus
    from crawler.store import Store

_EPILOG: Final = """\b
Exit status
  0    the job has ended, with all that could be had
  1    it failed, or was cancelled, or has expired
  2    there is no such job, or the store does not answer
  4    its rows are not what the recipe asks for, or there are none
  130  stopped by Ctrl-C; the job goes on
"""


@click.command("watch", epilog=_EPILOG)
@click.argument("job_id", metavar="JOB")
@with_store
def watch(*, job_id: str, redis_url: str | None, prefix: str) -> int:
    """Follow a job until it has ended. Ctrl-C ends the watching, not the job."""
    return run_with_store(redis_url, prefix, lambda store: followed(store, job_id))


async def followed(
    store: Store, job_id: str, *, look: Callable[[ProgressDisplay, Ledger], Awaitable[None]] | None = None
) -> int:
    """Shows how far a job is until it has ended; the exit status that says how.

    Args:
        store: where it is.
        job_id: its id.
        look: called with the display and the books whenever they are shown.

    Raises:
        CommandFailed: there is no such job.
        StoreError: the store refuses us.
    """
    stored = await stored_job(store, job_id)
    jobs, frontier = RedisJobStore(store), RedisFrontier(store, job=job_id)
    status, why = stored.status, ""
    with ProgressDisplay(stored.job.recipe or stored.job.spider, console.err()) as display:
        while status.state not in TERMINAL:
            books = await frontier.ledger(failures=False)
            display.show(snapshot(books, status))
            why = _said(display, status, why)
            if look is not None:
                await look(display, books)
            await asyncio.sleep(display.every_s if display.every_s < 1 else 1.0)
            seen = await jobs.status(job_id)
            if seen is None:
                raise CommandFailed(f"job {job_id} has been deleted")
            status = seen
        books = await frontier.ledger(failures=False)
    print_end(job_id, status, books)
    return exit_status(status)


def snapshot(books: Ledger, status: JobStatus) -> Snapshot:
    """The books of a job as a progress line shows them."""
    since_ms = status.started_ms or status.queued_ms
    settled = sum(books.settled.values())
    return Snapshot(
        elapsed_s=max(0.0, time.time() - since_ms / 1000),
        pages=settled,
        rows=sum(books.rows.values()),
        errors=sum(count for outcome, count in books.settled.items() if outcome not in HARMLESS),
        waiting=books.ready + books.delayed + books.leased,
        stopping=status.state is State.FINISHING or status.intended is not None,
    )


def _said(display: ProgressDisplay, status: JobStatus, before: str) -> str:
    """Prints a new `why` above the line; answers the one that holds now."""
    why = status.why if status.intended is None or status.state is State.FINISHING else before
    if why and why != before:
        display.to.print(f"{status.state}: {console.safe(why)}", style="yellow", soft_wrap=True)
    return why


def print_end(job_id: str, status: JobStatus, books: Ledger) -> None:
    """How a job has ended, on stderr."""
    rows = ", ".join(f"{item} {count:,}" for item, count in sorted(books.rows.items())) or "none"
    settled = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(books.settled.items()))
    to = console.err()
    console.line(to, (f"{job_id}: {status.state}, {status.outcome}", "bold"))
    console.line(to, f"  pages     {books.accepted:,} found, with `start`; {settled}")
    console.line(to, f"  rows      {rows}")
    if status.why:
        console.line(to, console.safe(f"  why       {status.why}"))


def exit_status(status: JobStatus) -> int:
    """What a command that has waited for a job ends with."""
    if status.outcome in (Outcome.QUALITY_FAILED, Outcome.EMPTY):
        return exits.QUALITY_FAILED
    return exits.OK if status.state is State.SUCCEEDED else 1
