"""`crawlery job ...`: jobs that processes share over a store - which there are, how far one is, and its rows.

Talks to the store itself (`--redis-url`, REDIS_URL) and needs no Scrapy; starts no process.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, CommandGroup
from crawler.cli.job_rows import JobRows, Written, selection_of, write_rows
from crawler.cli.outputs import check_output, output_format
from crawler.cli.stores import run_with_store, storage_of_files, stored_job, with_store
from crawler.frontier.contract import Reply
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.model import Intended, State
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.store_contract import MAX_PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.frontier.contract import Ledger
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.store_contract import StoredJob
    from crawler.store import Store

#: So many failures are named by `status`; more are counted.
_FAILURES_SHOWN: Final = 5

#: Of the log of a worker that did not end in order.
_LOG_LINES_SHOWN: Final = 5

#: Exit statuses of workers that left in order: all done, a list lost, told to go.
_ORDERLY: Final = (exits.OK, exits.LIST_PAGE_LOST, exits.INTERRUPTED)


@click.group(
    cls=CommandGroup,
    lazy={
        "run": ("crawler.cli.job_run:run", "Hand a recipe to the fleet as a new job."),
        "watch": ("crawler.cli.job_watch:watch", "Follow a job until it has ended."),
        "results": ("crawler.cli.job_results:results", "The files of a job: links, or downloads."),
    },
)
def job() -> None:
    """Hand jobs to the fleet, look at them, and take their rows."""


@job.command("list")
@with_store
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=20, show_default=True, help="The newest so many.")
def list_jobs(*, redis_url: str | None, prefix: str, limit: int) -> int:
    """The newest jobs."""

    async def ask(store: Store) -> list[StoredJob]:
        return list((await RedisJobStore(store).newest(limit=limit)).jobs)

    found = run_with_store(redis_url, prefix, ask)
    if not found:
        console.note("there is no job yet; `crawlery job run NAME` makes one")
        return exits.OK
    rows = [[stored.job.id, _crawls(stored), _described(stored), _accepted(stored)] for stored in found]
    console.print_rows(console.out(), ["job", "crawls", "state", "accepted (UTC)"], rows)
    return exits.OK


@job.command("status")
@click.argument("job_id", metavar="JOB")
@with_store
def status(*, job_id: str, redis_url: str | None, prefix: str) -> int:
    """How far a job is: its state, the books of its pages, and the workers that it has and had."""

    async def ask(store: Store) -> tuple[StoredJob, Ledger, tuple[Attempt, ...]]:
        stored = await stored_job(store, job_id)
        return stored, await RedisFrontier(store, job=job_id).ledger(), await RedisAttempts(store).of(job_id)

    stored, books, attempts = run_with_store(redis_url, prefix, ask)
    to = console.out()
    console.line(to, (console.safe(f"{stored.job.id}: {_crawls(stored)}, {_described(stored)}"), "bold"))
    for line in (*_lines(stored, books), *_attempt_lines(attempts)):
        console.line(to, console.safe(line))
    return exits.OK


def _lines(stored: StoredJob, books: Ledger) -> list[str]:
    """What `status` says below its first line."""
    lines = [f"  accepted  {_accepted(stored)} UTC"]
    if stored.status.why:
        lines.append(f"  why       {stored.status.why}")
    if books.closed:
        lines.append("  closed    takes no more pages" + ("" if books.closed == "finished" else f": {books.closed}"))
    settled = sum(books.settled.values())
    lines.append(f"  pages     {books.accepted:,} found, {settled:,} settled (`start` is one of them)")
    open_pages = {"in work": books.leased, "ready": books.ready, "waiting for another try": books.delayed}
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
    return lines


def _attempt_lines(attempts: Sequence[Attempt]) -> list[str]:
    """The processes that have worked on a job: those that run, how many ended in order, and each that did not."""
    lines = [
        f"  worker    {attempt.worker or attempt.node}: running" for attempt in attempts if attempt.how == "running"
    ]
    in_order = sum(attempt.exit_code in _ORDERLY for attempt in attempts)
    lines += [f"  worker    {in_order:,} ended in order"] if in_order else []
    for attempt in attempts:
        if attempt.ended_ms is not None and attempt.exit_code not in _ORDERLY:
            lines.append(f"  worker    {attempt.worker or attempt.node}: {attempt.how}; its last words:")
            lines += [f"            {line}" for line in attempt.log_tail[-_LOG_LINES_SHOWN:]]
    return lines


@job.command("rows")
@click.argument("job_id", metavar="JOB")
@with_store
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .csv or .jsonl file; without, JSON lines.",
)
@click.option("--item", help="Only rows of this type; needed when a recipe has several.")
@click.option("--export", metavar="NAME", help="As this export of the recipe; by default the first one of the item.")
def rows(
    *, job_id: str, redis_url: str | None, prefix: str, output: Path | None, item: str | None, export: str | None
) -> int:
    """The rows that a job has so far, each once: what the pages that are settled gave."""
    fmt = "jsonl" if output is None else output_format(output)

    async def ask(store: Store) -> Written:
        stored = await stored_job(store, job_id)
        frontier = RedisFrontier(store, job=job_id)
        selection = selection_of(stored.job, (await frontier.ledger()).rows, item=item, export=export)
        job_rows = JobRows(RedisRowStream(store, job=job_id), storage_of_files())
        if output is None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")
            return await write_rows(job_rows, sys.stdout, selection, fmt=fmt)
        check_output(output)
        try:
            with output.open("w", encoding="utf-8", newline="") as file:
                return await write_rows(job_rows, file, selection, fmt=fmt)
        except OSError as error:
            raise CommandFailed(f"--output {output}: {(error.strerror or str(error)).lower()}") from error

    written = run_with_store(redis_url, prefix, ask)
    if output is not None:
        console.note(f"{console.plural(written.rows, 'row')} in {output}")
    if written.guarded:
        cells = "1 cell begins" if written.guarded == 1 else f"{written.guarded:,} cells begin"
        console.note(f"{cells} with ' so that no spreadsheet runs it (`raw: true` in `exports` leaves it as it is)")
    return exits.OK


@job.command("pause")
@click.argument("job_id", metavar="JOB")
@with_store
def pause(*, job_id: str, redis_url: str | None, prefix: str) -> int:
    """Give out no pages until `resume`; workers finish those that they have, and wait."""
    run_with_store(redis_url, prefix, lambda store: _move(store, job_id, State.PAUSED))
    console.note(f"{job_id} is paused; `crawlery job resume {job_id}` lets it go on")
    return exits.OK


@job.command("resume")
@click.argument("job_id", metavar="JOB")
@with_store
def resume(*, job_id: str, redis_url: str | None, prefix: str) -> int:
    """Let a paused job go on."""
    run_with_store(redis_url, prefix, lambda store: _move(store, job_id, State.RUNNING))
    console.note(f"{job_id} goes on")
    return exits.OK


async def _move(store: Store, job_id: str, to: State) -> None:
    await RedisJobStore(store).move(job_id, to)


@job.command("cancel")
@click.argument("job_id", metavar="JOB")
@with_store
def cancel(*, job_id: str, redis_url: str | None, prefix: str) -> int:
    """End a job: its workers finish the pages that they have, and leave; its rows stay."""

    async def ask(store: Store) -> int:
        await RedisJobStore(store).intend(job_id, Intended.CANCEL)
        frontier = RedisFrontier(store, job=job_id)
        await frontier.promote()
        if await frontier.close("cancelled") is not Reply.STALE:
            return 0
        return (await frontier.ledger()).leased

    leased = run_with_store(redis_url, prefix, ask)
    if leased:
        console.note(f"{job_id} gives out no more pages; it ends with the {console.plural(leased, 'page')} in work")
        console.note(
            "if those who have them are gone: the same command again, when their leases have ended (LEASE_TTL)"
        )
    else:
        console.note(f"{job_id} has ended; the pages that were not fetched count as cancelled")
    return exits.OK


def _crawls(stored: StoredJob) -> str:
    return stored.job.recipe or stored.job.spider


def _described(stored: StoredJob) -> str:
    """Its state, and what it is to come to, or what has come of it."""
    if stored.status.outcome is not None:
        return f"{stored.status.state}, {stored.status.outcome}"
    return f"{stored.status.state}" + (f", to {stored.status.intended}" if stored.status.intended else "")


def _accepted(stored: StoredJob) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(stored.status.queued_ms / 1000))
