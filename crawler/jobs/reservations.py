"""How many jobs of a client have not ended: a sorted set of each client, in which a job is before it is accepted.

A job gets its place by a script, so of many that are ordered at once no more than allowed do. A place is given back
when its job has ended; where that was not done, because a process died, it is found out when the places run out. Knows
what a client may have only from who asks.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from crawler.jobs.model import check_job_id
from crawler.jobs.states import TERMINAL
from crawler.jobs.store_contract import RESERVED_MS
from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.jobs.hashes import JobHashes
    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"
_RESERVE = load_script(_LUA, "reserve.lua", preludes=("reservations.lua",))
_LIVE_OF = load_script(_LUA, "live_of.lua", preludes=("reservations.lua",))
_FORGET = load_script(_LUA, "forget.lua", preludes=("reservations.lua",))


class _Counted(NamedTuple):
    """A job that is counted, and its score as the store writes it."""

    job: str
    score: bytes


class RedisReservations:
    """The reservations of a store."""

    def __init__(self, store: Caller, hashes: JobHashes) -> None:
        self._store = store
        self._hashes = hashes

    async def reserve(self, client: str, job: str, limit: int | None) -> bool:
        """See `JobStore.reserve`."""
        asked = (check_job_id(job), "" if limit is None else max(0, limit))
        is_reserved, *rest = await self._store.call(_RESERVE, [self._key(client)], asked)
        if is_reserved:
            return True
        dead = await self._dead(*rest)
        if not dead:
            return False
        is_reserved, *_ = await self._store.call(_RESERVE, [self._key(client)], (*asked, *_words(dead)))
        return bool(is_reserved)

    async def live_of(self, client: str) -> tuple[str, ...]:
        """See `JobStore.live_of`."""
        now_ms, counted = await self._store.call(_LIVE_OF, [self._key(client)], [])
        dead = await self._dead(now_ms, counted)
        return tuple(sorted(each.job for each in _pairs(counted) if each not in dead))

    async def release(self, client: str, job: str) -> None:
        """See `JobStore.release`."""
        await self._store.command("ZREM", self._key(client), job)

    async def forget_dead(self) -> None:
        """Counts nobody any more whose job has ended, for all clients."""
        async for keys in self._hashes.scan("live:of:*"):
            for key in keys:
                now_ms, counted = await self._store.call(_LIVE_OF, [key], [])
                dead = await self._dead(now_ms, counted)
                if dead:
                    await self._store.call(_FORGET, [key], _words(dead))

    async def count(self, client: str, job: str) -> None:
        """Counts a job that has been accepted, whether there was room for it or not."""
        await self._store.command("ZINCRBY", self._key(client), 1, job)

    async def _dead(self, now_ms: int, counted: list[bytes]) -> set[_Counted]:
        """Those of them whose jobs have ended, or were not accepted in the time that there is for it."""
        pairs = _pairs(counted)
        states = await asyncio.gather(*(self._hashes.read(each.job, "state") for each in pairs))
        return {
            each
            for each, (state,) in zip(pairs, states, strict=True)
            if (float(each.score) + RESERVED_MS <= now_ms if state is None else state.decode() in TERMINAL)
        }

    def _key(self, client: str) -> str:
        return f"{self._store.prefix}:live:of:{client}"


def _words(counted: Iterable[_Counted]) -> list[str | bytes]:
    return [word for each in counted for word in each]


def _pairs(counted: list[bytes]) -> list[_Counted]:
    return [_Counted(job.decode(), score) for job, score in zip(counted[::2], counted[1::2], strict=True)]
