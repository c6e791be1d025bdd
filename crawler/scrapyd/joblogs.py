"""Keeps the log of a worker beside the files of its job, so that it outlives the node.

Only where a storage of files is named, and only when the worker has ended: a node that is killed has its logs on its
own disk.
"""

from __future__ import annotations

import asyncio
import io
import logging
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError
from crawler.exports.keys import JobKeys

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.exports.objects import ObjectStore
    from crawler.jobs.redis import RedisJobStore

logger: Final = logging.getLogger(__name__)

#: Of a longer log the end is kept.
MAX_LOG_BYTES: Final = 64 * 1024 * 1024

_CONTENT_TYPE: Final = "text/plain; charset=utf-8"


async def keep_log(objects: ObjectStore | None, jobs: RedisJobStore, *, job: str, seat: str, path: Path) -> None:
    """Writes the log as `CLIENT/JOB/log/SEAT.log`. What fails is logged: a log is not worth a worker.

    Args:
        objects: where to; None = nowhere.
        jobs: say whose job it is.
        job: its id.
        seat: of the worker.
        path: its log on this machine.
    """
    if objects is None:
        return
    try:
        stored = await jobs.get(job)
        if stored is not None:
            key = JobKeys(client=stored.job.client, job=job).log(f"{seat}.log")
            await asyncio.to_thread(_put, objects, key, path)
    except (CrawleryError, OSError) as error:
        logger.warning("The log of job %s stays on this node (%s): %s", job, path, error)


def _put(objects: ObjectStore, key: str, path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - MAX_LOG_BYTES))
        if size > MAX_LOG_BYTES:
            file.readline()  # the rest of a line whose beginning is left out
        objects.put(key, file.read(), content_type=_CONTENT_TYPE)
