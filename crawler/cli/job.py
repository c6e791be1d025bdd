"""`crawlery job ...`: jobs that processes share - which there are, how far one is, and its rows.

Asks the control API, or the store itself: see `job_where`. Needs no Scrapy, and starts no process.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.api_target import print_json, with_json
from crawler.cli.groups import CommandFailed, CommandGroup
from crawler.cli.job_quality import quality_lines
from crawler.cli.job_rows import JobRows, Written, selection_of, write_rows
from crawler.cli.job_view import status_lines
from crawler.cli.job_where import with_where
from crawler.cli.outputs import check_output, is_compressed, output_format
from crawler.cli.stores import run_with_store, storage_of_files, stored_job, with_store
from crawler.config import read_config
from crawler.errors import CrawleryError
from crawler.exports.text_files import text_of
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.store_contract import MAX_PAGE

if TYPE_CHECKING:
    from crawler.cli.job_desk import JobDesk
    from crawler.cli.job_view import JobView
    from crawler.cli.job_where import Where
    from crawler.client.model import JobQuality
    from crawler.store import Store


#: Of a file that is compressed, so much is collected before.
_BUFFER_BYTES: Final = 1024 * 1024

_ROWS_FROM_STORE: Final = (
    "rows are read from the store itself: --redis-url redis://HOST:PORT/DB, or REDIS_URL in the environment, says it."
    " Through an API, `crawlery job results JOB` has the files, and while it runs the pieces of them"
)


@click.group(
    cls=CommandGroup,
    lazy={
        "run": ("crawler.cli.job_run:run", "Hand a recipe to the fleet as a new job."),
        "replay": ("crawler.cli.job_replay:replay", "Fetch failed pages of a job again, as a new job."),
        "logs": ("crawler.cli.job_logs:logs", "What the workers of a job have logged."),
        "watch": ("crawler.cli.job_watch:watch", "Follow a job until it has ended."),
        "publish": ("crawler.cli.job_publish:publish", "Publish files that are withheld, for a reason."),
        "results": ("crawler.cli.job_results:results", "The files of a job: links, or downloads."),
    },
)
def job() -> None:
    """Hand jobs to the fleet, look at them, and take their rows."""


@job.command("list")
@with_where
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=20, show_default=True, help="The newest so many.")
@with_json
def list_jobs(*, where: Where, limit: int, as_json: bool) -> int:
    """The newest jobs."""
    if as_json:
        with where.client("--json") as client:
            print_json(client.jobs.list(limit=limit))
        return exits.OK
    with where.desk() as desk:
        found = desk.newest(limit)
    if not found:
        console.note("there is no job yet; `crawlery job run NAME` makes one")
        return exits.OK
    rows = [[each.id, each.crawls, each.described, each.accepted] for each in found]
    console.print_rows(console.out(), ["job", "crawls", "state", "accepted (UTC)"], rows)
    return exits.OK


@job.command("status")
@click.argument("job_id", metavar="JOB")
@with_where
@with_json
def status(*, job_id: str, where: Where, as_json: bool) -> int:
    """How far a job is: its state, the books of its pages, and the workers that it has and had."""
    if as_json:
        with where.client("--json") as client:
            print_json(client.jobs.get(job_id))
        return exits.OK
    with where.desk() as desk:
        found = desk.view(job_id)
        judged = _judged(desk, found)
    to = console.out()
    console.line(to, (console.safe(f"{found.id}: {found.crawls}, {found.described}"), "bold"))
    for line in (*status_lines(found), *(quality_lines(judged) if judged is not None else ())):
        console.line(to, console.safe(line))
    return exits.OK


def _judged(desk: JobDesk, found: JobView) -> JobQuality | None:
    """What a job was judged by, which lies beside its files: that these are away keeps nobody from seeing the rest."""
    try:
        return desk.quality(found.id) if found.outcome else None
    except CrawleryError as error:
        console.note(f"what it was judged by cannot be told: {console.safe(str(error))}")
        return None


@job.command("failures")
@click.argument("job_id", metavar="JOB")
@with_where
@click.option("--outcome", default="", help="Name only pages that came to this: http_5xx, timeout, ...")
@with_json
def failures(*, job_id: str, where: Where, outcome: str, as_json: bool) -> int:
    """The pages of a job that could not be read: how many of each kind, and those that are kept by name."""
    if as_json:
        with where.client("--json") as client:
            print_json(client.jobs.failures(job_id, outcome=outcome or None))
        return exits.OK
    with where.desk() as desk:
        found = desk.failures(job_id, outcome=outcome)
    for name, count in sorted(found.outcomes.items()):
        console.note(f"{console.safe(name):<12} {count:,}")
    if found.failures:
        rows = [[each.outcome, each.reason or "", each.url or ""] for each in found.failures]
        console.print_rows(console.out(), ["outcome", "reason", "page"], rows)
    if found.total > len(found.failures) and not outcome:
        console.note(f"{len(found.failures):,} of {console.plural(found.total, 'page')} are kept by name")
    elif not found.total:
        console.note(f"no page of {job_id} has failed")
    return exits.OK


@job.command("rows")
@click.argument("job_id", metavar="JOB")
@with_store
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .csv, .tsv or .jsonl file, or one of them with .gz; without, JSON lines.",
)
@click.option("--item", help="Only rows of this type; needed when a recipe has several.")
@click.option("--export", metavar="NAME", help="As this export of the recipe; by default the first one of the item.")
def rows(
    *, job_id: str, redis_url: str | None, prefix: str, output: Path | None, item: str | None, export: str | None
) -> int:
    """The rows that a job has so far, each once: what the pages that are settled gave. From the store, not the API."""
    if not redis_url and not read_config().redis_url:
        raise CommandFailed(_ROWS_FROM_STORE)
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
            with text_of(output.open("wb"), gzipped=is_compressed(output), buffer_bytes=_BUFFER_BYTES) as file:
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
@with_where
def pause(*, job_id: str, where: Where) -> int:
    """Give out no pages until `resume`; workers finish those that they have, and wait."""
    with where.desk() as desk:
        desk.pause(job_id)
    console.note(f"{job_id} is paused; `crawlery job resume {job_id}` lets it go on")
    return exits.OK


@job.command("resume")
@click.argument("job_id", metavar="JOB")
@with_where
def resume(*, job_id: str, where: Where) -> int:
    """Let a paused job go on."""
    with where.desk() as desk:
        desk.resume(job_id)
    console.note(f"{job_id} goes on")
    return exits.OK


@job.command("cancel")
@click.argument("job_id", metavar="JOB")
@with_where
def cancel(*, job_id: str, where: Where) -> int:
    """End a job: its workers finish the pages that they have, and leave; its rows stay."""
    with where.desk() as desk:
        leased = desk.cancel(job_id)
    if leased:
        console.note(f"{job_id} gives out no more pages; it ends with the {console.plural(leased, 'page')} in work")
        console.note(
            "if those who have them are gone: the same command again, when their leases have ended (LEASE_TTL)"
        )
    else:
        console.note(f"{job_id} has ended; the pages that were not fetched count as cancelled")
    return exits.OK
