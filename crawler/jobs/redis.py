"""The jobs of a deployment, in a store of Redis or Valkey: one hash each, changed by Lua scripts only (`lua/*.lua`).

What is kept beside them - their order, which of them have not ended - is a hint, see `redis_list`; `reindex` makes it
anew from the jobs themselves.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.errors import NoSuchJob
from crawler.jobs.codec import STATUS_FIELDS, encode_job, status_from_fields, stored_job
from crawler.jobs.hashes import JobHashes
from crawler.jobs.history import History, history_of
from crawler.jobs.listing import JobFilter
from crawler.jobs.model import Intended, State, check_job_id, sentence
from crawler.jobs.redis_list import RedisJobList
from crawler.jobs.reservations import RedisReservations
from crawler.jobs.states import TERMINAL, delete_refused, intent_refused, meant_by, transition_refused
from crawler.jobs.store_contract import place
from crawler.origin import NOTING, entries_key
from crawler.scripts import Script, load_script

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crawler.jobs.model import Job, JobStatus, Outcome
    from crawler.jobs.store_contract import JobPage, StoredJob
    from crawler.origin import Origin
    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"


def _script(name: str, *, notes: bool = False) -> Script:
    noting = (NOTING, "states.lua", "record.lua", "noted.lua")
    return load_script(_LUA, f"{name}.lua", preludes=noting if notes else ("states.lua", "record.lua"))


_CREATE, _MOVE, _INTEND = _script("create", notes=True), _script("move", notes=True), _script("intend", notes=True)
_WHY, _DELETE, _ADOPT, _LABEL = _script("why"), _script("delete"), _script("adopt"), _script("label")


#: What the audit calls a move into a state, and an intention.
_ACTIONS: Final = {State.PAUSED: "job.paused", State.RUNNING: "job.resumed"}
_INTENTIONS: Final = {
    Intended.SUCCEED: "job.ended",
    Intended.CANCEL: "job.cancelled",
    Intended.FAIL: "job.failed",
    Intended.EXPIRE: "job.expired",
}


class RedisJobStore:
    """See `crawler.jobs.store_contract.JobStore`."""

    def __init__(self, store: Caller, *, origin: Origin | None = None) -> None:
        """`store`: where they lie. `origin`: who asks for changes, which are noted then; None for who obeys."""
        self._store = store
        self._origin = origin
        self._entries = entries_key(store.prefix)
        self._hashes = JobHashes(store)
        self._list = RedisJobList(store, self._hashes)
        self._reservations = RedisReservations(store, self._hashes)
        self._live = f"{store.prefix}:live"

    async def create(self, job: Job) -> tuple[Job, bool]:
        """See the contract."""
        record = encode_job(job)
        words = self._words("job.created", job.id, client=job.client, after=_ordered(job))
        arguments = (record, job.created_ms, secrets.randbits(64), *_labels(job), int(job.replay is not None), words)
        keys = [self._hashes.key(job.id), self._entries]
        is_new, earlier, created_ms = await self._store.call(_CREATE, keys, arguments)
        stored = stored_job(record if is_new else earlier, created_ms)
        (
            _,
            (state,),
        ) = await asyncio.gather(  # also of an earlier job: the call that made it may have been cut short here
            self._list.add(place(stored.id, stored.created_ms), stored.client), self._hashes.read(job.id, "state")
        )
        said = None if state is None else state.decode(errors="replace")
        await self._index_live({job.id: (stored.client, said)})
        return stored, bool(is_new)

    async def get(self, job: str) -> StoredJob | None:
        """See the contract."""
        return await self._hashes.get(job)

    async def status(self, job: str) -> JobStatus | None:
        """See the contract."""
        fields = await self._hashes.read(job, *STATUS_FIELDS)
        return status_from_fields(fields) if fields[0] else None

    async def history(self, job: str) -> History | None:
        """See the contract."""
        *fields, changes = await self._hashes.read(job, *STATUS_FIELDS, "changes")
        return history_of(status_from_fields(fields), changes) if fields[0] else None

    async def owner(self, job: str) -> str | None:
        """See the contract."""
        return await self._hashes.owner(job)

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
        action = _ACTIONS.get(to, f"job.{to}")
        is_done, status = await self._change(_MOVE, job, asked, action=action)
        if not is_done:
            raise transition_refused(status, to, intended=intended, outcome=outcome, version=version, job=f"job {job}")
        if status.state in TERMINAL:
            await self._ended(job)
        return status

    async def intend(self, job: str, intended: Intended, *, why: str | None = None) -> JobStatus:
        """See the contract."""
        action = _INTENTIONS[intended]
        is_done, status = await self._change(_INTEND, job, (intended, *_why(why)), action=action)
        if not is_done:
            raise intent_refused(status, intended, job=f"job {job}")
        return status

    async def adopt(self, job: str, end: State, *, outcome: Outcome, why: str | None = None) -> JobStatus:
        """See the contract."""
        is_done, status = await self._change(_ADOPT, job, (end, outcome, meant_by(end), *_why(why)))
        if not is_done:
            raise transition_refused(status, end, intended=None, outcome=outcome, version=None, job=f"job {job}")
        await self._ended(job)
        return status

    async def _ended(self, job: str) -> None:
        """Is not live any more, and gives its place back."""
        client, _ = await asyncio.gather(self._hashes.owner(job), self._store.command("SREM", self._live, job))
        if client is not None:
            await self._reservations.release(client, job)

    async def _change(
        self, script: Script, job: str, arguments: Sequence[str | int], *, action: str = ""
    ) -> tuple[bool, JobStatus]:
        """Whether the script has done it, and the status after it. One that notes changes is told the action."""
        keys, words = [self._hashes.key(job)], list[bytes | str | int](arguments)
        if action:
            keys.append(self._entries)
            words.append(self._words(action, job))
        is_done, fields = await self._store.call(script, keys, words)
        if not fields[0]:
            raise NoSuchJob(f"there is no job {job}")
        return bool(is_done), status_from_fields(fields)

    def _words(self, action: str, job: str, *, client: str = "", after: Any = None) -> bytes:
        return b"" if self._origin is None else self._origin.words(action, job, client=client, after=after)

    async def set_why(self, job: str, why: str, *, version: int | None = None) -> bool:
        """See the contract."""
        asked = (sentence(why), "" if version is None else version)
        return bool(await self._store.call(_WHY, [self._hashes.key(job)], asked))

    async def delete(self, job: str) -> None:
        """See the contract."""
        key, placed = self._hashes.key(job), await self._hashes.placed(job)
        is_done, fields = await self._store.call(_DELETE, [key], [])
        if not is_done:
            raise delete_refused(status_from_fields(fields), job=f"job {job}")
        await self._store.command("SREM", self._live, job)
        if placed is not None:
            await self._list.remove(placed.where, placed.client)
        if placed is not None and placed.client is not None:
            await self._reservations.release(placed.client, job)

    async def live(self) -> tuple[str, ...]:
        """See the contract."""
        return tuple(sorted(member.decode() for member in await self._store.command("SMEMBERS", self._live)))

    async def newest(
        self,
        *,
        client: str = "",
        states: Collection[State] = (),
        outcomes: Collection[Outcome] = (),
        recipe: str = "",
        tag: str = "",
        created_after_ms: int | None = None,
        created_before_ms: int | None = None,
        after: str = "",
        limit: int = 50,
    ) -> JobPage:
        """See the contract."""
        wanted = JobFilter(
            client=client,
            states=states,
            outcomes=outcomes,
            recipe=recipe,
            tag=tag,
            created_after_ms=created_after_ms,
            created_before_ms=created_before_ms,
        )
        return await self._list.newest(wanted, after=after, limit=limit)

    async def live_of(self, client: str) -> tuple[str, ...]:
        """See the contract."""
        return await self._reservations.live_of(client)

    async def reserve(self, client: str, job: str, limit: int | None) -> bool:
        """See the contract."""
        return await self._reservations.reserve(client, job, limit)

    async def release(self, client: str, job: str) -> None:
        """See the contract."""
        await self._reservations.release(client, check_job_id(job))

    async def reindex(self) -> int:
        """See the contract. Walks through all keys of the store, a few hundred at a time."""
        jobs: set[str] = set()
        async for found in self._list.walk():
            await asyncio.gather(
                *(self._list.add(each.where, each.client) for each in found.values()),
                *(self._label(each.unlabelled) for each in found.values() if each.unlabelled is not None),
            )
            await self._index_live({job: (each.client, each.state) for job, each in found.items()})
            jobs.update(found)
        await self._list.forget_dead()
        await self._reservations.forget_dead()
        return len(jobs)

    async def _label(self, job: Job) -> None:
        await self._store.call(_LABEL, [self._hashes.key(job.id)], _labels(job))

    async def _index_live(self, jobs: Mapping[str, tuple[str | None, str | None]]) -> None:
        """Makes the lists of those that have not ended anew, as far as these jobs go: client and state of each."""
        ended = [job for job, (_, state) in jobs.items() if state is None or state in TERMINAL]
        live = sorted(set(jobs).difference(ended))
        calls = [self._store.command("SADD", self._live, *live)] if live else []
        calls += [self._store.command("SREM", self._live, *ended)] if ended else []
        owners = ((job, jobs[job][0]) for job in live)
        await asyncio.gather(*calls, *(self._reservations.count(client, job) for job, client in owners if client))


def _ordered(job: Job) -> dict[str, Any]:
    """What the audit has of an order. Not its inputs: a client may put secrets there."""
    return {
        "recipe": job.recipe,
        "recipe_sha256": job.recipe_sha256,
        "spider": job.spider,
        "priority": job.priority,
        "max_workers": job.max_workers,
        "limits": job.limits,
        "tags": job.tags,
        "replay": job.replay,
    }


def _labels(job: Job) -> tuple[str, str, bytes]:
    """What a job is found by, as `set_labels` of `lua/record.lua` takes it."""
    return job.client, job.recipe, msgspec.json.encode(job.tags)


def _why(why: str | None) -> tuple[str, ...]:
    return () if why is None else (sentence(why),)
