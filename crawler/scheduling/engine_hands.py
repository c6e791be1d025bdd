"""What the scheduler has to know of Scrapy's engine that its public interface does not tell.

All private names of Scrapy that the scheduler depends on are here: the engine's slot with its set of requests
(`inprogress`), its next call (`nextcall`, and in that `_call`, which is there while it is due) and the sign that it is
closing (`closing`). `tests/integration/scrapy` fails loudly if an upgrade changes them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scrapy.crawler import Crawler


class _Watched(set[Request]):
    """The requests in the engine's hands; tells when one is let go of."""

    def __init__(self, requests: Iterable[Request], let_go: Callable[[Request], None]) -> None:
        super().__init__(requests)
        self._let_go = let_go

    def remove(self, request: Request) -> None:
        """As of a set."""
        super().remove(request)
        self._let_go(request)


class EngineHands:
    """The engine of a crawl, as its scheduler sees it."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._closing: asyncio.Task[None] | None = None

    def watch(self, let_go: Callable[[Request], None]) -> None:
        """Calls `let_go` from now on with each request that the engine is through with, whatever became of it."""
        slot = self._crawler.engine._slot  # noqa: SLF001 - see the module
        if slot is None:
            raise AssertionError("the engine has a slot before it opens its scheduler")
        slot.inprogress = _Watched(slot.inprogress, let_go)

    @property
    def leaving(self) -> bool:
        """Whether the crawl is about to end: nothing new is begun."""
        engine = self._crawler.engine
        return engine._slot is None or engine._slot.closing is not None  # noqa: SLF001 - see the module

    @property
    def empty(self) -> bool:
        """Whether the engine has nothing to do."""
        slot = self._crawler.engine._slot  # noqa: SLF001 - see the module
        return slot is None or not slot.inprogress

    @property
    def full(self) -> bool:
        """Whether nothing may be begun now."""
        engine = self._crawler.engine
        backs_out: bool = engine.paused or engine.needs_backout()
        return backs_out

    def take_up(self, request: Request) -> None:
        """A request is worked on past the engine, which counts it among its own and waits for it when it closes."""
        engine = self._crawler.engine
        slot = engine._slot  # noqa: SLF001 - see the module
        if slot is None:
            raise AssertionError("requests are handed out while the spider is open")
        slot.add_request(request)
        engine.downloader.active.add(request)

    def give_place(self, request: Request) -> None:
        """A request that is worked on is through the downloader."""
        self._crawler.engine.downloader.active.discard(request)

    def put_down(self, request: Request) -> None:
        """The end of that."""
        engine = self._crawler.engine
        slot = engine._slot  # noqa: SLF001 - see the module
        engine.downloader.active.discard(request)
        if slot is None:
            raise AssertionError("the spider stays open until all requests are done")
        slot.remove_request(request)

    def free(self, most: int) -> int:
        """How many requests it could begin at once, at most `most`."""
        downloader = self._crawler.engine.downloader
        total = downloader.total_concurrency or most
        return max(0, min(most, total - len(downloader.active)))

    def lasts_s(self, host: str, coming: int) -> float:
        """For how many seconds so many pages of a host will wait to be sent; 0 with a downloader that cannot say."""
        downloader = self._crawler.engine.downloader
        seconds: float = downloader.lasts_s(host, coming) if hasattr(downloader, "lasts_s") else 0.0
        return seconds

    def close(self, reason: str) -> None:
        """Ends the crawl; the first reason counts."""
        if self._closing is None:
            engine = self._crawler.engine
            self._closing = asyncio.get_running_loop().create_task(engine.close_spider_async(reason=reason))

    def wake(self) -> None:
        """Lets it ask for requests, and look whether it is idle, right after this turn of the event loop."""
        engine = self._crawler.engine
        slot = engine._slot  # noqa: SLF001 - see the module
        if slot is None or engine.scraper.slot is None:  # the spider is not open
            return
        if slot.nextcall._call is None:  # noqa: SLF001 - see the module; `schedule` looks for itself, at a price
            slot.nextcall.schedule()
