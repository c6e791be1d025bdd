"""Copies of what earlier runs of a series were like, in the store: a hash of each series, by job.

    PREFIX:{series:SERIES}:runs   hash: job -> record, as whoever writes it encodes it

The records lie beside the files, too, and either may be lost. A series that had no run for half a year is forgotten
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.store import Caller

#: A series without a new run for so long leaves the store, in ms.
KEEP_MS: Final = 180 * 86_400_000


class RedisRunRecords:
    """The copies of one series."""

    def __init__(self, store: Caller, *, series: str) -> None:
        """`series`: see `crawler.exports.series`."""
        self._store = store
        self._key = f"{store.prefix}:{{series:{series}}}:runs"

    async def put(self, job: str, record: bytes) -> None:
        """Keeps the record of a run; the same one again replaces it.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.command("HSET", self._key, job, record)
        await self._store.command("PEXPIRE", self._key, KEEP_MS)

    async def all(self) -> dict[str, bytes]:
        """All of them, by job.

        Raises:
            StoreError: the store refuses us.
        """
        flat = await self._store.command("HGETALL", self._key)
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return {job.decode(): record for job, record in pairs}

    async def drop(self, jobs: Collection[str]) -> None:
        """Forgets runs.

        Raises:
            StoreError: the store refuses us.
        """
        if jobs:
            await self._store.command("HDEL", self._key, *jobs)
