"""A node in its fleet: what it tells the store about itself, what it knows of it, and whether it takes seats.

Scrapyd asks for much of this at once, without waiting, so the node looks every two seconds and remembers. Nothing here
fails when the store is away: the node says that it is not ready, takes no seats, and goes on when the store answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from crawler.errors import StoreError
from crawler.frontier.codec import NEWEST_READ
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.nodes import Node, RedisNodes
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.seats import RedisSeats
from crawler.scrapyd.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.jobs.seats import Wanted
    from crawler.scrapyd.config import NodeConfig
    from crawler.store import Store

logger = logging.getLogger(__name__)

_EVERY_S: Final = 2.0

#: A store that has not answered after so long is away.
PATIENCE_S: Final = 2.0


class Presence:
    """See the module.

    Attributes:
        config: of the node.
        url: where it is found; "" before it listens.
        is_draining: it takes no more seats.
        is_leaving: it is going to end.
        wanted: jobs that wait for a worker, as of a moment ago.
        store_answers: as of a moment ago.
        figures: what the node has done.
    """

    def __init__(
        self, config: NodeConfig, store: Store, *, running: Callable[[], int], can_start: Callable[[], bool]
    ) -> None:
        """A node in its fleet.

        Args:
            config: of the node.
            store: the fleet's.
            running: tells how many workers the node has.
            can_start: tells whether a worker that is started now runs at once.
        """
        self.config = config
        self.store = store
        self.jobs = RedisJobStore(store)
        self.seats = RedisSeats(store, reads=NEWEST_READ)
        self.attempts = RedisAttempts(store)
        self.url = ""
        self.is_draining = False
        self.is_leaving = False
        self.wanted: tuple[Wanted, ...] = ()
        self.store_answers = False
        self.figures = Figures()
        self._nodes = RedisNodes(store)
        self._running = running
        self._can_start = can_start
        self._since_ms = time.time_ns() // 1_000_000
        self._task: asyncio.Task[None] | None = None

    def start(self, url: str) -> None:
        """Appears in the list of nodes, and stays there."""
        self.url = url
        self._task = asyncio.get_running_loop().create_task(self._stay())

    async def stop(self) -> None:
        """Leaves the list."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._nodes.leave(self.config.name)
        except (TimeoutError, StoreError):
            logger.warning("The store does not answer; this node is forgotten there after a while")

    async def look(self) -> None:
        """Reports the node, and asks what is wanted."""
        node = Node(
            name=self.config.name,
            url=self.url,
            slots=self.config.slots,
            running=self._running(),
            is_draining=self.is_draining,
            version=version("crawlery"),
            started_ms=self._since_ms,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._nodes.report(node)
                self.wanted = await self.seats.wanted(ttl_s=self.config.seat_ttl_s)
        except (TimeoutError, StoreError) as error:
            if self.store_answers:
                logger.warning("The store does not answer (%s); this node takes no seats", str(error) or "too late")
            self.store_answers = False
        else:
            self.store_answers = True

    def takes_seats(self) -> bool:
        """Whether it may take one at this moment."""
        return not self.is_draining and self._can_start()

    async def not_ready(self) -> str:
        """Why the node takes no seats, in a sentence; "" if it does."""
        if self.is_draining:
            return "it is draining"
        if not self._can_start():
            return "what workers need is being loaded"
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.store.command("PING")
        except TimeoutError:
            return "the store does not answer"
        except StoreError as error:
            return str(error)
        return ""

    async def _stay(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_S)
