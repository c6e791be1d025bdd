"""`crawlery job replay`: failed pages of a job, fetched again by a new one whose files have the rows of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.job_where import with_where
from crawler.jobs.outcomes import FAILURES

if TYPE_CHECKING:
    from crawler.cli.job_where import Where


@click.command("replay")
@click.argument("job_id", metavar="JOB")
@click.argument("outcome", type=click.Choice(FAILURES), metavar="OUTCOME")
@with_where
@click.option("--key", metavar="TEXT", help="The same key again is the same job: safe to repeat after an error.")
@click.option("--watch", "-w", is_flag=True, help="Follow it until it has ended.")
def replay(*, job_id: str, outcome: str, where: Where, key: str | None, watch: bool) -> int:
    """Fetch the pages of JOB again that came to OUTCOME (http_5xx, timeout, ...), as a new job. Prints its id.

    Its files have the rows of both jobs, each once. `crawlery job failures JOB` says which outcomes there are.
    """
    if key is not None and not key.strip():
        raise CommandFailed("--key is empty (an unset variable?): all jobs without a key of their own would be one")
    with where.desk() as desk:
        new_id, is_new = desk.replay(job_id, outcome, key=key)
        click.echo(new_id)
        if not is_new and key is not None:
            console.note(f"{new_id} was there already: the key {key!r} has made it")
        if not watch:
            console.note(f"`crawlery job watch {new_id}` follows it, `crawlery job results {new_id}` has its files")
            return exits.OK
        return desk.watch(new_id)
