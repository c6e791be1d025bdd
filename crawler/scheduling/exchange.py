"""One turn with the frontier: everything there is to tell it and to ask of it, in one go.

Calls are begun in a fixed order - new requests, ends of pages, pages that go back, retries, the wish for more - so that
a frontier behind a network gets them in one round trip and in that order, and its answer to the last one knows of the
others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request

from crawler.frontier.codec import needed
from crawler.frontier.contract import Reply
from crawler.frontier.identity import START_ID
from crawler.middlewares.errbacks import bare_errback
from crawler.middlewares.open_pages import OpenPage
from crawler.scheduling.start_page import START_URL
from crawler.spiders.requests import chain_of
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from crawler.frontier.contract import Frontier, Lease
    from crawler.scheduling.appetite import Appetite
    from crawler.scheduling.intake import Intake
    from crawler.scheduling.outbox import Outbox
    from crawler.scheduling.prefetch import Prefetch
    from crawler.scheduling.start_page import StartPage
    from crawler.spiders.requests import RequestCodec


class Exchange:
    """Tells and asks.

    Attributes:
        limit_reached: `limits.requests` kept pages from being fetched.
    """

    def __init__(
        self,
        *,
        frontier: Frontier,
        codec: RequestCodec,
        outbox: Outbox,
        intake: Intake,
        prefetch: Prefetch,
        appetite: Appetite,
        start: StartPage,
    ) -> None:
        """The exchange between these parts of a scheduler and its frontier."""
        self.limit_reached = False
        self._frontier = frontier
        self._codec = codec
        self._outbox = outbox
        self._intake = intake
        self._prefetch = prefetch
        self._appetite = appetite
        self._start = start

    async def tell_and_ask(self, *, free: int) -> bool:
        """Tells everything, asks for what fits if the engine could begin `free` pages; True if something came."""
        calls = self._outbox.calls()
        leases: list[Lease] = []
        room = 0 if self._intake.closed else self._prefetch.room(free=free)
        if room:
            calls.append(self._ask(room, leases))
        await self._together(calls)
        self._prefetch.dry = len(leases) < room
        self._prefetch.capped = self._prefetch.dry and self._intake.ready > 0
        if self._intake.started or self._intake.closed:
            self._start.over()
        return self._take(leases)

    async def tell(self) -> None:
        """Tells everything, and what the answers bring up."""
        while self._outbox:
            await self._together(self._outbox.calls())
            await self._outbox.requests_taken()

    async def stop_at_limit(self) -> None:
        """The job may fetch no more pages, and this worker holds none: whoever is the last one ends it."""
        if await self._frontier.close("limits.requests") is not Reply.STALE or not self._codec.shared:
            self.limit_reached = True
            self._intake.close()

    async def _together(self, calls: Sequence[Coroutine[None, None, None]]) -> None:
        if self._codec.shared and len(calls) > 1:
            await asyncio.gather(*calls)
            return
        try:
            for call in calls:
                await call
        finally:
            for call in calls:
                call.close()

    async def _ask(self, room: int, leases: list[Lease]) -> None:
        leases += await self._intake.ask(room, skip=self._appetite.skipped)

    def _take(self, leases: Iterable[Lease]) -> bool:
        """Finds a home for what was leased."""
        for lease in leases:
            if lease.request.id == START_ID:
                lost = self._start.lose()
                if lost is not None:  # given out again, to us, before we heard of our loss
                    self._outbox.lose(lost)
                self._start.leased(OpenPage(lease=lease, request=Request("about:start"), url=START_URL))
            else:
                self._unpack(lease)
        return bool(leases)

    def _unpack(self, lease: Lease) -> None:
        """The page of a lease waits for the engine.

        One whose bytes cannot be read here is parked: a worker of another release may be able to. Alone there is none.
        """
        try:
            request = self._codec.unpack(lease.request)
        except Undecodable as error:
            page = OpenPage(lease=lease, request=Request("about:unreadable"), url="")
            if self._codec.shared:
                self._outbox.park(page, needs=needed(lease.request.body), problem=str(error))
                return
            page.fail("page_error", f"unreadable request: {error}")
            self._outbox.settle(page)
            return
        request.errback = bare_errback(request.errback)
        self._prefetch.put(OpenPage(lease=lease, request=request, url=request.url, chain=chain_of(request)))
