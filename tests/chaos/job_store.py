"""What the store says about a shared job: its books, its rows, and what each worker holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import redis

from crawler.frontier.redis import RedisFrontier
from crawler.jobs.rows import decode_row
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from crawler.frontier.contract import Ledger

_T = TypeVar("_T")


class JobInStore:
    """Looks from outside, and changes nothing."""

    def __init__(self, url: str, job: str) -> None:
        self._url = url
        self._job = job
        self._base = f"crawlery:{{{job}}}:"

    def held_by(self, pid: int) -> int:
        """Leases of the worker with that process id."""
        with redis.Redis.from_url(self._url) as client:
            keys = list(client.scan_iter(f"{self._base}held:*/{pid}/*", count=1000))
            return sum(client.scard(key) for key in keys)

    def leased(self) -> int:
        with redis.Redis.from_url(self._url) as client:
            return client.zcard(f"{self._base}leased")

    def settled(self) -> int:
        """Pages with an outcome, start among them."""
        with redis.Redis.from_url(self._url) as client:
            return sum(int(count) for count in client.hvals(f"{self._base}settled"))

    def glance(self) -> tuple[str, int, int]:
        """The job's state, settled pages and parked ones; by one round trip."""
        with redis.Redis.from_url(self._url) as client, client.pipeline(transaction=False) as pipe:
            pipe.hget(f"{self._base}job", "state").hvals(f"{self._base}settled").hget(f"{self._base}books", "parked")
            state, settled, parked = pipe.execute()
        return (state or b"").decode(), sum(map(int, settled)), int(parked or 0)

    def state(self) -> str:
        with redis.Redis.from_url(self._url) as client:
            return (client.hget(f"{self._base}job", "state") or b"").decode()

    def forget(self) -> None:
        """Takes all pages and rows of the job away, not the job; the one look that changes something."""
        self._ask(lambda frontier: frontier.forget())

    def ledger(self) -> Ledger:
        return self._ask(lambda frontier: frontier.ledger())

    def rows(self) -> list[dict[str, str]]:
        """Every kept row, values as text."""

        async def read(frontier: RedisFrontier) -> list[dict[str, Any]]:
            found, after = [], ""
            while part := await frontier.read_rows(after=after, limit=500):
                found += [decode_row(row.body) for row in part]
                after = part[-1].position
            return found

        return [{name: str(value) for name, value in row.items()} for row in self._ask(read)]

    def _ask(self, question: Callable[[RedisFrontier], Coroutine[Any, Any, _T]]) -> _T:
        async def ask() -> _T:
            store = Store(connect({"url": self._url}))
            try:
                return await question(RedisFrontier(store, job=self._job))
            finally:
                await store.close()

        return asyncio.run(ask())
