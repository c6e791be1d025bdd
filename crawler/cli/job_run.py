"""`crawlery job run`: a recipe, handed to the fleet as a new job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, pairs
from crawler.cli.job_desk import Order
from crawler.cli.job_where import with_where
from crawler.cli.recipes import RecipeName
from crawler.jobs.model import Limits, Priority

if TYPE_CHECKING:
    from crawler.cli.job_where import Where


@click.command("run")
@click.argument("name", type=RecipeName())
@with_where
@click.option(
    "--input", "-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recipe; may be repeated."
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="At most so many at once.")
@click.option("--priority", type=click.Choice([each.value for each in Priority]), default="normal", show_default=True)
@click.option("--key", metavar="TEXT", help="The same key again is the same job: safe to repeat after an error.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="To find it by; may be repeated.")
@click.option("--max-requests", type=click.IntRange(min=1), help="Pages it may fetch.")
@click.option("--max-seconds", type=click.FloatRange(min=1), help="From its first page to its end.")
@click.option("--watch", "-w", is_flag=True, help="Follow it until it has ended.")
def run(
    name: str,
    *,
    where: Where,
    inputs: tuple[str, ...],
    workers: int,
    priority: str,
    key: str | None,
    tags: tuple[str, ...],
    max_requests: int | None,
    max_seconds: float | None,
    watch: bool,
) -> int:
    """Hand the recipe NAME to the fleet. Prints the id of the job; nodes begin with it when they have a free slot.

    Through an API a name is one of its recipes; a path, such as ./shop.yaml, hands over the file.
    """
    if key is not None and not key.strip():
        raise CommandFailed("--key is empty (an unset variable?): all jobs without a key of their own would be one")
    order = Order(
        recipe=name,
        inputs=pairs(inputs, "--input"),
        key=key,
        workers=workers,
        priority=Priority(priority),
        tags=tags,
        limits=Limits(requests=max_requests, duration_s=max_seconds),
    )
    with where.desk() as desk:
        job_id, is_new = desk.submit(order)
        click.echo(job_id)
        if not is_new and key is not None:
            console.note(f"{job_id} was there already: the key {key!r} has made it")
        if not watch:
            console.note(f"`crawlery job watch {job_id}` follows it, `crawlery job results {job_id}` has its files")
            return exits.OK
        return desk.watch(job_id)
