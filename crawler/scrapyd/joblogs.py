"""Keeps the logs of workers beside the files of their jobs, so that they outlive the node: while they run, too.

Only where a storage of files is named. What a worker writes is put there within two seconds, by the node, so that it is
there however worker and node end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, ObjectStoreError
from crawler.exports.keys import JobKeys
from crawler.joblogs.writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.exports.objects import ObjectStore
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.redis import RedisJobStore

logger: Final = logging.getLogger(__name__)

#: What a worker has written is put so often, in seconds.
FLUSH_EVERY_S: Final = 1.0

#: When a worker has ended while the storage of files is away, its last words are tried again after these pauses.
_PAUSES_S: Final = (1.0, 4.0, 15.0, 40.0)


class KeptLog:
    """The log of one worker, on its way. Begins when it is made, and ends with `finish`."""

    def __init__(
        self, objects: ObjectStore | None, jobs: RedisJobStore, *, job: str, attempt: Attempt, path: Path
    ) -> None:
        """Begins to keep it.

        Args:
            objects: where to; None = nowhere.
            jobs: say whose job it is.
            job: its id.
            attempt: of the worker.
            path: its log on this machine.
        """
        self._objects = objects
        self._jobs = jobs
        self._job = job
        self._attempt = attempt
        self._path = path
        self._writer: LogWriter | None = None
        self._problem = ""
        self._may_pass = False
        self._task = None if objects is None else asyncio.get_running_loop().create_task(self._keep(objects))
        self._over = asyncio.Event()

    async def finish(self) -> None:
        """The worker has ended: keeps what is left. What fails is logged: a log is not worth a worker."""
        self._over.set()
        if self._task is not None:
            await self._task

    async def _keep(self, objects: ObjectStore) -> None:
        ended = False
        while not ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), timeout=FLUSH_EVERY_S)
            ended = self._over.is_set()
            await self._flush(objects, ended=ended)
        for pause_s in _PAUSES_S:
            if not self._may_pass:
                break
            await asyncio.sleep(pause_s)
            await self._flush(objects, ended=True)
        if self._problem:
            logger.warning("The log of job %s stays on this node (%s): %s", self._job, self._path, self._problem)

    async def _flush(self, objects: ObjectStore, *, ended: bool) -> None:
        """One flush; the next one, if there is one, makes up for what fails."""
        try:
            if self._writer is None:
                stored = await self._jobs.get(self._job)
                if stored is None:
                    return  # it has been deleted, and its files are nobody's
                self._writer = LogWriter(
                    objects,
                    JobKeys(client=stored.job.client, job=self._job),
                    path=self._path,
                    seat=self._attempt.seat,
                    node=self._attempt.node,
                    worker=self._attempt.worker,
                    started_ms=self._attempt.started_ms,
                )
            await asyncio.to_thread(self._writer.flush, ended=ended)
        except (CrawleryError, OSError) as error:
            self._problem = str(error)
            self._may_pass = isinstance(error, ObjectStoreError) and error.passing
        else:
            self._problem, self._may_pass = "", False
