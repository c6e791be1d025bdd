"""`crawlery job logs`: what the workers of a job have logged, also while they go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.api_target import with_json
from crawler.cli.job_desk import LogsAsked
from crawler.cli.job_where import with_where
from crawler.client.model import ENDED, to_json
from crawler.joblogs.lines import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.cli.job_desk import JobDesk
    from crawler.cli.job_where import Where
    from crawler.client.model import LogRecord

#: Whoever follows asks so often, in seconds: nodes keep what is written once a second.
_EVERY_S: Final = 1.0

#: After the end of a job, last words may be a moment on their way.
_EMPTY_AT_END: Final = 3

_MOST: Final = 1000

_LEVELS: Final = [level.value for level in Level]


@click.command("logs")
@click.argument("job_id", metavar="JOB")
@with_where
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until the job has ended.")
@click.option("--level", type=click.Choice(_LEVELS), default=_LEVELS[0], show_default=True, help="That one and above.")
@click.option("--grep", metavar="TEXT", default="", help="Only what has this text; upper and lower case are alike.")
@click.option("--worker", metavar="NAME", default="", help="Only of this worker, or of the workers of this node.")
@click.option("-n", "number", type=click.IntRange(0), default=100, show_default=True, help="The newest so many.")
@with_json
def logs(
    *, job_id: str, where: Where, follow: bool, level: str, grep: str, worker: str, number: int, as_json: bool
) -> int:
    """What the workers of a job have logged: the newest records, oldest first. Ctrl-C ends the following only."""
    asked = LogsAsked(level=level, text=grep, worker=worker)
    with where.desk() as desk:
        found, place = _newest(desk, job_id, asked, number)
        _show(found, as_json=as_json)
        if follow:
            for more in _later(desk, job_id, asked, place):
                _show(more, as_json=as_json)
        elif not found:
            console.note(f"no worker of {job_id} has logged anything like that")
    return exits.OK


def _newest(desk: JobDesk, job_id: str, asked: LogsAsked, number: int) -> tuple[Sequence[LogRecord], str]:
    """So many records, and where those are that come later."""
    page = desk.logs(job_id, asked, limit=max(1, min(number, _MOST)))
    found, place = [*page.records], page.next
    while len(found) < number and page.earlier is not None:
        page = desk.logs(job_id, asked, limit=min(number - len(found), _MOST), before=page.earlier)
        found = [*page.records, *found]
    return found[-number:] if number else [], place


def _later(desk: JobDesk, job_id: str, asked: LogsAsked, place: str) -> Iterator[Sequence[LogRecord]]:
    """What comes, until the job has ended and nothing more does."""
    empty = 0
    while empty < _EMPTY_AT_END:
        page = desk.logs(job_id, asked, limit=_MOST, after=place)
        moved, place = page.next != place, page.next
        if page.records:
            yield page.records
        if moved:
            empty = 0
            continue
        empty = empty + 1 if desk.view(job_id).state in ENDED else 0
        time.sleep(_EVERY_S)


def _show(records: Sequence[LogRecord], *, as_json: bool) -> None:
    for record in records:
        if as_json:
            click.echo(to_json(record).decode())
        else:
            click.echo("\n".join(map(console.safe, record.text.splitlines())))
