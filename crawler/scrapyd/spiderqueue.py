"""Scrapyd's queue as a view of seats: what is pending is what the store's jobs want, and to pop is to take a seat.

There is no queue that could be lost or run twice: a seat that a node has taken and does not use is free again.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from scrapyd.interfaces import ISpiderQueue
from twisted.internet.defer import Deferred
from zope.interface import implementer

from crawler.scrapyd.orders import Order, make_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.jobs.model import Job
    from crawler.scrapyd.config import ScrapydConfig


@implementer(ISpiderQueue)
class SeatQueue:
    """See the module. Messages have Scrapyd's keys: `name` (of recipe or spider), `_job`, and inputs."""

    def __init__(self, config: ScrapydConfig, project: str) -> None:
        _ = project
        self._presence = config.presence

    async def take(self) -> dict[str, Any] | None:
        """The next message, with the seat that was taken for it as `_seat`, and when as `_taken_s`; None: no work.

        Raises:
            StoreError: the store refuses us.
        """
        presence = self._presence
        seat = await presence.seats.take(presence.config.name, ttl_s=presence.config.seat_ttl_s)
        if seat is None:
            return None
        presence.figures.seats += 1
        stored = await presence.jobs.get(seat.job)
        if stored is None:
            return None  # deleted at this moment; its seats go with it
        return {"name": name_of(stored.job), "_job": seat.job, "_seat": seat, "_taken_s": time.monotonic()}

    def list(self) -> list[dict[str, Any]]:
        """What waits for a node, as of a moment ago."""
        return [message(wanted.job) for wanted in self._presence.wanted]

    def count(self) -> int:
        """How much waits."""
        return len(self._presence.wanted)

    def pop(self) -> Deferred[dict[str, Any] | None]:
        """`take`, as Scrapyd calls it."""
        return Deferred.fromFuture(asyncio.ensure_future(self.take()))

    def add(self, name: str, priority: float = 0.0, **spider_args: Any) -> Deferred[Job]:
        """Makes a job of a recipe or a spider; gives it, or the one that has its id. See `orders.make_job`."""
        order = Order(name=name, priority=priority, arguments=spider_args)
        return Deferred.fromFuture(asyncio.ensure_future(make_job(self._presence.jobs, order)))

    def remove(self, func: Callable[[dict[str, Any]], bool]) -> int:
        """Removes nothing: cancel.json ends jobs in the store."""
        _ = func
        return 0

    def clear(self) -> None:
        """Clears nothing: what is wanted is for the store to say."""


def name_of(job: Job) -> str:
    """What a job runs, in one word that may be a folder: the name of its recipe or spider."""
    name = job.recipe or job.spider or "recipe"
    tame = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)[:80]
    return tame.lstrip(".") or "recipe"


def message(job: Job) -> dict[str, Any]:
    """A job as Scrapyd lists what is pending."""
    return {**{key: str(value) for key, value in job.inputs.items()}, "name": name_of(job), "_job": job.id}
