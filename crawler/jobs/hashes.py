"""The hashes in which jobs lie in Redis or Valkey, as those read them who change nothing: one hash for each job.

Its fields are described in `lua/states.lua`. Knows neither the order of jobs nor what may follow what.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from crawler.errors import InvalidJob
from crawler.jobs.codec import STATUS_FIELDS, status_from_fields, stored_job
from crawler.jobs.model import check_job_id
from crawler.jobs.store_contract import StoredJob, place
from crawler.scripts import load_script
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from crawler.jobs.model import Job
    from crawler.store import Caller

_SCAN_COUNT: Final = 500

#: What has a meaning in a pattern of SCAN.
_GLOB: Final = re.compile(r"([*?\[\]\\])")
_ESCAPED: Final = r"\\\1"


_LUA: Final = Path(__file__).parent / "lua"
_READ, _SIZES = load_script(_LUA, "read.lua"), load_script(_LUA, "sizes.lua")

#: One call reads so many jobs; if it reads all of them, so many: that is a small part of what the slowest script may
#: take, and recipes may be large.
_AT_ONCE: Final = 100
_WHOLE_AT_ONCE: Final = 25

#: The fields that are all of a job, see `whole`.
WHOLE: Final = ("record", "created_ms", *STATUS_FIELDS)


class Placed(NamedTuple):
    """Where a job is to stand in lists.

    Attributes:
        where: its place.
        client: whose it is; None if its record cannot be read.
        state: where it is; None for a hash that is no job.
        unlabelled: the job itself, if it was accepted when what it is found by was not kept beside its record.
    """

    where: str
    client: str | None
    state: str | None
    unlabelled: Job | None = None


class JobHashes:
    """The hashes of a store."""

    def __init__(self, store: Caller) -> None:
        self._store = store

    def key(self, job: str) -> str:
        """The key of a job's hash.

        Raises:
            InvalidJob: that is no id.
        """
        return f"{self._store.prefix}:{{{check_job_id(job)}}}:job"

    async def read(self, job: str, *fields: str) -> list[bytes | None]:
        """The values of these fields; all are None if there is no such job."""
        values: list[bytes | None] = await self._store.command("HMGET", self.key(job), *fields)
        return values

    async def read_many(self, jobs: Sequence[str], *fields: str) -> list[list[bytes | None]]:
        """The same for many jobs, in the same order."""
        keys, size = [self.key(job) for job in jobs], _WHOLE_AT_ONCE if "record" in fields else _AT_ONCE
        parts = (keys[at : at + size] for at in range(0, len(keys), size))
        answers: list[list[list[bytes | None]]] = await asyncio.gather(
            *(self._store.call(_READ, part, fields) for part in parts)
        )
        return [values for answer in answers for values in answer]

    async def sizes(self, jobs: Sequence[str]) -> list[int]:
        """How many bytes their records have, in the same order; 0 where there is none."""
        sizes: list[int] = await self._store.call(_SIZES, [self.key(job) for job in jobs], ["record"]) if jobs else []
        return sizes

    async def get(self, job: str) -> StoredJob | None:
        """The job of an id and how far it has come; None if there is none."""
        return whole(await self.read(job, *WHOLE))

    async def owner(self, job: str) -> str | None:
        """Whose job it is. One command of one shape, whether there is such a job or not: its time tells nothing."""
        client: bytes | None = await self._store.command("HGET", self.key(job), "client")
        return None if client is None else client.decode(errors="replace")

    async def placed(self, job: str) -> Placed | None:
        """Where a job is to stand; None if there is none of this id, or what has its key is no job."""
        try:
            created_ms, client, state = await self.read(job, "created_ms", "client", "state")
        except InvalidJob:
            return None
        if not created_ms or not created_ms.isdigit():
            return None
        where = place(job, int(created_ms))
        said = None if state is None else state.decode(errors="replace")
        if client is not None:
            return Placed(where, client.decode(errors="replace"), said)
        earlier = await self._record(job, created_ms)
        return Placed(where, None if earlier is None else earlier.client, said, earlier)

    async def scan(self, pattern: str) -> AsyncIterator[list[str]]:
        """The keys of the store that are of this pattern behind its prefix, a few hundred at a time."""
        cursor, matching = 0, f"{_GLOB.sub(_ESCAPED, self._store.prefix)}:{pattern}"
        while True:
            cursor, keys = await self._store.command("SCAN", cursor, "MATCH", matching, "COUNT", _SCAN_COUNT)
            yield [key.decode(errors="replace") for key in keys]
            if int(cursor) == 0:
                return

    async def _record(self, job: str, created_ms: bytes) -> Job | None:
        (record,) = await self.read(job, "record")
        try:
            return None if record is None else stored_job(record, created_ms)
        except Undecodable:
            return None


def whole(values: Sequence[bytes | None]) -> StoredJob | None:
    """The job and how far it has come, from the values of `WHOLE`; None if there is none.

    Raises:
        Undecodable: they are not what they should be.
    """
    record, created_ms, *fields = values
    return None if record is None else StoredJob(stored_job(record, created_ms), status_from_fields(fields))
