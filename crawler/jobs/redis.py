"""The jobs of a deployment, in a store of Redis or Valkey: one hash each, changed by Lua scripts only (`lua/*.lua`).

The order in which `newest` goes lies in a key of its own, which no script of a job can touch: a hint, written after the
job and taken away after it. A list therefore leaves out what it finds no job for, and `reindex` makes the order anew.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.errors import InvalidJob, NoSuchJob
from crawler.jobs.codec import STATUS_FIELDS, encode_job, status_from_fields, stored_job
from crawler.jobs.model import check_job_id, sentence
from crawler.jobs.states import TERMINAL, delete_refused, intent_refused, meant_by, transition_refused
from crawler.jobs.store_contract import MAX_SCANNED, JobPage, StoredJob, bounded, check_place, place
from crawler.store import Script, load_script
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crawler.jobs.model import Intended, Job, JobStatus, Outcome, State
    from crawler.store import Caller

logger: Final = logging.getLogger(__name__)

_LUA: Final = Path(__file__).parent / "lua"

#: So many jobs are looked up in one round trip.
_BATCH: Final = 100

_SCAN_COUNT: Final = 500

#: What has a meaning in a pattern of SCAN.
_GLOB: Final = re.compile(r"([*?\[\]\\])")
_ESCAPED: Final = r"\\\1"


def _script(name: str) -> Script:
    return load_script(_LUA, f"{name}.lua", preludes=("states.lua", "record.lua"))


_CREATE, _MOVE, _INTEND = _script("create"), _script("move"), _script("intend")
_WHY, _DELETE, _ADOPT = _script("why"), _script("delete"), _script("adopt")


class RedisJobStore:
    """See `crawler.jobs.store_contract.JobStore`."""

    def __init__(self, store: Caller) -> None:
        """`store`: where they lie."""
        self._store = store
        self._index = f"{store.prefix}:jobs"
        self._live = f"{store.prefix}:live"

    def _key(self, job: str) -> str:
        return f"{self._store.prefix}:{{{check_job_id(job)}}}:job"

    async def create(self, job: Job) -> tuple[Job, bool]:
        """See the contract."""
        record = encode_job(job)
        arguments = (record, job.created_ms, secrets.randbits(64))
        is_new, earlier, created_ms = await self._store.call(_CREATE, [self._key(job.id)], arguments)
        stored = stored_job(record if is_new else earlier, created_ms)
        await self._store.command("ZADD", self._index, 0, place(stored.id, stored.created_ms))
        await self._index_live([stored.id])  # an earlier call may have been cut short before it
        return stored, bool(is_new)

    async def get(self, job: str) -> StoredJob | None:
        """See the contract."""
        record, created_ms, *fields = await self._read(job, ("record", "created_ms", *STATUS_FIELDS))
        return None if record is None else StoredJob(stored_job(record, created_ms), status_from_fields(fields))

    async def status(self, job: str) -> JobStatus | None:
        """See the contract."""
        fields = await self._read(job, STATUS_FIELDS)
        return status_from_fields(fields) if fields[0] else None

    async def _read(self, job: str, fields: Sequence[str]) -> list[bytes | None]:
        values: list[bytes | None] = await self._store.command("HMGET", self._key(job), *fields)
        return values

    async def move(
        self,
        job: str,
        to: State,
        *,
        intended: Intended | None = None,
        outcome: Outcome | None = None,
        why: str | None = None,
        version: int | None = None,
    ) -> JobStatus:
        """See the contract."""
        asked = (to, intended or "", outcome or "", "" if version is None else version, *_why(why))
        is_done, status = await self._change(_MOVE, job, asked)
        if not is_done:
            raise transition_refused(status, to, intended=intended, outcome=outcome, version=version, job=f"job {job}")
        if status.state in TERMINAL:
            await self._store.command("SREM", self._live, job)
        return status

    async def intend(self, job: str, intended: Intended, *, why: str | None = None) -> JobStatus:
        """See the contract."""
        is_done, status = await self._change(_INTEND, job, (intended, *_why(why)))
        if not is_done:
            raise intent_refused(status, intended, job=f"job {job}")
        return status

    async def adopt(self, job: str, end: State, *, outcome: Outcome, why: str | None = None) -> JobStatus:
        """See the contract."""
        is_done, status = await self._change(_ADOPT, job, (end, outcome, meant_by(end), *_why(why)))
        if not is_done:
            raise transition_refused(status, end, intended=None, outcome=outcome, version=None, job=f"job {job}")
        await self._store.command("SREM", self._live, job)
        return status

    async def _change(self, script: Script, job: str, arguments: Sequence[str | int]) -> tuple[bool, JobStatus]:
        """Whether the script has done it, and the status after it."""
        is_done, fields = await self._store.call(script, [self._key(job)], arguments)
        if not fields[0]:
            raise NoSuchJob(f"there is no job {job}")
        return bool(is_done), status_from_fields(fields)

    async def set_why(self, job: str, why: str, *, version: int | None = None) -> bool:
        """See the contract."""
        asked = (sentence(why), "" if version is None else version)
        return bool(await self._store.call(_WHY, [self._key(job)], asked))

    async def delete(self, job: str) -> None:
        """See the contract."""
        where = await self._place(check_job_id(job))
        is_done, fields = await self._store.call(_DELETE, [self._key(job)], [])
        if not is_done:
            raise delete_refused(status_from_fields(fields), job=f"job {job}")
        await self._store.command("SREM", self._live, job)
        if where is not None:
            await self._store.command("ZREM", self._index, where)

    async def live(self) -> tuple[str, ...]:
        """See the contract."""
        return tuple(sorted(member.decode() for member in await self._store.command("SMEMBERS", self._live)))

    # --- the list ---

    async def newest(self, *, states: Collection[State] = (), after: str = "", limit: int = 50) -> JobPage:
        """See the contract."""
        found: list[StoredJob] = []
        at, scanned, room = check_place(after), 0, bounded(limit)
        while True:
            asked = min(_BATCH, MAX_SCANNED - scanned, _BATCH if states else room - len(found))
            places = await self._places(at, asked + 1)
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

    async def _places(self, behind: str, count: int) -> list[str]:
        start = f"({behind}" if behind else "+"
        members: list[bytes] = await self._store.command(
            "ZRANGE", self._index, start, "-", "BYLEX", "REV", "LIMIT", 0, count
        )
        return [member.decode() for member in members]

    async def _listed(self, where: str, states: Collection[State]) -> StoredJob | None:
        """The job at a place, if it is there, can be read, and is in one of the states."""
        job = where.partition(":")[2]
        try:
            status = await self.status(job) if states else None
            if states and (status is None or status.state not in states):
                return None
            stored = await self.get(job)
        except (InvalidJob, Undecodable) as error:
            logger.warning("The list of jobs leaves out %s, which cannot be read: %s", job, error)
            return None
        return stored if stored is not None and (not states or stored.status.state in states) else None

    async def reindex(self) -> int:
        """See the contract. Walks through all keys of the store, a few hundred at a time."""
        jobs: set[str] = set()
        cursor, pattern = 0, f"{_GLOB.sub(_ESCAPED, self._store.prefix)}:{{*}}:job"
        while True:
            cursor, keys = await self._store.command("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT)
            ids = [key.decode(errors="replace").rpartition("{")[2].partition("}")[0] for key in keys]
            places = [each for each in await asyncio.gather(*map(self._place, ids)) if each]
            if places:
                await self._store.command("ZADD", self._index, *(word for each in places for word in (0, each)))
                await self._index_live([each.partition(":")[2] for each in places])
            jobs.update(each.partition(":")[2] for each in places)
            if int(cursor) == 0:
                break
        await self._forget_dead()
        return len(jobs)

    async def _index_live(self, ids: Sequence[str]) -> None:
        """Makes the list of those that have not ended anew, as far as these jobs go."""
        fields = await asyncio.gather(*(self._read(each, ("state",)) for each in ids))
        pairs = zip(ids, fields, strict=True)
        ended = [each for each, (state,) in pairs if state is None or state.decode() in TERMINAL]
        live = sorted(set(ids).difference(ended))
        for word, members in (("SADD", live), ("SREM", ended)):
            if members:
                await self._store.command(word, self._live, *members)

    async def _forget_dead(self) -> None:
        """Takes places away at which there is no job any more."""
        at = ""
        while places := await self._places(at, _BATCH):
            present = await asyncio.gather(*(self._place(each.partition(":")[2]) for each in places))
            dead = [each for each, now in zip(places, present, strict=True) if each != now]
            if dead:
                await self._store.command("ZREM", self._index, *dead)
            at = places[-1]

    async def _place(self, job: str) -> str | None:
        """Where the job of an id is to stand; None if there is none."""
        try:
            (created_ms,) = await self._read(job, ("created_ms",))
        except InvalidJob:
            return None
        return place(job, int(created_ms)) if created_ms and created_ms.isdigit() else None


def _why(why: str | None) -> tuple[str, ...]:
    return () if why is None else (sentence(why),)
