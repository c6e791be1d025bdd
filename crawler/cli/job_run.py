"""`crawlery job run`: a recipe, handed to the fleet as a new job."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, pairs
from crawler.cli.job_watch import followed
from crawler.cli.recipes import RecipeName, load
from crawler.cli.stores import run_with_store, storage_of_files, with_store
from crawler.errors import ManifestDamaged, ObjectStoreError
from crawler.exports.keys import JobKeys
from crawler.jobs.model import Job, Limits, Priority, job_id
from crawler.jobs.redis import RedisJobStore
from crawler.recipe.extract import start_requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.exports.objects import ObjectStore
    from crawler.recipe.model import Recipe
    from crawler.store import Store

_CLIENT: Final = "local"


@click.command("run")
@click.argument("name", type=RecipeName())
@with_store
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
    redis_url: str | None,
    prefix: str,
    inputs: tuple[str, ...],
    workers: int,
    priority: str,
    key: str | None,
    tags: tuple[str, ...],
    max_requests: int | None,
    max_seconds: float | None,
    watch: bool,
) -> int:
    """Hand the recipe NAME to the fleet. Prints the id of the job; nodes begin with it when they have a free slot."""
    if key is not None and not key.strip():
        raise CommandFailed("--key is empty (an unset variable?): all jobs without a key of their own would be one")
    recipe = load(name)
    new = new_job(
        recipe,
        pairs(inputs, "--input"),
        key=key,
        workers=workers,
        priority=Priority(priority),
        tags=tags,
        limits=Limits(requests=max_requests, duration_s=max_seconds),
    )
    objects = storage_of_files()
    job, is_new = run_with_store(redis_url, prefix, lambda store: submit(store, objects, new))
    click.echo(job.id)
    if not is_new and key is not None:
        console.note(f"{job.id} was there already: the key {key!r} has made it")
    if not watch:
        console.note(f"`crawlery job watch {job.id}` follows it, `crawlery job results {job.id}` has its files")
        return exits.OK
    return run_with_store(redis_url, prefix, lambda store: followed(store, job.id))


def new_job(
    recipe: Recipe,
    inputs: Mapping[str, str],
    *,
    key: str | None = None,
    workers: int = 1,
    priority: Priority = Priority.NORMAL,
    tags: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> Job:
    """A job of a recipe with the inputs as they were typed.

    Raises:
        InputError: they do not fit the recipe.
    """
    values = recipe.inputs.from_text(inputs)
    start_requests(recipe, values)
    made_up = f"{recipe.name[:40]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
    return Job(
        id=job_id(_CLIENT, key) if key is not None else made_up,
        client=_CLIENT,
        recipe=recipe.name,
        recipe_text=recipe.resolved,
        inputs=values,
        priority=priority,
        max_workers=workers,
        tags=tags,
        limits=limits or Limits(),
        secret=secrets.token_bytes(32),
    )


async def submit(store: Store, objects: ObjectStore | None, new: Job) -> tuple[Job, bool]:
    """The job as it is accepted, and whether it is new. Its intent lies in the storage of files before it is.

    Raises:
        CommandFailed: the key has made another job, or the storage of files does not take the intent.
        StoreError: the store refuses us.
    """
    jobs = RedisJobStore(store)
    known = await jobs.get(new.id)
    if known is None and objects is not None:
        _write_down(objects, new)
    job, is_new = await jobs.create(new)
    if not is_new and (job.recipe_sha256, job.inputs) != (new.recipe_sha256, new.inputs):
        raise CommandFailed(f"this key has made job {job.id} of {job.recipe or job.spider} with other values")
    return job, is_new


def _write_down(objects: ObjectStore, new: Job) -> None:
    """Puts the intent of a job, unless it has ended before, and the store has forgotten it since.

    Raises:
        CommandFailed: it has, or the storage of files does not take the intent.
    """
    from crawler.exports.intents import write_intent  # noqa: PLC0415 - with the storage that they talk to
    from crawler.exports.manifest import read_manifest  # noqa: PLC0415 - ditto

    keys = JobKeys(client=new.client, job=new.id)
    try:
        manifest = read_manifest(objects, keys)
        if manifest is None:
            write_intent(objects, new)
            return
    except (ObjectStoreError, ManifestDamaged) as error:
        raise CommandFailed(f"the job is not accepted: {error}") from error
    raise CommandFailed(
        f"this key has made job {new.id}, which has {manifest.state} and left the store; {keys.manifest} in the"
        " storage names its files. Another key makes a new job"
    )
