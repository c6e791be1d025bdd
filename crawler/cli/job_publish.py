"""`crawlery job publish`: files that are withheld are given out, because a person says that they are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.job_quality import published_line
from crawler.cli.job_where import with_where

if TYPE_CHECKING:
    from crawler.cli.job_where import Where

_MOST_CHARACTERS = 500


@click.command("publish")
@click.argument("job_id", metavar="JOB")
@with_where
@click.option("--reason", required=True, metavar="TEXT", help="Why they are right; it is shown beside the files.")
def publish(*, job_id: str, where: Where, reason: str) -> int:
    """Publish the files of JOB, although its rows are not what its recipe asks for.

    They are given out like any others from then on, and later runs are compared with this one. Who has done it, when
    and why is kept beside them, and in the audit. Through the API it takes a key with the scope results:override.
    """
    said = " ".join(reason.split())
    if not said or len(said) > _MOST_CHARACTERS:
        raise CommandFailed(f"--reason is one line of 1 to {_MOST_CHARACTERS} characters")
    with where.desk() as desk:
        done = desk.publish(job_id, said)
    console.note(f"{job_id} is {console.safe(published_line(done))}")
    return exits.OK
