"""What is on its way from the scheduler to the frontier, and what the frontier's answers mean for the crawl.

Everything that is handed in between two turns of the scheduler goes out together, so that a frontier behind a network
costs one round trip for many pages.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy import signals

from crawler.frontier.contract import Fate, PageCommit, Reply, Row
from crawler.signals import page_settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.frontier.contract import CommitReply, Frontier, FrontierRequest
    from crawler.middlewares.open_pages import OpenPage, TryLater
    from crawler.spiders.requests import RequestCodec

logger = logging.getLogger(__name__)


class Outbox:
    """Requests, ends of pages and retries that the frontier has not confirmed yet."""

    def __init__(
        self,
        crawler: Crawler,
        frontier: Frontier,
        codec: RequestCodec,
        *,
        on_hold: Callable[[str], Awaitable[None]],
    ) -> None:
        """`on_hold(host)` is awaited before a host is put on hold."""
        self.stalled: list[str] = []  # URLs of list pages after which their list showed nothing new
        self._crawler = crawler
        self._frontier = frontier
        self._codec = codec
        self._on_hold = on_hold
        self._requests: list[tuple[FrontierRequest, Request]] = []
        self._commits: list[tuple[OpenPage, PageCommit]] = []
        self._retries: list[tuple[OpenPage, TryLater]] = []

    def __bool__(self) -> bool:
        return bool(self._requests or self._commits or self._retries)

    def add(self, packed: FrontierRequest, request: Request) -> None:
        """A request that belongs to no page that is still open."""
        self._requests.append((packed, request))

    def settle(self, page: OpenPage) -> None:
        """A page's end, as its notes say. Without any note a middleware has sent another request in its place."""
        commit = PageCommit(
            lease=page.lease,
            outcome=page.outcome or ("ok" if page.responded else "redirected"),
            children=tuple(packed for packed, _ in page.children),
            rows=tuple(Row(item=item) for item in page.rows.elements()),
            chain=page.chain,
            marks=frozenset(page.marks),
            url=page.url,
            reason=page.reason,
        )
        self._commits.append((page, commit))

    def retry(self, page: OpenPage, turn: TryLater) -> None:
        """A page that comes back later."""
        self._retries.append((page, turn))

    async def send(self) -> None:
        """Sends everything, and what the answers bring up."""
        while self:
            requests, self._requests = self._requests, []
            commits, self._commits = self._commits, []
            retries, self._retries = self._retries, []
            if requests:
                fates = await self._frontier.enqueue([packed for packed, _ in requests])
                for (packed, request), fate in zip(requests, fates, strict=True):
                    self._received(packed, request, fate)
            if commits:
                replies = await self._frontier.commit([commit for _, commit in commits])
                for (page, commit), reply in zip(commits, replies, strict=True):
                    self._committed(page, commit.outcome, reply)
            for page, turn in retries:
                await self._send_retry(page, turn)

    async def _send_retry(self, page: OpenPage, turn: TryLater) -> None:
        if turn.hold_host_s > 0:
            await self._on_hold(page.lease.request.host)
        reply = await self._frontier.retry(
            page.lease, delay_s=turn.wait_s, reason=str(turn), hold_host_s=turn.hold_host_s
        )
        if reply is not Reply.OK:
            self._lost(page)

    def _received(self, packed: FrontierRequest, request: Request, fate: Fate) -> None:
        stats = self._crawler.stats
        if fate is Fate.ENQUEUED:
            stats.inc_value("scheduler/enqueued")
            return
        if fate in (Fate.SEEN, Fate.JOINED):
            stats.inc_value("dupefilter/filtered")
        self._crawler.signals.send_catch_log(signals.request_dropped, request=request, spider=self._crawler.spider)
        self._codec.forget(packed)

    def _committed(self, page: OpenPage, outcome: str, reply: CommitReply) -> None:
        if reply.reply is not Reply.OK:
            self._lost(page)
            return
        self._codec.forget(page.lease.request)
        for (packed, request), fate in zip(page.children, reply.children, strict=True):
            self._received(packed, request, fate)
            if fate is Fate.STALLED:
                logger.warning("The list of %s shows nothing new on this page: it ends here, stalled", page.url)
                self._crawler.stats.inc_value("recipe/stalled")
                self.stalled.append(page.url)
        self._crawler.signals.send_catch_log(page_settled, page=page, outcome=outcome, spider=self._crawler.spider)

    def _lost(self, page: OpenPage) -> None:
        """Somebody else has the page: nothing of it counts here."""
        logger.warning("The lease of %s was lost; what it gave does not count", page.url)
        self._crawler.stats.inc_value("scheduler/stale")
        self._codec.forget(page.lease.request)
        for packed, _ in page.children:
            self._codec.forget(packed)
