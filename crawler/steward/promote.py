"""Takes back what is due in jobs that nobody asks for pages: delayed pages, leases of workers that died.

And ends jobs whose last worker died before it could: all is done there, or the job is to end, and nobody is at work.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from crawler.frontier.contract import FINISHED, Reply
from crawler.jobs.intention import JobIntention
from crawler.jobs.model import State

if TYPE_CHECKING:
    from crawler.jobs.store_contract import StoredJob
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

_TAKES_PAGES: Final = frozenset({State.QUEUED, State.RUNNING, State.PAUSED})


async def promote(ground: Ground, stored: StoredJob, *, has_workers: bool) -> bool:
    """Does that for one job.

    Args:
        ground: where it is.
        stored: the job.
        has_workers: somebody is at work on it, who ends it when the time has come. Of a job whose workers are started
            by hand nobody knows whether another one is about to be.

    Returns:
        Whether the job has ended by it.

    Raises:
        StoreError: the store refuses us.
    """
    if stored.status.state not in _TAKES_PAGES:
        return False
    frontier = ground.frontier(stored.job.id)
    await frontier.promote()
    left_alone = has_workers or stored.job.by_hand or stored.status.state is State.PAUSED
    if stored.status.intended is None and left_alone:
        return False  # who waits for `resume` may have more to hand in, and an end cannot be taken back
    books = await frontier.ledger(failures=False)
    if stored.status.intended is None and (not books.accepted or books.open + books.staged):
        return False
    if books.leased:
        return False
    reason = await JobIntention(ground.jobs, stored.job.id).reason() or FINISHED
    if await frontier.close(reason) is not Reply.OK:
        return False
    logger.info("Job %s is ended: nobody is at work on it, and it has nothing left to do", stored.job.id)
    return True
