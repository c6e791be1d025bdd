"""Removes what nobody needs any more: jobs that ended long ago, objects that nothing names, old states of series.

Files of jobs are not touched here: how long those are kept is the bucket's lifecycle.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, ObjectStoreError
from crawler.exports.intents import forget_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import orphans, read_manifest
from crawler.exports.series_store import tidy
from crawler.jobs.model import State
from crawler.jobs.states import TERMINAL
from crawler.jobs.store_contract import MAX_PAGE
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.jobs.store_contract import StoredJob
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: By so much the clock of the storage may be ahead of ours.
_ANY_CLOCK_S: Final = 86400.0

_ENDED: Final = frozenset(State(state) for state in TERMINAL)


async def retain(ground: Ground, *, swept: set[str] | None = None) -> int:
    """One round over all jobs that have ended; answers how many have left the store.

    Args:
        ground: where they are.
        swept: jobs whose orphans have been removed in an earlier round; kept up to date. They are looked for again
            only when a job leaves the store.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files is away.
    """
    swept = set() if swept is None else swept
    left, after, listed = 0, "", set[str]()
    now_ms = await ground.now_ms()
    while True:
        page = await ground.jobs.newest(states=_ENDED, after=after, limit=MAX_PAGE)
        for stored in page.jobs:
            job, age_s = stored.job.id, (now_ms - (stored.status.finished_ms or now_ms)) / 1000
            leaves = age_s >= ground.settings.keep_jobs_s
            if leaves or (age_s >= ground.settings.keep_orphans_s and job not in swept):
                await _swept(ground, stored)
                swept.add(job)
            if leaves:
                left += await _left(ground, stored)
            else:
                listed.add(job)
        after = page.next
        if not after:
            break
    swept.intersection_update(listed)
    # A job may be replayed while it is in the store, and is compared then with the state that it was compared with.
    keep_s = max(ground.settings.keep_jobs_s, ground.settings.keep_orphans_s)
    await in_thread(tidy, ground.objects, older_than_s=keep_s, now_s=time.time())
    if left:
        logger.info("%d jobs that ended long ago have left the store; their files stay", left)
    return left


async def _left(ground: Ground, stored: StoredJob) -> bool:
    """Takes a job out of the store, with its intent, from which it would come back; whether it was still there."""
    job = stored.job.id
    if await ground.jobs.status(job) != stored.status:
        return False  # another steward was faster, and somebody may have made a new job of this id
    await in_thread(forget_intent, ground.objects, job)
    await ground.frontier(job).forget()
    await ground.jobs.delete(job)
    return True


async def _swept(ground: Ground, stored: StoredJob) -> None:
    """`remove_orphans`; a job for which that cannot be done keeps no other one waiting."""
    try:
        await remove_orphans(ground, stored)
    except CrawleryError as error:
        if isinstance(error, ObjectStoreError) and error.passing:
            raise
        logger.warning("Objects of job %s that nothing names stay: %s", stored.job.id, error)


async def remove_orphans(ground: Ground, stored: StoredJob) -> int:
    """Removes objects of an ended job that its manifest does not name; answers how many.

    Raises:
        ObjectStoreError: the storage of files refuses us.
    """
    keys = JobKeys(client=stored.job.client, job=stored.job.id)
    manifest = await in_thread(read_manifest, ground.objects, keys)
    if manifest is None:
        return 0
    # The job has ended long ago by the store's clock; how old an object of it is does not matter.
    nameless = await in_thread(
        orphans, ground.objects, keys, manifest, older_than_s=0, now_s=time.time() + _ANY_CLOCK_S
    )
    if nameless:
        await in_thread(ground.objects.delete, [*(info.key for info in nameless), keys.orphans])
        logger.info("Job %s: %d objects that nothing names are removed", stored.job.id, len(nameless))
    return len(nameless)
