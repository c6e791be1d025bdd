"""`crawlery job results`: the files of a job as links, or downloaded and compared with their SHA-256."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.api_target import print_json, with_json
from crawler.cli.groups import CommandGroup
from crawler.cli.job_quality import published_line
from crawler.cli.job_where import with_where

if TYPE_CHECKING:
    from crawler.cli.job_where import Where
    from crawler.client.model import Results

#: How long a link can be used; seconds.
_LINK_S: Final = 900
_LINK_MAX_S: Final = 3600


@click.command("results")
@click.argument("job_id", metavar="JOB")
@with_where
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Download them to this folder.")
@click.option("--expires", type=click.IntRange(1, _LINK_MAX_S), default=_LINK_S, show_default=True, help="Of links, s.")
@click.option("--withheld", is_flag=True, help="Also those whose rows are not what the recipe asks for.")
@with_json
def results(*, job_id: str, where: Where, output: Path | None, expires: int, withheld: bool, as_json: bool) -> int:
    """The files of a job that has ended; of one that runs, the pieces that it has so far."""
    if as_json:
        with where.client("--json") as client:
            print_json(client.results.get(job_id, expires_s=expires))
        return exits.OK
    with where.desk() as desk:
        if output is not None:
            desk.download(job_id, output, withheld=withheld)
            return exits.OK
        found = desk.results(job_id, expires_s=expires, withheld=withheld)
    if found.final:
        _print_files(found)
    else:
        _print_pieces(found)
    return exits.OK


@click.group("results", cls=CommandGroup)
def results_group() -> None:
    """Files of jobs."""


@results_group.command("download")
@click.argument("job_id", metavar="JOB")
@with_where
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder; here.")
def download(*, job_id: str, where: Where, output: Path) -> int:
    """The same as `crawlery job results JOB -o FOLDER`."""
    with where.desk() as desk:
        desk.download(job_id, output, withheld=False)
    return exits.OK


def _print_files(found: Results) -> None:
    """One block a file, on stdout."""
    if not found.files:
        console.note(f"{found.job} has no files: it has no rows")
    if found.published is not None:
        console.note(f"{found.job} was withheld, and {console.safe(published_line(found.published))}")
    to = console.out()
    for file in found.files:
        console.line(to, (console.safe(file.name), "bold"), f"  {file.rows:,} rows, {file.size_bytes:,} bytes")
        console.line(to, f"  sha256  {console.safe(file.sha256)}")
        console.line(to, f"  link    {console.safe(file.url or '-')}")


def _print_pieces(found: Results) -> None:
    pieces = console.plural(len(found.segments), "piece")
    console.note(f"{found.job} is {console.safe(found.state)}: no files yet, {pieces} (JSON lines, zstd)")
    to = console.out()
    for piece in found.segments:
        console.line(to, (console.safe(piece.name), "bold"), f"  {piece.rows:,} rows")
        console.line(to, f"  link    {console.safe(piece.url or '-')}")
