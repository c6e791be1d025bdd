"""`crawlery job watch`: follows a job until it has ended, with the same progress line as a crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from crawler.cli.job_where import with_where

if TYPE_CHECKING:
    from crawler.cli.job_where import Where

_EPILOG: Final = """\b
Exit status
  0    the job has ended, with all that could be had
  1    it failed, or was cancelled, or has expired
  2    there is no such job, or nobody answers
  4    its rows are not what the recipe asks for, or there are none
  130  stopped by Ctrl-C; the job goes on
"""


@click.command("watch", epilog=_EPILOG)
@click.argument("job_id", metavar="JOB")
@with_where
def watch(*, job_id: str, where: Where) -> int:
    """Follow a job until it has ended. Ctrl-C ends the watching, not the job."""
    with where.desk() as desk:
        return desk.watch(job_id)
