"""A recipe that becomes a job of the store: its order, and how it is accepted."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

from crawler.cli.groups import CommandFailed
from crawler.cli.stores import operator
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
        id=job_id_of(key) if key is not None else made_up,
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


def job_id_of(key: str) -> str:
    """The id of the job that a key makes here: the same order, repeated, is the same job."""
    return job_id(_CLIENT, key)


async def submit(store: Store, objects: ObjectStore | None, new: Job) -> tuple[Job, bool]:
    """The job as it is accepted, and whether it is new. Its intent lies in the storage of files before it is.

    Raises:
        CommandFailed: the key has made another job, or the storage of files does not take the intent.
        StoreError: the store refuses us.
    """
    jobs = RedisJobStore(store, origin=operator())
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
