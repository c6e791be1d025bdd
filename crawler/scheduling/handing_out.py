"""How leased pages come into work: those that a fast path takes go to it, all others to Scrapy's engine.

The engine asks for requests one by one, and again when one of its own is done. A fast path is begun in the same way,
and then asks for the next page itself, so that a page costs no round of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from crawler.middlewares.errbacks import NotingErrback, bare_errback

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.statscollectors import StatsCollector

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler
    from crawler.scheduling.page_ends import PageEnds
    from crawler.scheduling.parts import Parts


class Path(Protocol):
    """A way of pages past the engine."""

    def takes(self, request: Request) -> bool:
        """Whether the page of a request may go this way."""

    def begin(self, page: OpenPage) -> None:
        """Works on a page, and on those that `HandingOut.next_page` gives when it is done."""


class HandingOut:
    """Of one worker.

    Attributes:
        path: takes pages past the engine, if there is one.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        parts: Parts,
        ends: PageEnds,
        *,
        stats: Callable[[], StatsCollector],
    ) -> None:
        """`scheduler` is told of failures; `stats` are those of the crawl, once it runs."""
        self.path: Path | None = None
        self._scheduler = scheduler
        self._pages = parts.pages
        self._prefetch = parts.prefetch
        self._appetite = parts.appetite
        self._outbox = parts.outbox
        self._engine = parts.engine
        self._pump = parts.pump
        self._ends = ends
        self._stats = stats

    def next_request(self) -> Request | None:
        """The next request for the engine, if there is one that would be sent soon; pages of the path are begun."""
        while (page := self._next()) is not None:
            if self.path is None or not self.path.takes(page.request):
                return page.request
            self._engine.take_up(page.request)
            self.path.begin(page)
            if self._engine.full:
                return None
        return None

    def drop(self, request: Request) -> None:
        """A path has to end in the middle of a page, and takes no other."""
        self._engine.put_down(request)
        self._engine.wake()

    def has_come(self, request: Request) -> None:
        """The answer to a request is there, and what is done with it will take its time: another may be sent."""
        self._engine.give_place(request)
        self._engine.wake()

    def put_down(self, request: Request) -> OpenPage | None:
        """A path is through with a request; the next page for it, if any.

        Without one the engine looks what is to be done.
        """
        self._engine.put_down(request)
        if self._prefetch and not (self._engine.leaving or self._engine.full):
            page = self._next()
            if page is not None and self.path is not None and self.path.takes(page.request):
                self._engine.take_up(page.request)
                return page
            if page is not None:
                self._take_back(page)
        self._engine.wake()
        return None

    def _next(self) -> OpenPage | None:
        page = self._appetite.next_of(self._prefetch)
        while page is not None and not self._ends.surely_ours(page):
            self._outbox.give_back(page)
            self._pump.now()
            page = self._appetite.next_of(self._prefetch)
        if page is None:
            return None
        if self._prefetch.hungry and not self._pump.busy:
            self._pump.now()
        page.request.errback = NotingErrback(self._scheduler, bare_errback(page.request.errback))
        self._pages.add(page)
        self._appetite.comes(page)
        self._stats().inc_value("scheduler/dequeued")
        return page

    def _take_back(self, page: OpenPage) -> None:
        """A page that is for the engine lies ready again."""
        self._pages.remove(page)
        self._appetite.left(page)
        self._stats().inc_value("scheduler/dequeued", -1)
        self._prefetch.put_first(page)
