"""What the workers of a job tell each other about its end: one says that it is to end and why, the last one reads it.

The reason is kept as the job's `why`. Knows jobs and their store; who has what of the job in hand is the frontier's
business.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from crawler.errors import NoSuchJob, TransitionRefused
from crawler.jobs.model import State, sentence
from crawler.jobs.states import intended_by

if TYPE_CHECKING:
    from crawler.jobs.store_contract import JobStore

logger = logging.getLogger(__name__)


class JobIntention:
    """Of one job."""

    def __init__(self, jobs: JobStore, job: str) -> None:
        self._jobs = jobs
        self._job = job

    async def say(self, reason: str) -> None:
        """The job is to end for this reason: no more of its pages are given out. What was said before holds."""
        try:
            await self._jobs.intend(self._job, intended_by(reason), why=reason)
        except (NoSuchJob, TransitionRefused) as error:
            logger.info("The job does not end because of %s: %s", reason, error)

    async def pause(self, why: str) -> None:
        """The job gives out no pages until somebody resumes it. One that is paused, or ends, stays as it is."""
        try:
            await self._jobs.move(self._job, State.PAUSED, why=why)
        except (NoSuchJob, TransitionRefused) as error:
            logger.info("The job is not paused (%s): %s", why, error)

    async def reason(self) -> str:
        """Why a worker has said that it is to end; "" if none has, also if somebody else wants it to end."""
        status = await self._jobs.status(self._job)
        if status is None or status.intended is None or status.intended is not intended_by(status.why):
            return ""
        return sentence(status.why)
