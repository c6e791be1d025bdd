"""What is on its way from the scheduler to the frontier, and what the frontier's answers mean for the crawl.

Everything that is handed in between two turns of the scheduler goes out together: the calls of a turn are begun in one
go and in a certain order, so that a frontier behind a network gets them all in one round trip. Only the call that hands
in new requests is not waited for, where others share the frontier: a store that is nearly full takes no requests until
pages have been settled.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from scrapy import signals

from crawler.exports.page_notes import PageNote
from crawler.fastpath.announcer import Announcer
from crawler.frontier.contract import Fate, PageCommit, Reply, Row
from crawler.frontier.identity import START_ID
from crawler.jobs.rows import NOTE, encode_row
from crawler.signals import page_settled, rows_settled
from crawler.wire import NotEncodable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.frontier.contract import CommitReply, Frontier, FrontierRequest, Lease
    from crawler.middlewares.open_pages import OpenPage, TryLater
    from crawler.scheduling.held_leases import HeldLeases
    from crawler.spiders.requests import RequestCodec

logger = logging.getLogger(__name__)

#: Outcomes of pages on which something may be noted.
_WELL = frozenset({"ok", "not_modified"})


class Outbox:
    """Requests, ends of pages, retries, pages to hand back or to park that the frontier has not been told of yet."""

    def __init__(
        self,
        crawler: Crawler,
        frontier: Frontier,
        codec: RequestCodec,
        *,
        worker: str,
        held: HeldLeases | None,
        on_sent: Callable[[BaseException | None], None],
    ) -> None:
        """The outbox of one worker.

        Args:
            crawler: whose signals and stats tell of the answers.
            frontier: where everything goes.
            codec: whose requests these are.
            worker: its name at the frontier.
            held: the table of leases that can be lost, if they can.
            on_sent: called when requests that nobody waited for have been taken, or with what went wrong.
        """
        self.stalled: list[str] = []  # URLs of list pages after which their list showed nothing new
        self._crawler = crawler
        self._announcer = Announcer(crawler.signals)
        self._frontier = frontier
        self._codec = codec
        self._worker = worker
        self._held = held
        self._on_sent = on_sent
        self._requests: list[tuple[FrontierRequest, Request | None]] = []
        self._handed_in = False  # any request of no page
        self._enqueuing: asyncio.Task[None] | None = None
        self._commits: list[tuple[OpenPage, PageCommit]] = []
        self._retries: list[tuple[OpenPage, TryLater]] = []
        self._returns: list[OpenPage] = []
        self._unreadable: list[tuple[OpenPage, int]] = []
        self._parked = 0

    def __len__(self) -> int:
        pages = len(self._commits) + len(self._retries) + len(self._returns) + len(self._unreadable)
        return len(self._requests) + pages + (self._enqueuing is not None)

    @property
    def ready(self) -> bool:
        """Whether there is something to tell that need not wait for an answer."""
        requests = self._requests and self._enqueuing is None
        return bool(requests or self._ready_commits()[0] or self._returns or self._retries or self._unreadable)

    @property
    def backlog(self) -> int:
        """Requests of no page that have not been sent."""
        return len(self._requests)

    # --- in ---

    def add(self, packed: FrontierRequest, request: Request | None) -> None:
        """A request that belongs to no page that is still open."""
        self._handed_in = True
        self._requests.append((packed, request))

    def settle(self, page: OpenPage) -> None:
        """A page's end, as its notes say. Without any note a middleware has sent another request in its place."""
        commit = PageCommit(
            lease=page.lease,
            outcome=page.outcome or ("ok" if page.responded else "redirected"),
            children=tuple([packed for packed, _ in page.children]),
            rows=(*[row for row, _ in page.rows], *self._note(page)),
            chain=page.chain,
            marks=frozenset(page.marks),
            rejected=page.rejected,
            url=page.url,
            reason=page.reason
            and page.reason.encode("utf-8", "replace").decode(),  # it may quote half a character of the page
            counts=page.counts,
            handed_in=self._handed_in and page.lease.request.id == START_ID,
        )
        self._commits.append((page, commit))

    def _note(self, page: OpenPage) -> tuple[Row, ...]:
        """What is noted on a page that has ended well, where rows are kept; behind its rows."""
        if page.note is None or not self._codec.shared or (page.outcome or "ok") not in _WELL:
            return ()
        try:
            return (Row(item=NOTE, body=encode_row(page.note.values())),)
        except NotEncodable:  # too long: the page will be read again
            return (Row(item=NOTE, body=encode_row(PageNote(page=page.note.page).values())),)

    def retry(self, page: OpenPage, turn: TryLater) -> None:
        """A page that comes back later."""
        self._retries.append((page, turn))

    def give_back(self, page: OpenPage) -> None:
        """A page that was not begun, or must not go on here: others may have it at once."""
        self._returns.append(page)

    def park(self, page: OpenPage, *, needs: int, problem: str) -> None:
        """A page that cannot be read here: it waits for a worker that reads what it `needs`."""
        level = logging.DEBUG if self._parked else logging.WARNING
        logger.log(level, "A request waits for a worker that can read it (further ones are not logged): %s", problem)
        self._parked += 1
        self._crawler.stats.inc_value("scheduler/parked")
        self._unreadable.append((page, needs))

    def lose(self, page: OpenPage) -> None:
        """Somebody else has the page: nothing of it counts here."""
        logger.warning("The lease of %s was lost; what it gave does not count", page.url)
        self._crawler.stats.inc_value("scheduler/stale")
        self._over(page)
        for packed, _ in page.children:
            self._codec.forget(packed)

    async def hand_in(self, requests: Sequence[tuple[FrontierRequest, Request]]) -> tuple[Fate, ...]:
        """Requests of no page, for those who must know that they were taken: at once, and waited for."""
        fates = await self._frontier.enqueue([packed for packed, _ in requests]) if requests else ()
        for (packed, request), fate in zip(requests, fates, strict=True):
            self._received(packed, request, fate)
        self._on_sent(None)
        return fates

    # --- out ---

    def calls(self) -> list[Coroutine[None, None, None]]:
        """The calls that tell the frontier everything, in the order in which it is to hear of them.

        Pages go back before their host is put on hold, so that they wait in the frontier until the hold is over.
        """
        calls = []
        if self._requests and self._enqueuing is None:
            requests, self._requests = self._requests, []
            if self._codec.shared:
                self._enqueuing = asyncio.get_running_loop().create_task(self._enqueue(requests))
                self._enqueuing.add_done_callback(self._enqueued)
            else:
                calls.append(self._enqueue(requests))
        commits, self._commits = self._ready_commits()
        if commits:
            calls.append(self._commit(commits))
        returns, self._returns = self._returns, []
        if returns:
            calls.append(self._release(returns))
        retries, self._retries = self._retries, []
        calls += [self._retry(page, turn) for page, turn in retries]
        unreadable, self._unreadable = self._unreadable, []
        calls += [self._park(page, needs) for page, needs in unreadable]
        return calls

    async def requests_taken(self) -> None:
        """Waits until the requests that are on their way have been taken."""
        if self._enqueuing is not None:
            await self._enqueuing

    def _ready_commits(self) -> tuple[list[tuple[OpenPage, PageCommit]], list[tuple[OpenPage, PageCommit]]]:
        """Commits that may go now, and those that must wait.

        The start page ends after its requests have been taken: if this process died in between, nobody would ask for
        them again.
        """
        if self._enqueuing is None and not self._requests:
            return self._commits, []
        now = [entry for entry in self._commits if entry[0].lease.request.id != START_ID]
        return now, [entry for entry in self._commits if entry[0].lease.request.id == START_ID]

    def _enqueued(self, task: asyncio.Task[None]) -> None:
        self._enqueuing = None
        self._on_sent(None if task.cancelled() else task.exception())

    async def _enqueue(self, requests: list[tuple[FrontierRequest, Request | None]]) -> None:
        fates = await self._frontier.enqueue([packed for packed, _ in requests])
        for (packed, request), fate in zip(requests, fates, strict=True):
            self._received(packed, request, fate)

    async def _commit(self, commits: list[tuple[OpenPage, PageCommit]]) -> None:
        replies = await self._frontier.commit([commit for _, commit in commits])
        for (page, commit), reply in zip(commits, replies, strict=True):
            self._committed(page, commit.outcome, reply)

    async def _release(self, pages: list[OpenPage]) -> None:
        await self._frontier.release(worker=self._worker, leases=[page.lease for page in pages])
        for page in pages:
            self._drop(page.lease)

    async def _retry(self, page: OpenPage, turn: TryLater) -> None:
        reply = await self._frontier.retry(
            page.lease,
            delay_s=turn.wait_s,
            reason=str(turn),
            hold_host_s=turn.hold_host_s,
            blocked=turn.blocked,
        )
        if reply is Reply.OK:
            self._drop(page.lease)
        else:
            self.lose(page)

    async def _park(self, page: OpenPage, needs: int) -> None:
        await self._frontier.park(page.lease, needs=needs)  # somebody else's page by now is no loss
        self._drop(page.lease)

    # --- answers ---

    def _received(self, packed: FrontierRequest, request: Request | None, fate: Fate) -> None:
        stats = self._crawler.stats
        if fate is Fate.ENQUEUED or fate is Fate.STAGED:
            stats.inc_value("scheduler/enqueued")
            return
        if fate in (Fate.SEEN, Fate.JOINED):
            stats.inc_value("dupefilter/filtered")
        if self._announcer.is_heard(signals.request_dropped):
            shown = self._codec.unpack(packed) if request is None else request
            self._announcer.send(signals.request_dropped, request=shown, spider=self._crawler.spider)
        self._codec.forget(packed)

    def _committed(self, page: OpenPage, outcome: str, reply: CommitReply) -> None:
        if reply.reply is not Reply.OK:
            self.lose(page)
            return
        self._over(page)
        for (packed, request), fate in zip(page.children, reply.children, strict=True):
            self._received(packed, request, fate)
            if fate is Fate.STALLED:
                logger.warning("The list of %s shows nothing new on this page: it ends here, stalled", page.url)
                self._crawler.stats.inc_value("recipe/stalled")
                self.stalled.append(page.url)
        send = self._announcer.send
        if self._codec.shared and page.rows:
            rows = tuple((item, fate) for (_, item), fate in zip(page.rows, reply.rows, strict=False))
            send(rows_settled, page=page, rows=rows, spider=self._crawler.spider)
        send(page_settled, page=page, outcome=outcome, spider=self._crawler.spider)

    def _over(self, page: OpenPage) -> None:
        self._codec.forget(page.lease.request)
        self._drop(page.lease)

    def _drop(self, lease: Lease) -> None:
        if self._held is not None:
            self._held.drop(lease)
