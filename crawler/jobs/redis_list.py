"""The order of the jobs in Redis or Valkey: a sorted set of places for all, and one for those of each client.

They lie in keys of their own, which no script of a job can touch: hints, written after the job and taken away after it.
A list therefore leaves out what it finds no job for, and believes only the job itself whose it is. Changes no job.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Final

from crawler.errors import InvalidJob
from crawler.jobs.store_contract import MAX_SCANNED, JobPage, StoredJob, bounded, check_place
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from crawler.jobs.hashes import JobHashes, Placed
    from crawler.jobs.model import State
    from crawler.store import Caller

logger: Final = logging.getLogger(__name__)

#: So many jobs are looked up in one round trip.
_BATCH: Final = 100

_SCAN_COUNT: Final = 500

#: What has a meaning in a pattern of SCAN.
_GLOB: Final = re.compile(r"([*?\[\]\\])")
_ESCAPED: Final = r"\\\1"


class RedisJobList:
    """The lists of a store."""

    def __init__(self, store: Caller, hashes: JobHashes) -> None:
        self._store = store
        self._hashes = hashes
        self._all = f"{store.prefix}:jobs"
        self._of = f"{store.prefix}:jobs:of:"

    async def add(self, where: str, client: str | None) -> None:
        """Puts a job into the order, and into that of its client."""
        await asyncio.gather(*(self._store.command("ZADD", key, 0, where) for key in self._keys(client)))

    async def remove(self, where: str, client: str | None) -> None:
        """Takes a job out of both."""
        await asyncio.gather(*(self._store.command("ZREM", key, where) for key in self._keys(client)))

    async def newest(self, *, states: Collection[State], after: str, limit: int) -> JobPage:
        """See `JobStore.newest`."""
        found: list[StoredJob] = []
        at, scanned, room = check_place(after), 0, bounded(limit)
        while True:
            asked = min(_BATCH, MAX_SCANNED - scanned, _BATCH if states else room - len(found))
            places = await self._places(self._all, at, asked + 1)
            has_more = len(places) > asked
            jobs = await asyncio.gather(*(self._listed(each, states) for each in places[:asked]))
            for number, stored in enumerate(jobs, 1):
                found += [] if stored is None else [stored]
                if len(found) == room:
                    is_last = number == len(jobs) and not has_more
                    return JobPage(jobs=tuple(found), next="" if is_last else places[number - 1])
            scanned += len(jobs)
            if not has_more:
                return JobPage(jobs=tuple(found))
            at = places[asked - 1]
            if scanned == MAX_SCANNED:
                return JobPage(jobs=tuple(found), next=at)

    async def walk(self) -> AsyncIterator[dict[str, Placed]]:
        """All jobs, in no order, a few hundred at a time; goes through all keys of the store."""
        async for keys in self._scan("{*}:job"):
            ids = [key.rpartition("{")[2].partition("}")[0] for key in keys]
            placed = await asyncio.gather(*map(self._hashes.placed, ids))
            yield {job: each for job, each in zip(ids, placed, strict=True) if each is not None}

    async def forget_dead(self) -> None:
        """Takes places away at which there is no job any more, or none of this client."""
        await self._forget_dead(self._all, None)
        async for keys in self._scan("jobs:of:*"):
            for key in keys:
                await self._forget_dead(key, key.removeprefix(self._of))

    def _keys(self, client: str | None) -> tuple[str, ...]:
        return (self._all,) if client is None else (self._all, self._of + client)

    async def _scan(self, pattern: str) -> AsyncIterator[list[str]]:
        cursor, matching = 0, f"{_GLOB.sub(_ESCAPED, self._store.prefix)}:{pattern}"
        while True:
            cursor, keys = await self._store.command("SCAN", cursor, "MATCH", matching, "COUNT", _SCAN_COUNT)
            yield [key.decode(errors="replace") for key in keys]
            if int(cursor) == 0:
                return

    async def _places(self, key: str, behind: str, count: int) -> list[str]:
        start = f"({behind}" if behind else "+"
        members: list[bytes] = await self._store.command("ZRANGE", key, start, "-", "BYLEX", "REV", "LIMIT", 0, count)
        return [member.decode() for member in members]

    async def _listed(self, where: str, states: Collection[State]) -> StoredJob | None:
        """The job at a place, if it is there, can be read, and is in one of the states."""
        job = where.partition(":")[2]
        try:
            if states:
                (state,) = await self._hashes.read(job, "state")
                if state is None or state.decode(errors="replace") not in states:
                    return None
            stored = await self._hashes.get(job)
        except (InvalidJob, Undecodable) as error:
            logger.warning("The list of jobs leaves out %s, which cannot be read: %s", job, error)
            return None
        return stored if stored is not None and (not states or stored.status.state in states) else None

    async def _forget_dead(self, key: str, client: str | None) -> None:
        at = ""
        while places := await self._places(key, at, _BATCH):
            present = await asyncio.gather(*(self._hashes.placed(each.partition(":")[2]) for each in places))
            dead = [
                where
                for where, now in zip(places, present, strict=True)
                if now is None or now.where != where or client not in (None, now.client)
            ]
            if dead:
                await self._store.command("ZREM", key, *dead)
            at = places[-1]
