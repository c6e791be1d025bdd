"""Accepts jobs again that the store has forgotten: their intents are still in the storage of files.

A store that was rewound, by a second or to nothing, may have lost jobs that clients were told are accepted. Each job
that is accepted leaves an intent beside its files, and finishing removes it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, ObjectStoreError, StoreError
from crawler.exports.intents import forget_intent, intents, read_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL
from crawler.origin import Origin
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)


async def reimport(ground: Ground) -> int:
    """One round over all intents; answers how many jobs are accepted again. One that cannot be used is logged.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files is away, or cannot be listed.
    """
    again = 0
    names = await in_thread(lambda: tuple(intents(ground.objects)))
    live = frozenset(await ground.jobs.live())
    for name in names:
        try:
            again += await _accepted_again(ground, name, is_listed=name in live)
        except CrawleryError as error:
            if isinstance(error, StoreError) or (isinstance(error, ObjectStoreError) and error.passing):
                raise
            logger.warning("The intent of job %s cannot be used: %s", name, error)
    return again


async def _accepted_again(ground: Ground, name: str, *, is_listed: bool) -> bool:
    """Whether the job of an intent was unknown to the store, and is not any more."""
    status = await ground.jobs.status(name)
    if status is not None and (is_listed or status.state in TERMINAL):
        return False
    job = await in_thread(read_intent, ground.objects, name)
    if job is None:
        return False
    keys = JobKeys(client=job.client, job=job.id)
    if status is None and await in_thread(read_manifest, ground.objects, keys) is not None:
        await in_thread(forget_intent, ground.objects, job.id)
        return False
    # One that the store knows and does not list was being accepted when that was cut short: it is listed now.
    by = Origin(by="steward", source=ground.settings.name)
    _, is_new = await RedisJobStore(ground.store, origin=by).create(job)
    if is_new:
        logger.warning("Job %s is accepted again: the store had forgotten it", job.id)
    return is_new
