"""What one job leaves for its replay, and how a replay is given it: failed pages, and all ids that the job knew.

A replay is a job of its own with the secret of the first one, so both have the same ids. It begins with the pages that
failed there, and knows every other page as seen, every key of a row as kept. What is given is given any number of
times, by whoever comes along; it counts when `end` has been called.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.frontier.closed import OF_REPLAYS, tidy
from crawler.frontier.contract import Fate
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.failed_pages import FailedPage
from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from crawler.scripts import Script
    from crawler.store import Caller, Word

_LUA: Final = Path(__file__).parent / "lua"
_FILL: Final = load_script(_LUA, "replay_fill.lua", preludes=("frontier.lua",))
_END: Final = load_script(_LUA, "replay_end.lua", preludes=("frontier.lua",))

#: Ids in one call: the store is a millisecond at it.
_IDS: Final = 1000

#: Calls, or shards that are read, at once.
_AT_ONCE: Final = 20
_SHARDS_AT_ONCE: Final = 200

#: Failed pages that are read in one call.
_PAGES: Final = 1000


class RedisReplays:
    """See the module."""

    def __init__(self, store: Caller, *, job: str, ttl_s: float = 60.0) -> None:
        """`job`: the one that leaves something, or the one that is given it; `ttl_s`: what leases usually live."""
        self._store = store
        self._base = f"{store.prefix}:{{{job}}}:"
        self._keys = (f"{self._base}books",)
        self._frontier = RedisFrontier(store, job=job, ttl_s=ttl_s)

    # --- what a job leaves ---

    async def failed(self) -> tuple[FailedPage, ...]:
        """Its pages that failed, as far as their requests are kept.

        Raises:
            StoreError: the store refuses us.
        """
        found: dict[bytes, bytes] = {}
        cursor = b"0"
        while True:
            cursor, part = await self._store.command("HSCAN", f"{self._base}failed", cursor, "COUNT", _PAGES)
            found.update(zip(part[::2], part[1::2], strict=True))
            if cursor == b"0":
                return tuple(_failed_page(page, kept) for page, kept in sorted(found.items()))

    async def ids(self) -> AsyncIterator[tuple[str, list[int]]]:
        """All ids that it knows, some at a time, with the name of their set.

        Raises:
            StoreError: the store refuses us.
        """
        fields = await self._store.command("HKEYS", f"{self._base}sets")
        for field in sorted(each for each in fields if each.endswith(b":n")):
            name, count = field.decode()[:-2], int(await self._store.command("HGET", f"{self._base}sets", field))
            for first in range(0, count, _SHARDS_AT_ONCE):
                keys = [f"{self._base}set:{name}:{k}" for k in range(first, min(count, first + _SHARDS_AT_ONCE))]
                parts = await asyncio.gather(*(self._store.command("SMEMBERS", key) for key in keys))
                yield name, [int(member) for part in parts for member in part]

    async def tidy(self) -> None:
        """Removes what a closed job has left; it is elsewhere by now.

        Raises:
            StoreError: the store refuses us.
        """
        await tidy(self._store, self._base, OF_REPLAYS)

    # --- what a replay is given ---

    async def is_open(self) -> bool:
        """Whether it still has to be given something.

        Raises:
            StoreError: the store refuses us.
        """
        preparing: bytes | None = await self._store.command("HGET", f"{self._base}books", "preparing")
        return preparing == b"1"

    async def fill(self, name: str, ids: Sequence[int]) -> bool:
        """Makes it know ids of a set; False if it has been prepared meanwhile, or has ended.

        Raises:
            StoreError: the store refuses us.
        """
        calls: list[list[Word]] = [[name, *ids[first : first + _IDS]] for first in range(0, len(ids), _IDS)]
        for first in range(0, len(calls), _AT_ONCE):
            wave = [self._call(_FILL, *words) for words in calls[first : first + _AT_ONCE]]
            if not all(await asyncio.gather(*wave)):
                return False
        return True

    async def begin_with(self, pages: Sequence[FailedPage]) -> bool:
        """Hands in the pages that it is to fetch; False if it has ended.

        Raises:
            StoreError: the store refuses us.
        """
        for first in range(0, len(pages), _PAGES):
            if Fate.CLOSED in await self._frontier.enqueue_failed(pages[first : first + _PAGES]):
                return False
        return True

    async def end(self, *, began_ms: int, pages: int) -> bool:
        """It has been given everything: `pages` pages, since `began_ms` of the store's clock.

        False if the store was started again meanwhile: it may have lost some, and all is to be given once more.

        Raises:
            StoreError: the store refuses us.
        """
        return bool(await self._call(_END, began_ms, pages))

    async def replayed(self) -> int:
        """How many pages of the first job it was given.

        Raises:
            StoreError: the store refuses us.
        """
        return int(await self._store.command("HGET", f"{self._base}books", "replayed") or 0)

    async def _call(self, script: Script, *args: Word) -> int:
        answer: int = await self._store.call(script, self._keys, (0, 0, *args))
        return answer


def _failed_page(page: bytes, kept: bytes) -> FailedPage:
    outcome, host, stored = kept.split(b"\n", 2)
    return FailedPage(id=int(page), outcome=outcome.decode(), host=host.decode(), stored=stored)
