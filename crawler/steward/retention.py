"""Removes what nobody needs any more: jobs that ended long ago from the store, objects that nothing names.

Files of jobs are not touched here: how long those are kept is the bucket's lifecycle.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import orphans, read_manifest
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


async def retain(ground: Ground) -> int:
    """One round over all jobs that have ended; answers how many have left the store.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does.
    """
    left, after = 0, ""
    now_ms = await ground.now_ms()
    while True:
        page = await ground.jobs.newest(states=_ENDED, after=after, limit=MAX_PAGE)
        for stored in page.jobs:
            age_s = (now_ms - (stored.status.finished_ms or now_ms)) / 1000
            if age_s >= ground.settings.keep_orphans_s:
                await remove_orphans(ground, stored)
            if age_s >= ground.settings.keep_jobs_s:
                await ground.frontier(stored.job.id).forget()
                await ground.jobs.delete(stored.job.id)
                left += 1
        after = page.next
        if not after:
            break
    if left:
        logger.info("%d jobs that ended long ago have left the store; their files stay", left)
    return left


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
