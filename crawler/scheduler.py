"""Scrapy's scheduler on a frontier: pages are leased, crawled and settled, and none is lost in between.

Scrapy's contract is synchronous (`next_request` must answer at once) and knows no acknowledgement; a frontier is
asynchronous and wants to hear how each page ended. It may also be far away, be shared with other workers, and take
pages from a holder who has been silent for too long. Between the two stand:

* the *prefetch*: a few leased pages, from which `next_request` is served;
* the *appetite*: of which hosts pages are wanted now, so that those of a slow one do not fill the engine;
* the table of *open pages* (`middlewares.open_pages`), in which the middlewares note what happens to each;
* the *harvest* (requests and rows that pages give), the *outbox* (what is to be told to the frontier) and the *intake*
  (what is asked of it);
* the *pump*, a task that takes turns. In a turn, everything that has changed since the last one is told to the frontier
  together with the wish for more pages, so that one round trip does it all; then the engine is woken, which would
  otherwise ask again only after 5 seconds. A turn begins at once when the engine runs short of pages; ends of pages
  alone are gathered for 50 ms;
* the table of *held leases* and, where they can be lost, the thread that prolongs them. A page whose lease was lost is
  dropped wherever it is: its response reaches no callback, its rows and links do not count, for somebody else has it.

Why settle when the engine lets go? Only then has the callback's output been exhausted and each item gone through the
pipelines, whether the page ended with a response, a failure, a filter or a middleware that swapped the request. There
is no signal for that moment, but the engine keeps a set of the requests in its hands (`engine_hands`).

The spider is idle, and closes, when the frontier has nothing open and nothing is on its way to or from it. When the
worker of a fleet leaves earlier its pages go back, and the job goes on without it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.misc import load_object

from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import START_ID
from crawler.middlewares.open_pages import OpenPages
from crawler.scheduling.appetite import Appetite
from crawler.scheduling.ending import Ending
from crawler.scheduling.engine_hands import EngineHands
from crawler.scheduling.exchange import Exchange
from crawler.scheduling.handing_out import HandingOut
from crawler.scheduling.harvest import Harvest
from crawler.scheduling.held_leases import LONGEST_S, HeldLeases, Renewal
from crawler.scheduling.intake import Intake
from crawler.scheduling.membership import membership_of
from crawler.scheduling.outbox import Outbox
from crawler.scheduling.page_ends import PageEnds
from crawler.scheduling.page_times import PageTimes
from crawler.scheduling.parts import Parts
from crawler.scheduling.prefetch import Prefetch
from crawler.scheduling.pump import Pump
from crawler.scheduling.start_page import START_URL, StartPage
from crawler.spiders.requests import RequestCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

    from crawler.frontier.contract import Frontier, Lease, Ledger
    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduling.membership import Intention

__all__ = ["START_URL", "Scheduler", "open_page", "our_scheduler"]

logger = logging.getLogger(__name__)

#: How long a worker of a fleet that is told to go lets its callbacks run before it gives their pages to others.
FAREWELL_S: Final = 5.0

#: How long a worker that leaves waits for a store that does not answer; its leases then end by themselves.
PATIENCE_S: Final = 10.0

#: Where a round trip costs something, so many pages may lie ready however few are open: a tenth of a second of crawling
#: (`prefetch.AHEAD_S`) at 640 pages a second.
MANY_READY: Final = 64

_WATCH_EVERY_S: Final = 0.2


class Scheduler:
    """See the module. Made by Scrapy; `settings.py` names it as `SCHEDULER`.

    Attributes:
        shared: other workers crawl the same job.
        pages: the pages in the engine's hands.
        times: whether their time counts.
        harvest: takes what they give.
        start: the start page.
        handing_out: to the engine, or past it.
        ending: whether it is the job that ends with this worker.
        final: the books of the crawl, once it is closed.
    """

    def __init__(
        self,
        crawler: Crawler,
        frontier: Frontier,
        codec: RequestCodec,
        *,
        prefetch: int,
        worker: str = "local",
        ttl_s: float = math.inf,
        longest_s: float = LONGEST_S,
        shared: bool = False,
        renew: Callable[[Sequence[Lease]], Iterable[Lease]] | None = None,
        intention: Intention | None = None,
    ) -> None:
        """The scheduler of one crawl.

        Args:
            crawler: the crawl.
            frontier: of its job.
            codec: of its spider, with the job's secret.
            prefetch: how many leased requests may wait for the engine.
            worker: a name that no other process of the job has or has had.
            ttl_s: how long leases live; infinite for a frontier that nobody else uses.
            longest_s: how long a page may take before others get it.
            shared: other workers crawl the same job.
            renew: prolongs leases, from a thread (see `Renewal`); needed if leases end.
            intention: what the workers say to each other about the end of the job.
        """
        codec.shared = shared
        self.shared = shared
        self.codec = codec
        self.final: Ledger | None = None
        self._crawler = crawler
        self._frontier = frontier
        self._worker = worker
        self._most = prefetch
        self._held = HeldLeases(ttl_s=ttl_s, longest_s=longest_s) if shared else None
        self._renew = renew
        self._renewal: Renewal | None = None
        engine = self._engine = EngineHands(crawler)
        self._pump = Pump(self._turn, on_failure=self._failed)
        self._prefetch = Prefetch(most=prefetch, clock=time.monotonic)
        self._appetite = Appetite(engine.lasts_s, clock=time.monotonic, wake=engine.wake, ask=self._pump.now)
        self._intake = Intake(frontier, self._held, worker=worker, ttl_s=ttl_s)
        self.ending = Ending(frontier, self._intake, shared=shared, intention=intention)
        self.pages = OpenPages()
        self.times = PageTimes(self.pages, self._held, self._appetite)
        self.outbox = Outbox(crawler, frontier, codec, worker=worker, held=self._held, on_sent=self._sent)
        self.start = StartPage(crawler, settle=self.outbox.settle)
        self.harvest = Harvest(crawler, codec, self.outbox, shared=shared)
        parts = Parts(
            pages=self.pages,
            prefetch=self._prefetch,
            appetite=self._appetite,
            outbox=self.outbox,
            engine=engine,
            pump=self._pump,
        )
        self._ends = PageEnds(parts, harvest=self.harvest, start=self.start, held=self._held)
        self.handing_out = HandingOut(self, parts, self._ends, stats=lambda: crawler.stats)
        self._exchange = Exchange(
            frontier=frontier,
            codec=codec,
            outbox=self.outbox,
            intake=self._intake,
            prefetch=self._prefetch,
            appetite=self._appetite,
            start=self.start,
        )
        self._leaving_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The scheduler of a crawl: of a job that is shared, or with a frontier of its own that the settings name."""
        settings = crawler.settings
        prefetch = settings.getint("CONCURRENT_REQUESTS") or 100
        member = membership_of(crawler)
        if member is not None:
            return cls(
                crawler,
                member.frontier,
                RequestCodec.from_crawler(crawler, secret=member.secret),
                prefetch=max(prefetch, MANY_READY),
                worker=member.worker,
                ttl_s=member.ttl_s,
                shared=True,
                renew=member.renew,
                intention=member.intention,
            )
        frontier: Frontier = load_object(settings["FRONTIER"])(
            per_host=settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
            max_pages=settings.getint("REQUESTS_LIMIT") or None,
            blocked_in_a_row=settings.getint("BLOCKED_IN_A_ROW"),
        )
        codec = RequestCodec.from_crawler(crawler, secret=secrets.token_bytes(16))
        return cls(crawler, frontier, codec, prefetch=prefetch)

    # --- what Scrapy calls ---

    def open(self, spider: Spider) -> Deferred[None]:
        """Hands in the start page and starts the pump."""
        _ = spider
        return deferred_from_coro(self._opened())

    async def _opened(self) -> None:
        self._engine.watch(self._ends.let_go)
        await self._frontier.enqueue([FrontierRequest(id=START_ID, host="", body=b"")])
        self._pump.start()
        if self._held is None:
            return
        self._watch_for_the_end()
        if self._renew is not None:
            self._start_renewal(self._held, self._renew)

    def _start_renewal(self, held: HeldLeases, renew: Callable[[Sequence[Lease]], Iterable[Lease]]) -> None:
        loop = asyncio.get_running_loop()
        self._renewal = Renewal(
            held,
            renew,
            on_lost=lambda lost: loop.call_soon_threadsafe(self._ends.lose, lost),
            on_end=lambda: loop.call_soon_threadsafe(self._failed, RuntimeError("leases are prolonged no more")),
        )
        self._renewal.start()

    def close(self, reason: str) -> Deferred[None]:
        """Settles what the engine has finished, hands back the rest and, if the job ends with it, closes the books."""
        return deferred_from_coro(self._closed(reason))

    async def _closed(self, reason: str) -> None:
        patience_s = PATIENCE_S if self.shared else None
        if self._watch is not None:
            self._watch.cancel()
        await self._pump.stop(patience_s=patience_s)
        await self.start.stop()
        try:
            async with asyncio.timeout(patience_s):
                await self._farewell(reason)
        except TimeoutError:
            logger.warning("No answer for %g s: this worker's pages go back when their leases end", PATIENCE_S)
        finally:
            if self._renewal is not None:
                self._renewal.stop()

    async def _farewell(self, reason: str) -> None:
        if self.start.page is not None and self.ending.is_the_jobs(reason):
            self.start.page.fail("cancelled", "")
            self.outbox.settle(self.start.page)
            self.start.lose()
        self._ends.sweep()
        await self._exchange.tell()
        await self._frontier.release(worker=self._worker)
        await self.ending.close("limits.requests" if self.limit_reached else reason)
        self.final = await self._frontier.ledger()

    def has_pending_requests(self) -> bool:
        """Whether anything is still to come: the spider closes when it is not."""
        return self._pump.busy or self._unfinished()

    def _unfinished(self) -> bool:
        return bool(self._intake.open) or not self.idle

    def enqueue_request(self, request: Request) -> bool:
        """Takes a request from the engine that no page has found: `engine.crawl()`, `scrapy shell`.

        One that a downloader middleware has put in the place of a page's becomes a child of that page.
        """
        page = self.pages.replaced_by(request)
        if page is not None:
            return not page.lost and self.harvest.add_stand_in(page, request)
        taken = self.harvest.add_root(request)
        self._pump.now()
        return taken

    def next_request(self) -> Request | None:
        """The next leased request, or None if there is none at hand that would be sent soon."""
        return self.handing_out.next_request()

    # --- what others ask ---

    @property
    def idle(self) -> bool:
        """Whether this worker has no page in hand; the job may be open all the same."""
        waiting = self._prefetch or self.outbox or self._ends
        return not (waiting or len(self.pages) or self.start.page is not None)

    @property
    def waiting(self) -> int:
        """Pages that were found and are not settled yet, as far as the frontier has said."""
        return self._intake.open

    @property
    def limit_reached(self) -> bool:
        """Whether `limits.requests` kept pages from being fetched."""
        return self._exchange.limit_reached or (self.final is not None and self.final.closed == "limits.requests")

    def lease_still_ours(self, request: Request) -> bool:
        """Whether a request may be sent now: nobody else can have its page. True for requests that are no page."""
        page = self.pages.of(request)
        return page is None or self._ends.surely_ours(page)

    async def books(self) -> Ledger:
        """The books of the job, as they are now, without its failures."""
        return await self._frontier.ledger(failures=False)

    # --- what our middlewares tell ---

    def hold(self, host: str) -> None:
        """A host has asked for silence: its waiting pages do not go to the engine, where they would block others."""
        self._ends.silence(host)

    async def add_start_request(self, page: OpenPage, request: Request) -> None:
        """A request of `start()`: handed in at once, so that a slow `start()` is crawled while it runs."""
        self.times.goes_on(page)
        if await self.harvest.add_start_request(page, request, self._pump.turn_taken):
            (self._pump.soon if self.shared and self._prefetch else self._pump.now)()

    def finish_start(self, page: OpenPage | None, *, outcome: str = "ok", reason: str = "") -> None:
        """The end of `start()` in this process; None: somebody else reads it.

        One that is cut short because this worker leaves is left to another.
        """
        if page is None or page.lost or (self.shared and outcome != "ok" and self._engine.leaving):
            # The engine may have found itself idle but for this; it learns of the end when our caller has returned.
            asyncio.get_running_loop().call_soon(self._engine.wake)
            return
        self.start.finish(page, outcome=outcome, reason=reason)
        self._pump.now()

    def item_done(self, item: Any, response: Any, *, kept: bool) -> None:
        """An item is through the pipelines (`kept`), or was dropped there or failed."""
        if response is not None:
            if kept:
                self.harvest.add_row(self.pages.of(getattr(response, "request", None)), item)
            return
        if not self.shared:
            return
        page = self.start.item_done()
        if kept:
            self.harvest.add_row(page, item)
        if page is not None:
            self.start.settle_if_done(page)
            self._pump.now()

    # --- turns ---

    async def _turn(self) -> None:
        self._ends.sweep()
        if self._engine.leaving:
            await self._exchange.tell()
            return
        free = self._engine.free(self._most)
        self._ends.give_back_surplus(free=free)
        fresh = await self._exchange.tell_and_ask(free=free)
        if self._intake.at_limit and not (self._prefetch or self.outbox or len(self.pages) or self.start.page):
            await self._exchange.stop_at_limit()
        if self._intake.kept_out:  # a job would be paused; a crawl of one process has nobody who lets it go on
            self._crawler.stats.set_value("blocked/why", self._intake.kept_out)
            self.ending.say("blocked")
            self._engine.close("blocked")
        self._pump.later(self._appetite.soon(self._intake.wait_s, lying=bool(self._prefetch)))
        if self.outbox.ready or (self._prefetch.hungry and not self._intake.closed):
            self._pump.now()
        if fresh or self._prefetch or not self._unfinished():
            self._engine.wake()

    def _sent(self, error: BaseException | None) -> None:
        """Requests have been taken; more of them, or the end of the start page, may have waited for that."""
        if error is not None:
            self._failed(error)
        self._pump.now()

    def _failed(self, error: BaseException) -> None:
        """The crawl must not hang if it cannot go on."""
        logger.critical("The scheduler failed; the crawl ends here", exc_info=error)
        self._engine.close("scheduler_failed")

    def _watch_for_the_end(self) -> None:
        """Others get what this worker will not begin as soon as it is told to go, and what it does not finish soon."""
        loop = asyncio.get_running_loop()
        if self._held is not None:
            self._held.loop_turns()
        if self._engine.leaving and self._leaving_since is None:
            self._leaving_since = loop.time()
            self._ends.give_back_waiting()
        elif self._leaving_since is not None and loop.time() - self._leaving_since > FAREWELL_S:
            self._ends.give_back_unfinished()
        self._watch = loop.call_later(_WATCH_EVERY_S, self._watch_for_the_end)


def our_scheduler(crawler: Crawler) -> Scheduler | None:
    """The scheduler of a running crawl, if it is this one."""
    scheduler: Any = crawler.engine.scheduler
    return scheduler if isinstance(scheduler, Scheduler) else None


def open_page(crawler: Crawler, request: Request | None) -> OpenPage | None:
    """The page of a request; None for a request that is no page, or a crawl without our scheduler."""
    scheduler = our_scheduler(crawler)
    return scheduler.pages.of(request) if scheduler is not None else None
