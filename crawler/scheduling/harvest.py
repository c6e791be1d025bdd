"""What pages give: requests, which become children of their page, and items, which become its rows.

Nothing goes to the frontier from here but what belongs to no page that ends: requests of `start()`, so that a slow one
is crawled while it runs, and those that an extension or the operator asks for.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from scrapy import signals
from scrapy.exceptions import IgnoreRequest
from twisted.python.failure import Failure

from crawler.fastpath.announcer import Announcer
from crawler.middlewares.errbacks import bare_errback
from crawler.scheduling.page_rows import counted_row, item_name, kept_row
from crawler.spiders.requests import CannotTravel, take_the_place
from crawler.wire import NotEncodable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduling.outbox import Outbox
    from crawler.spiders.requests import RequestCodec

logger = logging.getLogger(__name__)

#: `start()` waits for the frontier when so many of its requests have not been sent.
MAX_BACKLOG: Final = 1_000

#: Problems of requests that are logged; each kind once.
_MAX_PROBLEMS: Final = 100


class Harvest:
    """Packs what pages give, for a frontier of our own or, with `shared`, one that others read."""

    def __init__(self, crawler: Crawler, codec: RequestCodec, outbox: Outbox, *, shared: bool) -> None:
        """`codec` packs requests; what waits for no page's end goes to `outbox`."""
        self._crawler = crawler
        self._announcer = Announcer(crawler.signals)
        self._codec = codec
        self._outbox = outbox
        self._shared = shared
        # Requests of no page are numbered, and no two workers may come to the same ids.
        self._root = secrets.randbits(63) if shared else 0
        self._roots = 0
        self._problems: set[str] = set()

    # --- requests ---

    def add_root(self, request: Request) -> bool:
        """A request that no page has found; False if it cannot travel. The object itself is kept where it can be."""
        self._roots += 1
        request.errback = bare_errback(request.errback)
        try:
            packed = self._codec.pack(request, parent=self._root, occurrences=lambda _: self._roots, keep=True)
        except CannotTravel as error:
            self._complain(error)
            return False
        self._outbox.add(packed, request)
        return True

    def add_child(self, page: OpenPage, request: Request) -> bool:
        """A request that a page has found.

        False if a handler of `request_scheduled` refuses it (off-site), or if it cannot travel: then the page is at
        fault, and ends as one whose callback has failed.
        """
        return self.announce(request) and self._add(page, request)

    def add_stand_in(self, page: OpenPage, request: Request) -> bool:
        """A request that a downloader middleware has put in the place of a page's; the engine has announced it."""
        take_the_place(request)
        return self._add(page, request)

    def _add(self, page: OpenPage, request: Request) -> bool:
        request.errback = bare_errback(request.errback)
        page.announced += 1
        try:
            packed = self._codec.pack(request, parent=page.lease.request.id, occurrences=page.occurrences)
        except CannotTravel as error:
            page.fail("page_error", str(error))
            self._complain(error)
            self._announcer.send(signals.request_dropped, request=request, spider=self._crawler.spider)
            return False
        page.children.append((packed, request))
        return True

    async def add_start_request(self, page: OpenPage, request: Request, sent: Callable[[], Awaitable[None]]) -> bool:
        """A request of `start()`, handed in at once; `sent` is awaited while too many wait to be sent."""
        if not self.add_child(page, request):
            return False
        self._outbox.add(*page.children.pop())
        if page.announced % 50 == 0:
            await asyncio.sleep(0)  # a `start()` that never waits must not keep the crawl from running
        while self._outbox.backlog >= MAX_BACKLOG and not page.lost:
            await sent()
        return True

    def announce(self, request: Request) -> bool:
        """Sends `request_scheduled`, as the engine would; False if a handler refuses the request (off-site)."""
        answers = self._announcer.send(
            signals.request_scheduled, dont_log=IgnoreRequest, request=request, spider=self._crawler.spider
        )
        return not any(isinstance(answer, Failure) and isinstance(answer.value, IgnoreRequest) for answer in answers)

    # --- rows ---

    def add_row(self, page: OpenPage | None, item: Any) -> None:
        """An item of a page that has passed the pipelines; one that cannot be kept makes its page fail."""
        if not self._shared:
            if page is not None:
                page.rows.append((counted_row(item), None))
            return
        if page is None:
            self._complain_of_row(f"an item {item_name(item)} of no page cannot be kept: only pages give rows")
            return
        try:
            page.rows.append((kept_row(item), item))
        except NotEncodable as error:
            problem = f"{item_name(item)}: {error}; let items hold plain values"
            page.fail("page_error", problem)
            self._complain_of_row(problem)

    # --- problems ---

    def _complain(self, error: CannotTravel) -> None:
        self._crawler.stats.inc_value("scheduler/cannot_travel")
        if self._is_new(error.problem):
            logger.error("%s. More requests of this kind are only counted", error)

    def _complain_of_row(self, problem: str) -> None:
        self._crawler.stats.inc_value("scheduler/rows_refused")
        if self._is_new(problem):
            logger.error("%s. More rows of this kind are only counted", problem)

    def _is_new(self, problem: str) -> bool:
        if problem in self._problems or len(self._problems) >= _MAX_PROBLEMS:
            return False
        self._problems.add(problem)
        return True
