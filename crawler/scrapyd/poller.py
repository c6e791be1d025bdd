"""Scrapyd's poller for seats: one is taken when a slot is free and the node is not draining, and not before."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from scrapyd.poller import QueuePoller
from twisted.internet.defer import Deferred

from crawler.errors import StoreError
from crawler.scrapyd.config import PROJECT

if TYPE_CHECKING:
    from crawler.scrapyd.config import ScrapydConfig

logger = logging.getLogger(__name__)


class SeatPoller(QueuePoller):
    """See the module. Scrapyd's own stops for good after an error, and asks twice for one message."""

    def __init__(self, config: ScrapydConfig) -> None:
        super().__init__(config)
        self._presence = config.presence
        self._taking: asyncio.Task[None] | None = None

    def poll(self) -> Deferred[None]:
        """Takes seats for the slots that are free; waits as long as the store is away."""
        self._taking = asyncio.ensure_future(self._take())
        return Deferred.fromFuture(self._taking)

    async def stop(self, *, patience_s: float) -> None:
        """Lets what is being taken be taken, at most for so long; a seat that is lost in this way ends by itself."""
        if self._taking is not None and not self._taking.done():
            await asyncio.wait([self._taking], timeout=patience_s)
            self._taking.cancel()
            await asyncio.wait([self._taking])

    async def _take(self) -> None:
        try:
            while self.dq.waiting and self._presence.takes_seats():
                message: dict[str, Any] | None = await self.queues[PROJECT].take()
                if message is None:
                    return
                if not self._presence.takes_seats():
                    await self._presence.seats.leave(message["_job"], message["_seat"].token)
                    return
                message["_project"], message["_spider"] = PROJECT, message.pop("name")
                self.dq.put(message)
        except asyncio.CancelledError:
            return  # the node leaves; its timer must not hear of a failure
        except StoreError as error:
            logger.warning("No seat is taken: %s", error)
        except Exception:  # the process border: Twisted's timer would never ask again
            logger.exception("No seat is taken")
