"""Jobs in a store, made and looked at as a test needs it: one question at a time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

sys.path.insert(0, str(Path(__file__).parents[1] / "fleet"))

from terminals import LISTS, PATIENCE_S, PER_LIST, Shop, wait_until

from crawler.frontier.redis import RedisFrontier
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.model import Job
from crawler.jobs.nodes import RedisNodes
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.rows import decode_row
from crawler.jobs.seats import RedisSeats
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["NAMES", "PATIENCE_S", "RECIPE", "Jobs", "Shop", "ended", "new_job", "wait_until"]

NAMES = sorted(f"Item {number}" for number in range(LISTS * PER_LIST))

RECIPE = """
schema_version: 1
name: items
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
  top: {type: integer, default: 1000}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing:
    follow:
      - {links: 'a[href^="/list"]', page: listing}
      - {links: 'a[href^="/item"]', page: item}
  item: {item: item, fields: {url: {response: url}, name: h1}}
items:
  item:
    version: 1
    fields:
      url: {type: string, format: uri, required: true}
      name: {type: string, required: true}
"""


def new_job(job: str, *, site: str = "", spider: str = "", **more: Any) -> Job:
    """A job of the recipe `items`, or of an ordinary spider."""
    inputs = {"site": site} if site else {}
    what = {"spider": spider} if spider else {"recipe": "items", "recipe_text": RECIPE}
    return Job(id=job, inputs=inputs, secret=b"0123456789abcdef", **what, **more)


class Doors(NamedTuple):
    """What can be asked of a store."""

    store: Store
    jobs: RedisJobStore
    seats: RedisSeats
    attempts: RedisAttempts
    nodes: RedisNodes


class Jobs:
    """All jobs of a store, from a loop that runs while a question is asked."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._store = self._runner.run(self._connected())
        return self

    async def _connected(self) -> Store:
        return Store(connect({"url": self._url}))

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._store.close())
        self._runner.close()

    def ask(self, question: Callable[[Doors], Awaitable[Any]]) -> Any:
        store = self._store
        doors = Doors(store, RedisJobStore(store), RedisSeats(store), RedisAttempts(store), RedisNodes(store))

        async def answer() -> Any:
            return await question(doors)

        return self._runner.run(answer())

    def create(self, job: Job) -> Job:
        stored, _ = self.ask(lambda doors: doors.jobs.create(job))
        return stored

    def status(self, job: str):
        return self.ask(lambda doors: doors.jobs.status(job))

    def take(self, node: str):
        return self.ask(lambda doors: doors.seats.take(node))

    def seats(self, job: str):
        return self.ask(lambda doors: doors.seats.of(job))

    def attempts(self, job: str):
        return self.ask(lambda doors: doors.attempts.of(job))

    def ledger(self, job: str):
        return self.ask(lambda doors: RedisFrontier(doors.store, job=job).ledger())

    def names(self, job: str) -> list[str]:
        """Of the rows that the job has, sorted."""

        async def read(doors: Doors) -> list[str]:
            rows, after = [], ""
            frontier = RedisFrontier(doors.store, job=job)
            while part := await frontier.read_rows(after=after, limit=500):
                after = part[-1].position
                rows += [decode_row(row.body)["name"] for row in part]
            return sorted(rows)

        return self.ask(read)


def ended(jobs: Jobs, job: str, count: int = 1):
    """The attempts of a job, once so many have ended."""
    wait_until(lambda: sum(1 for each in jobs.attempts(job) if each.ended_ms) >= count, what="ended attempts")
    return jobs.attempts(job)
