"""Accepts jobs again that the store has forgotten: their intents are still in the storage of files.

A store that was rewound, by a second or to nothing, may have lost jobs that clients were told are accepted. Each job
that is accepted leaves an intent beside its files, and finishing removes it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError
from crawler.exports.intents import forget_intent, intents, read_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)


async def reimport(ground: Ground) -> int:
    """One round over all intents; answers how many jobs are accepted again.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does.
    """
    again = 0
    for name in await in_thread(lambda: tuple(intents(ground.objects))):
        try:
            if await ground.jobs.status(name) is not None:
                continue
            job = await in_thread(read_intent, ground.objects, name)
        except CrawleryError as error:
            logger.warning("The intent of job %s cannot be used: %s", name, error)
            continue
        if job is None:
            continue
        if await in_thread(read_manifest, ground.objects, JobKeys(client=job.client, job=job.id)) is not None:
            await in_thread(forget_intent, ground.objects, job.id)
            continue
        _, is_new = await ground.jobs.create(job)
        again += is_new
        logger.warning("Job %s is accepted again: the store had forgotten it", job.id)
    return again
