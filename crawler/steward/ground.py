"""What the duties of a steward stand on: its store, its storage of files, and how patient it is.

Values and connections only; what is done with them is in the module of each duty.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.exports.objects import ObjectStore
    from crawler.jobs.redis import RedisJobStore
    from crawler.store import Caller

MIB: Final = 1024 * 1024

_T = TypeVar("_T")

#: Each of the jobs whose files are worked on has a thread, so that one whose call hangs keeps no other one waiting.
_THREADS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="files")


@dataclass(frozen=True, kw_only=True, slots=True)
class StewardSettings:
    """How a steward works. Times in seconds.

    Attributes:
        name: of this one, for logs.
        tick_s: each job that has not ended is looked at so often.
        hold_s: another steward takes a job over when this one has been silent for so long.
        segment_bytes: rows of so many bytes are a segment,
        segment_age_s: or fewer, when the oldest of them has waited for so long.
        row_buffer_bytes: no pages are given out to a job while more rows than these wait in the store.
        storage_patience_s: when the storage of files has failed for so long, its jobs are given no pages.
        seat_ttl_s: as nodes have it.
        lease_ttl_s: as workers have it.
        folder: for files while they are composed.
        keep_jobs_s: an ended job leaves the store after so long.
        keep_orphans_s: objects that nothing names are removed after so long.
        audit_key: entries of the audit are sealed with it; b"" = they are not.
        anchor_every_s: how far the seals have come is put into the storage of files so often.
        audit_entries: the store keeps so many entries of the audit at least,
        audit_piece: and older ones are put away in pieces of so many.
    """

    name: str = "steward"
    tick_s: float = 1.0
    hold_s: float = 10.0
    segment_bytes: int = 8 * MIB
    segment_age_s: float = 30.0
    row_buffer_bytes: int = 64 * MIB
    storage_patience_s: float = 5.0
    seat_ttl_s: float = 30.0
    lease_ttl_s: float = 60.0
    folder: Path = Path("/tmp")  # noqa: S108 - the command line says where; in tests each has its own
    keep_jobs_s: float = 7 * 86400.0
    keep_orphans_s: float = 86400.0
    audit_key: bytes = field(default=b"", repr=False)
    anchor_every_s: float = 300.0
    audit_entries: int = 20_000
    audit_piece: int = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """See the module."""

    store: Caller
    jobs: RedisJobStore
    objects: ObjectStore
    settings: StewardSettings

    def frontier(self, job: str) -> RedisFrontier:
        """The pages of a job."""
        return RedisFrontier(self.store, job=job, ttl_s=self.settings.lease_ttl_s)

    def rows(self, job: str) -> RedisRowStream:
        """Its rows on their way into segments."""
        return RedisRowStream(self.store, job=job)

    async def now_ms(self) -> int:
        """Ms since 1970, of the store's clock."""
        seconds, micros = await self.store.command("TIME")
        return int(seconds) * 1000 + int(micros) // 1000


async def in_thread(call: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """Runs what waits for disks and other machines beside the loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, partial(call, *args, **options))
