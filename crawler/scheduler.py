"""Scrapy's scheduler on a frontier: pages are leased, crawled and settled, and none is lost in between.

Scrapy's contract is synchronous (`next_request` must answer at once) and knows no acknowledgement; a frontier is
asynchronous and wants to hear how each page ended. Between the two stand:

* a *buffer* of a few leased requests, from which `next_request` is served;
* the table of *open pages* (`middlewares.open_pages`), in which the middlewares note what happens to each;
* one task, the *pump*. Whenever something has changed it (1) settles the pages whose request the engine has let go of,
  (2) sends enqueues, commits and retries to the frontier, (3) leases what fits in the buffer and (4) wakes the engine,
  which would otherwise ask again only after 5 seconds.

Why settle when the engine lets go? Only then has the callback's output been exhausted and each item gone through the
pipelines, whether the page ended with a response, a failure, a filter or a middleware that swapped the request. There
is no signal for that moment, but the engine keeps a set of the requests in its hands (`_slot.inprogress`) and calls
`next_request` right after taking one out. That set and `_slot.nextcall` are the two private names of Scrapy used here;
`tests/integration/scrapy` fails loudly if an upgrade changes them.

The spider is idle, and closes, when the frontier has nothing open and nothing is on its way to or from it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from scrapy import Request, signals
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.misc import load_object
from twisted.python.failure import Failure

from crawler.frontier.codec import Undecodable
from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import START_ID
from crawler.middlewares.errbacks import NotingErrback, bare_errback
from crawler.middlewares.open_pages import Hop, OpenPage, OpenPages, Redirected, Stopped, TryLater
from crawler.outbox import Outbox
from crawler.spiders.requests import RecipeFacts, RequestCodec

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

    from crawler.frontier.contract import Frontier, Lease, Ledger

logger = logging.getLogger(__name__)

#: In-place redirects of one page (cookie walls) before it is given up.
MAX_HOPS: Final = 5

#: What the start page is called in the books.
START_URL: Final = "start()"

_WORKER: Final = "local"


class Scheduler:
    """See the module. Made by Scrapy; `settings.py` names it as `SCHEDULER`.

    Attributes:
        pages: the pages in the engine's hands.
        final: the books of the crawl, once it is closed.
        limit_reached: `limits.requests` kept pages from being fetched.
    """

    def __init__(self, crawler: Crawler, frontier: Frontier, codec: RequestCodec, *, prefetch: int) -> None:
        """`prefetch`: how many leased requests may wait for the engine."""
        self.pages = OpenPages()
        self.outbox = Outbox(crawler, frontier, codec, on_hold=self._hand_back)
        self.codec = codec
        self.final: Ledger | None = None
        self.limit_reached = False
        self._crawler = crawler
        self._frontier = frontier
        self._prefetch = prefetch
        self._buffer: deque[OpenPage] = deque()
        self._returned: list[OpenPage] = []  # out of the buffer, on their way back
        self._open = 1  # pages that the frontier said it had; at first the start page that is about to be handed in
        self._calls = 0
        self._roots = 0
        self._busy = False
        self._idle = False
        self._start: OpenPage | None = None
        self._first_lease = asyncio.Event()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._pump: asyncio.Task[None] | None = None
        self._emergency: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The scheduler of a crawl, with the frontier that the settings name."""
        settings = crawler.settings
        frontier: Frontier = load_object(settings["FRONTIER"])(
            per_host=settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
            max_pages=settings.getint("REQUESTS_LIMIT") or None,
        )
        codec = RequestCodec.from_crawler(crawler, secret=secrets.token_bytes(16))
        return cls(crawler, frontier, codec, prefetch=settings.getint("CONCURRENT_REQUESTS") or 100)

    # --- what Scrapy calls ---

    def open(self, spider: Spider) -> Deferred[None]:
        """Hands in the start page and starts the pump."""
        _ = spider
        return deferred_from_coro(self._opened())

    async def _opened(self) -> None:
        await self._frontier.enqueue([FrontierRequest(id=START_ID, host="", body=b"")])
        self._pump = asyncio.get_running_loop().create_task(self._run())
        self._pump.add_done_callback(self._pump_ended)
        self._wake.set()

    def close(self, reason: str) -> Deferred[None]:
        """Settles what the engine has finished, hands back the rest and closes the books."""
        return deferred_from_coro(self._closed(reason))

    async def _closed(self, reason: str) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        if self._timer is not None:
            self._timer.cancel()
        if self._start is not None:
            self.finish_start(outcome="cancelled")
        self._sweep()
        await self.outbox.send()
        await self._frontier.release(worker=_WORKER)
        await self._frontier.close("limits.requests" if self.limit_reached else reason)
        self.final = await self._frontier.ledger()

    def has_pending_requests(self) -> bool:
        """Whether anything is still to come: the spider closes when it is not."""
        on_the_way = self._busy or self._buffer or self._returned or self.outbox
        return bool(on_the_way or self._open or len(self.pages) or self._start is not None)

    def enqueue_request(self, request: Request) -> bool:
        """Takes a request from the engine that no page has found: `engine.crawl()`, `scrapy shell`.

        The object itself is kept, because its sender may hold on to it.
        """
        self._roots += 1
        request.errback = bare_errback(request.errback)
        self.outbox.add(self.codec.pack(request, parent=0, ordinal=self._roots, keep=True), request)
        self._wake.set()
        return True

    def next_request(self) -> Request | None:
        """The next leased request, or None if there is none at hand."""
        self._wake.set()
        if not self._buffer:
            return None
        page = self._buffer.popleft()
        page.request.errback = NotingErrback(self, bare_errback(page.request.errback))
        self.pages.add(page)
        self._crawler.stats.inc_value("scheduler/dequeued")
        return page.request

    @property
    def waiting(self) -> int:
        """Pages that were found and are not settled yet, as far as the frontier has said."""
        return self._open

    # --- what our middlewares call ---

    def hold(self, host: str) -> None:
        """A host has asked for silence: its waiting pages do not go to the engine, where they would block others."""
        self._returned += [page for page in self._buffer if page.lease.request.host == host]
        self._buffer = deque(page for page in self._buffer if page.lease.request.host != host)

    async def begin_start(self) -> bool:
        """Waits until it is known whether this process reads the start page; True if it does."""
        await self._first_lease.wait()
        return self._start is not None

    async def add_start_request(self, request: Request) -> None:
        """A request of `start()`: handed in at once, so that a slow `start()` is crawled while it runs."""
        if self._start is None or not self.add_child(self._start, request):
            return
        self.outbox.add(*self._start.children.pop())
        self._roots += 1
        self._wake.set()
        if self._roots % 50 == 0:
            await asyncio.sleep(0)  # a `start()` that never waits must not keep the crawl from running

    def finish_start(self, *, outcome: str = "ok", reason: str = "") -> None:
        """The end of `start()`."""
        if self._start is not None:
            self._start.fail(outcome, reason)
            self.outbox.settle(self._start)
            self._start = None
            self._wake.set()

    def add_child(self, page: OpenPage, request: Request) -> bool:
        """A request that a page has found; False if a handler of `request_scheduled` refuses it (off-site)."""
        if not self._announce(request):
            return False
        request.errback = bare_errback(request.errback)
        page.ordinal += 1
        packed = self.codec.pack(request, parent=page.lease.request.id, ordinal=page.ordinal)
        page.children.append((packed, request))
        return True

    def _announce(self, request: Request) -> bool:
        """Sends `request_scheduled`, as the engine would."""
        answers = self._crawler.signals.send_catch_log(
            signals.request_scheduled, request=request, spider=self._crawler.spider, dont_log=IgnoreRequest
        )
        return not any(isinstance(answer, Failure) and isinstance(answer.value, IgnoreRequest) for _, answer in answers)

    def _unpacked(self, lease: Lease) -> OpenPage | None:
        """The open page of a lease; None if its bytes cannot be read, which settles it."""
        try:
            request = self.codec.unpack(lease.request)
        except Undecodable as error:
            page = OpenPage(lease=lease, request=Request("about:unreadable"), url="")
            page.fail("page_error", f"unreadable request: {error}")
            self.outbox.settle(page)
            return None
        request.errback = bare_errback(request.errback)
        return OpenPage(lease=lease, request=request, url=request.url, chain=RecipeFacts.of(request).chain)

    # --- the pump ---

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._busy = True
            self._sweep()
            await self.outbox.send()
            fresh = await self._fill()
            self._busy = False
            idle = not self.has_pending_requests()
            if fresh or (idle and not self._idle):
                self._wake_engine()
            self._idle = idle

    def _pump_ended(self, pump: asyncio.Task[None]) -> None:
        """The pump runs until it is cancelled; should it fail, the crawl must not hang."""
        if pump.cancelled() or pump.exception() is None:
            return
        logger.critical("The scheduler failed; the crawl ends here", exc_info=pump.exception())
        self._busy = False
        engine = self._crawler.engine
        self._emergency = asyncio.get_running_loop().create_task(engine.close_spider_async(reason="scheduler_failed"))

    def _wake_engine(self) -> None:
        engine = self._crawler.engine
        slot = engine._slot  # noqa: SLF001 - see the module
        if slot is not None and engine.scraper.slot is not None:  # both: the spider is open
            slot.nextcall.schedule()

    def _sweep(self) -> None:
        """Settles the pages whose request the engine has let go of."""
        slot = self._crawler.engine._slot  # noqa: SLF001 - see the module
        in_progress = slot.inprogress if slot is not None else frozenset()
        for page in self.pages:
            if page.request not in in_progress:
                self.pages.remove(page)
                self._finish(page)

    def _finish(self, page: OpenPage) -> None:
        turn = page.turn
        if isinstance(turn, Stopped):
            return  # handed back with all other leases when the scheduler is closed
        if isinstance(turn, TryLater):
            self.outbox.retry(page, turn)
            return
        if isinstance(turn, Hop) and page.hops < MAX_HOPS:
            page.hops += 1
            page.request, page.turn = turn.request, None
            self._buffer.appendleft(page)
            self._wake_engine()
            return
        if isinstance(turn, Hop):
            page.fail("gave_up", f"redirected to itself {page.hops + 1} times")
        elif isinstance(turn, Redirected) and self.add_child(page, turn.target):
            page.fail("redirected", str(turn))
        elif isinstance(turn, Redirected):
            page.fail("filtered", f"redirected to {turn.target.url}, which is refused")
        self.outbox.settle(page)

    async def _hand_back(self, host: str) -> None:
        """Gives the waiting pages of a host back to the frontier, so that its hold applies to them."""
        self.hold(host)
        returned, self._returned = self._returned, []
        await self._frontier.release(worker=_WORKER, leases=[page.lease for page in returned])

    async def _fill(self) -> bool:
        """Leases what fits in the buffer; True if something came."""
        room = self._prefetch - len(self._buffer)
        if room <= 0:
            return False
        self._calls += 1
        reply = await self._frontier.lease(worker=_WORKER, call=self._calls, limit=room, ttl_s=math.inf)
        self._open = reply.open
        self._set_timer(reply.due_in_s)
        for lease in reply.leases:
            if lease.request.id == START_ID:
                self._start = OpenPage(lease=lease, request=Request("about:start"), url=START_URL)
            elif (page := self._unpacked(lease)) is not None:
                self._buffer.append(page)
            else:
                self._wake.set()
        self._first_lease.set()
        if reply.at_limit and not (reply.leases or self._buffer or len(self.pages) or self._start):
            self.limit_reached = True
            await self._frontier.close("limits.requests")
            self._open = 0
        return bool(reply.leases)

    def _set_timer(self, due_in_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_in_s is not None:
            self._timer = asyncio.get_running_loop().call_later(due_in_s + 0.001, self._wake.set)


def our_scheduler(crawler: Crawler) -> Scheduler | None:
    """The scheduler of a running crawl, if it is this one."""
    scheduler: Any = crawler.engine.scheduler
    return scheduler if isinstance(scheduler, Scheduler) else None


def open_page(crawler: Crawler, request: Request | None) -> OpenPage | None:
    """The page of a request; None for a request that is no page, or a crawl without our scheduler."""
    scheduler = our_scheduler(crawler)
    return scheduler.pages.of(request) if scheduler is not None else None
