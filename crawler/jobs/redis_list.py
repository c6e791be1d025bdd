"""The order of the jobs in Redis or Valkey: a sorted set of places for all, and one for those of each client.

They lie in keys of their own, which no script of a job can touch: hints, written after the job and taken away after it.
A list therefore leaves out what it finds no job for, and believes only the job itself whose it is. Changes no job.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import InvalidJob
from crawler.jobs.codec import MAX_JOB_BYTES
from crawler.jobs.hashes import WHOLE, whole
from crawler.jobs.model import check_job_id
from crawler.jobs.store_contract import MAX_PAGE_BYTES, MAX_SCANNED, JobPage, StoredJob, bounded, check_place
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from crawler.jobs.hashes import JobHashes, Placed
    from crawler.jobs.listing import JobFilter
    from crawler.store import Caller

logger: Final = logging.getLogger(__name__)

#: So many jobs are looked at in the first round trip of a list that has to look at them; in each more of them twice as
#: many, up to the second number.
_BATCH: Final = 100
_MAX_BATCH: Final = 400

_LEFT_OUT: Final = "The list of jobs leaves out %s, which cannot be read: %s"

_TAGS: Final = msgspec.json.Decoder(list[str])


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

    async def newest(self, wanted: JobFilter, *, after: str, limit: int) -> JobPage:
        """See `JobStore.newest`."""
        key = self._of + wanted.client if wanted.client else self._all
        at = min(filter(None, (check_place(after), wanted.behind)), default="")
        found: list[StoredJob] = []
        scanned, room, batch, room_bytes = 0, bounded(limit), _BATCH, MAX_PAGE_BYTES
        while True:
            needed = batch if wanted.looks_inside else room - len(found)
            asked = min(needed, MAX_SCANNED - scanned)
            places = await self._places(key, at, asked + 1, first=wanted.first)
            has_more, looked = len(places) > asked, places[:asked]
            fitting = await self._fitting(looked, wanted)
            asked_for = fitting[: room - len(found)]
            taken = await self._affordable(asked_for, room_bytes)
            listed, size = await self._listed(taken, wanted)
            found += listed
            room_bytes -= size if len(taken) == len(asked_for) else room_bytes
            if len(taken) < len(fitting) or len(found) == room:  # those behind it have not been looked at
                at = taken[-1]
                scanned += looked.index(at) + 1
                has_more = has_more or at != looked[-1]
            else:
                at = looked[-1] if looked else at
                scanned += len(looked)
            if not has_more:
                return JobPage(jobs=tuple(found))
            if len(found) == room or scanned == MAX_SCANNED or room_bytes <= 0:
                return JobPage(jobs=tuple(found), next=at)
            batch = min(2 * batch, _MAX_BATCH)

    async def walk(self) -> AsyncIterator[dict[str, Placed]]:
        """All jobs, in no order, a few hundred at a time; goes through all keys of the store."""
        async for keys in self._hashes.scan("{*}:job"):
            ids = [key.rpartition("{")[2].partition("}")[0] for key in keys]
            placed = await asyncio.gather(*map(self._hashes.placed, ids))
            yield {job: each for job, each in zip(ids, placed, strict=True) if each is not None}

    async def forget_dead(self) -> None:
        """Takes places away at which there is no job any more, or none of this client."""
        await self._forget_dead(self._all, None)
        async for keys in self._hashes.scan("jobs:of:*"):
            for key in keys:
                await self._forget_dead(key, key.removeprefix(self._of))

    def _keys(self, client: str | None) -> tuple[str, ...]:
        return (self._all,) if client is None else (self._all, self._of + client)

    async def _places(self, key: str, behind: str, count: int, *, first: str = "") -> list[str]:
        start, stop = f"({behind}" if behind else "+", f"[{first}" if first else "-"
        members: list[bytes] = await self._store.command("ZRANGE", key, start, stop, "BYLEX", "REV", "LIMIT", 0, count)
        return [member.decode() for member in members]

    async def _fitting(self, places: Sequence[str], wanted: JobFilter) -> Sequence[str]:
        """The places whose jobs may be such as are wanted: of each no more is read than it takes to know."""
        glance, possible = _Glance(wanted), [each for each in places if _job_at(each)]
        if not glance.fields:
            return possible
        seen = await self._hashes.read_many([_job_at(each) for each in possible], *glance.fields)
        return [each for each, values in zip(possible, seen, strict=True) if glance.may_fit(values)]

    async def _affordable(self, places: Sequence[str], room_bytes: int) -> Sequence[str]:
        """As many of these places as have jobs that fit together, one at least."""
        if len(places) * MAX_JOB_BYTES <= room_bytes:
            return places  # whatever they are
        total = 0
        for number, size in enumerate(await self._hashes.sizes([_job_at(each) for each in places])):
            total += size
            if number and total > room_bytes:
                return places[:number]
        return places

    async def _listed(self, places: Sequence[str], wanted: JobFilter) -> tuple[list[StoredJob], int]:
        """The jobs at these places that are there, can be read, and are wanted; and how many bytes were read."""
        ids, found, size = [_job_at(each) for each in places], list[StoredJob](), 0
        for job, values in zip(ids, await self._hashes.read_many(ids, *WHOLE), strict=True):
            size += len(values[0] or b"")
            try:
                stored = whole(values)
            except Undecodable as error:
                logger.warning(_LEFT_OUT, job, error)
                continue
            if stored is not None and wanted.fits(stored):
                found.append(stored)
        return found, size

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


def _job_at(where: str) -> str:
    """The id of the job at a place; "" if it cannot be one, which is logged."""
    try:
        return check_job_id(where.partition(":")[2])
    except InvalidJob as error:
        logger.warning(_LEFT_OUT, where, error)
        return ""


class _Glance:
    """Tells by a few fields of a job which cannot be wanted; the others are read, and judged by `JobFilter.fits`."""

    def __init__(self, wanted: JobFilter) -> None:
        self._checks: dict[str, Callable[[bytes | None], bool]] = {}
        if wanted.states:
            self._checks["state"] = {each.encode() for each in wanted.states}.__contains__
        if wanted.outcomes:
            self._checks["outcome"] = {each.encode() for each in wanted.outcomes}.__contains__
        if wanted.recipe:
            recipe = wanted.recipe.encode("utf-8", "surrogatepass")
            self._checks["recipe"] = {recipe, None}.__contains__  # an older job says it in its record alone
        if wanted.tag:
            self._checks["tags"] = lambda tags: tags is None or _has(tags, wanted.tag)

    @property
    def fields(self) -> tuple[str, ...]:
        """What has to be read."""
        return tuple(self._checks)

    def may_fit(self, values: Sequence[bytes | None]) -> bool:
        """Whether a job with these values of `fields` may be wanted."""
        return all(check(value) for check, value in zip(self._checks.values(), values, strict=True))


def _has(tags: bytes, tag: str) -> bool:
    try:
        return tag in _TAGS.decode(tags)
    except msgspec.DecodeError:
        return True  # the record knows
