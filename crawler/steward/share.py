"""Fair share of a full fleet: a client with many workers gives one up when another waits with few.

Nodes give free slots to whoever has least (`crawler.jobs.seats`); this is for a fleet that has none free. One worker at
a time is asked to leave at the end of its pages, which go on with others or wait; nothing of them is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.frontier.codec import NEWEST_READ
from crawler.jobs.model import Job, Priority
from crawler.jobs.nodes import RedisNodes
from crawler.jobs.seats import RedisSeats
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.jobs.seats import Seat, Wanted
    from crawler.jobs.store_contract import StoredJob
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: A worker has its seat for so long at least; seconds.
LEAST_S: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """A job and the seats that are held in it."""

    job: Job
    seats: tuple[Seat, ...]


class Share:
    """As one steward sees it: whom it has asked last."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._asked: Seat | None = None

    async def run(self) -> Seat | None:
        """Asks one worker to leave if that is fair now; its seat.

        Raises:
            StoreError: the store refuses us.
        """
        ground = self._ground
        seats = RedisSeats(ground.store, reads=NEWEST_READ)
        nodes = [node for node in await RedisNodes(ground.store).all() if not node.is_draining]
        if not nodes or any(node.running < node.slots for node in nodes):
            return None
        wanted = await seats.wanted(ttl_s=ground.settings.seat_ttl_s)
        if not wanted:
            return None
        sitting = await self._sitting(seats)
        if self._asked is not None and any(self._asked.token == seat.token for each in sitting for seat in each.seats):
            return None  # it is on its way out
        self._asked = seat_to_yield(sitting, wanted, now_ms=await ground.now_ms())
        if self._asked is not None:
            logger.info("A worker of job %s on %s is asked to yield", self._asked.job, self._asked.node)
            await seats.ask_to_yield(self._asked.job, self._asked.token)
        return self._asked

    async def _sitting(self, seats: RedisSeats) -> list[Sitting]:
        ids = await self._ground.jobs.live()
        answers = await asyncio.gather(*map(self._ground.jobs.get, ids), return_exceptions=True)
        stored: list[StoredJob] = []
        for answer in answers:
            if isinstance(answer, Undecodable) or answer is None:
                continue  # of a later version, or gone
            if isinstance(answer, BaseException):
                raise answer
            stored.append(answer)
        held = await asyncio.gather(*(seats.of(each.job.id) for each in stored))
        return [Sitting(job=each.job, seats=its) for each, its in zip(stored, held, strict=True)]


def seat_to_yield(sitting: Sequence[Sitting], wanted: Sequence[Wanted], *, now_ms: int) -> Seat | None:
    """The seat that is given up for one of those who wait; None if nobody has more than is fair.

    A job of priority `idle` gives way to any other. Otherwise a client gives up a seat for another one that has at
    least two fewer, so that seats do not go to and fro. The newest seat goes, for its worker knows least.
    """
    running: Counter[str] = Counter()
    for each in sitting:
        running[each.job.client] += len(each.seats)
    waiting = [each.job for each in wanted if each.job.priority is not Priority.IDLE]
    if not waiting:
        return None
    idle = [each for each in sitting if each.job.priority is Priority.IDLE]
    seat = _newest(idle, now_ms)
    if seat is not None:
        return seat
    neediest = min(running[job.client] for job in waiting)
    most = max(running.values(), default=0)
    if most < neediest + 2:
        return None
    return _newest([each for each in sitting if running[each.job.client] == most], now_ms)


def _newest(sitting: Sequence[Sitting], now_ms: int) -> Seat | None:
    """The seat that was taken last, but not just now."""
    old_enough = [seat for each in sitting for seat in each.seats if now_ms - seat.since_ms >= LEAST_S * 1000]
    return max(old_enough, key=lambda seat: (seat.since_ms, seat.token), default=None)
