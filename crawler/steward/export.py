"""Moves the rows of a job from the store into recorded segments, and keeps a job from making more than can be moved.

A segment is written first and counts when the store has recorded it; what is written and not recorded does not exist.
When the storage of files is away, jobs are given no more pages after a while, and go on by themselves when it is back.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Final

from crawler.errors import ObjectStoreError
from crawler.exports.keys import JobKeys
from crawler.exports.segments import write_segment
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.frontier.row_stream import Chunk
    from crawler.jobs.model import Job
    from crawler.jobs.segments import Segment
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: The path of a URL, which in a message about a segment is its key.
_PATH: Final = re.compile(r"(https?://[^/\s\"]+)/[^\s\"]*")

#: Of a store with a limit of memory, the rows of all jobs may have so much.
_SHARE_OF_MEMORY: Final = 0.25


class Export:
    """The rows of all jobs, as far as this steward moves them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._failing: dict[str, tuple[float, str]] = {}  # by job: since when (monotonic seconds), and how
        self._succeeded_at = 0.0  # when the storage of files has last taken rows of any job
        self._memory_share: int | None = None

    @property
    def problem(self) -> str:
        """Why the storage of files takes nothing; "" if it does."""
        return next((problem for _, problem in self._failing.values()), "")

    async def run(self, job: Job, *, flush: bool) -> bool:
        """Moves what is due; all there is, with `flush`. Whether nothing waits any more.

        Raises:
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files refuses us, or has been away for less than we are patient.
        """
        try:
            return await self._move(job, flush=flush)
        except ObjectStoreError as error:
            self._note_failure(job, error)
            raise

    async def _move(self, job: Job, *, flush: bool) -> bool:
        ground, settings = self._ground, self._ground.settings
        stream = ground.rows(job.id)
        size, oldest_ms = await stream.waiting()
        if not oldest_ms:
            self._failing.pop(job.id, None)  # another steward has stored what we could not
            return True
        is_old = await ground.now_ms() - oldest_ms >= settings.segment_age_s * 1000
        if not (flush or is_old or size >= settings.segment_bytes or self._away_since(job) is not None):
            return False
        before = await stream.last()
        while True:
            chunk = await stream.read(limit_bytes=settings.segment_bytes)
            if not chunk.rows:
                return True
            segment = await in_thread(
                write_segment,
                ground.objects,
                JobKeys(client=job.client, job=job.id),
                chunk.rows,
                number=1 if before is None else before.number + 1,
                previous="" if before is None else before.digest,
                last=chunk.last,
            )
            self._note_success(job)
            before = await self._recorded(job, segment, chunk)
            if not flush and (await stream.waiting())[0] < settings.segment_bytes:
                return False

    async def _recorded(self, job: Job, segment: Segment, chunk: Chunk) -> Segment | None:
        """The last segment after ours was to be recorded: ours, or one of another steward."""
        stream = self._ground.rows(job.id)
        if await stream.record(segment, chunk):
            logger.info("Job %s: segment %d, %d rows", job.id, segment.number, sum(segment.rows.values()))
            return segment
        logger.warning(
            "Job %s: segment %d does not count: another steward's does, or the store has lost its rows",
            job.id,
            segment.number,
        )
        return await stream.last()

    # --- back-pressure ---

    async def keep_limit(self, job: Job, *, live_jobs: int) -> None:
        """Says how many rows of a job may wait; in every round, for other stewards say it too.

        Raises:
            StoreError: the store refuses us.
        """
        settings = self._ground.settings
        limit = settings.row_buffer_bytes
        memory = await self._rows_may_have()
        if memory:
            limit = min(limit, max(1, memory // max(1, live_jobs)))
        since = self._away_since(job)
        if since is not None and time.monotonic() - since >= settings.storage_patience_s:
            limit = 0
        await self._ground.rows(job.id).set_limit(limit)

    def forget(self, job: str) -> None:
        """A job has ended."""
        self._failing.pop(job, None)

    def _away_since(self, job: Job) -> float | None:
        """Since when the storage takes no rows of a job, as far as is known; monotonic seconds, None = it does.

        As long as it takes none of any job, it takes none of those either that have not tried.
        """
        if job.id in self._failing:
            return self._failing[job.id][0]
        first = min((since for since, _ in self._failing.values()), default=None)
        return first if first is not None and first > self._succeeded_at else None

    async def _rows_may_have(self) -> int:
        """Bytes of all rows in the store together; 0 = no limit."""
        if self._memory_share is None:
            lines = (await self._ground.store.command("INFO", "memory")).decode().splitlines()
            most = next((line.partition(":")[2] for line in lines if line.startswith("maxmemory:")), "0")
            self._memory_share = int(int(most) * _SHARE_OF_MEMORY)
        return self._memory_share

    def _note_failure(self, job: Job, error: ObjectStoreError) -> None:
        if not self._failing:
            logger.warning("The storage of files does not take rows of job %s: %s", job.id, error)
        since, _ = self._failing.get(job.id, (time.monotonic(), ""))
        self._failing[job.id] = since, _in_short(error)

    def _note_success(self, job: Job) -> None:
        self._succeeded_at = time.monotonic()
        if self._failing.pop(job.id, None) is not None:
            logger.info("The storage of files takes rows again (job %s)", job.id)


def _in_short(error: ObjectStoreError) -> str:
    """What went wrong, without the key of the segment that it went wrong with: the next one has another."""
    text = str(error)
    return _PATH.sub(r"\1", text.partition(": ")[2] or text)
