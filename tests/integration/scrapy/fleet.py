"""Several crawls in this process that share one frontier, as workers of a fleet share one store."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crawler.frontier.memory import MemoryFrontier
from crawler.jobs.rows import decode_row
from crawler.scheduler import Scheduler
from crawler.scheduling.held_leases import LONGEST_S
from crawler.spiders.requests import RequestCodec

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler

SECRET = b"of the job"

#: Facts that were waited for in vain.
OVERDUE: list[Any] = []


class Shared(MemoryFrontier):
    """A frontier that other workers use too: its calls take a moment, and it remembers what it was asked.

    Attributes:
        calls: name of each call.
        round_trips: turns of the event loop in which something was asked; calls of one turn travel together.
    """

    delay_s = 0.0

    def __init__(self, **arguments):
        super().__init__(**{"keep_rows": True, **arguments})
        self.calls: list[str] = []
        self.round_trips = 0
        self.given: list[tuple[str, Any]] = []  # worker and lease, in order
        self._batch: asyncio.Future | None = None

    async def _travel(self, call: str) -> None:
        self.calls.append(call)
        if self._batch is None:
            self.round_trips += 1
            loop = asyncio.get_running_loop()
            self._batch = loop.create_future()
            loop.call_soon(self._leave, self._batch)
        await asyncio.shield(self._batch)

    def _leave(self, batch: asyncio.Future) -> None:
        self._batch = None
        asyncio.get_running_loop().call_later(self.delay_s, batch.set_result, None)

    async def lease(self, *, worker, **asked):
        await self._travel("lease")
        reply = await super().lease(worker=worker, **asked)
        self.given += [(worker, lease) for lease in reply.leases]
        return reply

    def holder(self, page_id: int) -> str:
        """Who was given a page last."""
        return next(worker for worker, lease in reversed(self.given) if lease.request.id == page_id)

    async def expire(self, *page_ids: int) -> None:
        """Takes pages from their holders, as if those had been silent for too long."""
        held = {lease.request.id: (worker, lease) for worker, lease in self.given}
        for page_id in page_ids:
            worker, lease = held[page_id]
            assert await super().release(worker=worker, leases=[lease]) == 1

    def lease_of(self, url: str) -> Any:
        """The last lease of a URL."""
        return next(lease for _, lease in reversed(self.given) if url.encode() in lease.request.body)


def _travelling(name: str):
    async def call(self, *args, **kwargs):
        await self._travel(name)
        return await getattr(MemoryFrontier, name)(self, *args, **kwargs)

    return functools.wraps(getattr(MemoryFrontier, name))(call)


for _name in ("enqueue", "renew", "commit", "retry", "park", "release", "close"):
    setattr(Shared, _name, _travelling(_name))


@dataclass
class Worker:
    """One crawl of the fleet.

    Attributes:
        name: at the frontier.
        spider: its spider class; None = that of the fleet.
        settings: over those of the fleet.
        begins: when it is to begin; None = at once.
        renews: a thread prolongs its leases.
        longest_s: a page that takes longer is given up to others.
    """

    name: str
    spider: Any = None
    settings: dict[str, Any] = field(default_factory=dict)
    begins: asyncio.Event | None = None
    renews: bool = False
    longest_s: float = LONGEST_S
    crawler: Crawler | None = None

    def scheduler(self, frontier: MemoryFrontier, ttl_s: float, loop: asyncio.AbstractEventLoop) -> type[Scheduler]:
        worker = self

        def renew(leases):
            call = frontier.renew(worker=worker.name, leases=leases, ttl_s=ttl_s)
            return asyncio.run_coroutine_threadsafe(call, loop).result(timeout=5)

        class OfThisWorker(Scheduler):
            @classmethod
            def from_crawler(cls, crawler):
                return cls(
                    crawler,
                    frontier,
                    RequestCodec.from_crawler(crawler, secret=SECRET),
                    prefetch=crawler.settings.getint("CONCURRENT_REQUESTS"),
                    worker=worker.name,
                    ttl_s=ttl_s,
                    longest_s=worker.longest_s,
                    shared=True,
                    renew=renew if worker.renews else None,
                )

        return OfThisWorker


async def until(condition: Callable[[], Any], *, patience_s: float = 10.0) -> None:
    """Waits for a fact. Where the crawl would swallow the error, `OVERDUE` makes the test fail."""
    try:
        async with asyncio.timeout(patience_s):
            while not condition():  # noqa: ASYNC110 - of facts about other objects no event tells
                await asyncio.sleep(0.01)
    except TimeoutError:
        OVERDUE.append(condition)
        raise


async def rows_of(frontier: MemoryFrontier) -> list[tuple[str, dict[str, Any]]]:
    """Item and values of every row that counts."""
    return [(row.item, decode_row(row.body)) for row in await frontier.read_rows(limit=1_000_000)]
