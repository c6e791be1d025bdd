"""The open pages of a job in one process: where each waits, who holds it, and when it comes back.

What a page's end means - outcomes, children, rows, limits - is the frontier's business.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from crawler.frontier.queues import HostQueues

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from crawler.frontier.contract import FrontierRequest, Lease


class Page(Struct):
    """An open page. `token` and `worker` count only while it is leased, `not_before` while it is delayed."""

    request: FrontierRequest
    order: int
    state: str = "ready"  # ready, delayed, leased, parked
    tries: int = 0
    crash_tries: int = 0
    suspect: bool = False
    token: int = 0
    worker: str = ""
    deadline: float = math.inf
    not_before: float = 0.0


class Pages:
    """Open pages by id. Times are those of the clock, in seconds.

    The order in which pages are given out is that of `HostQueues`.
    """

    def __init__(self, *, per_host: int, clock: Callable[[], float]) -> None:
        """`per_host`: at most so many leases per host at once, 0 = no limit. `clock`: seconds, monotonic."""
        self.states: Counter[str] = Counter()
        self._pages: dict[int, Page] = {}
        self._queues = HostQueues(per_host=per_host, clock=clock)
        self._delayed: list[tuple[float, int]] = []  # heap
        self._deadlines: list[tuple[float, int, int]] = []  # heap, stale entries are skipped
        self._holdings: dict[str, set[int]] = {}
        self._parked: dict[int, int] = {}  # id -> what its reader needs, in the order of arrival

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages.values())

    def get(self, page_id: int) -> Page | None:
        """The page, while it is open."""
        return self._pages.get(page_id)

    def add(self, request: FrontierRequest, order: int) -> None:
        """Takes a new page in; `order` tells which of equal priority is older."""
        page = Page(request=request, order=order)
        self._pages[request.id] = page
        self.states["ready"] += 1
        self._queue(page)

    def remove(self, page: Page) -> None:
        """Forgets a leased page."""
        self._let_go(page)
        self.states["leased"] -= 1
        del self._pages[page.request.id]

    def clear(self) -> None:
        """Forgets everything."""
        for store in (self._pages, self._queues, self._delayed, self._deadlines, self._holdings, self._parked):
            store.clear()
        self.states.clear()

    # --- leases ---

    def choose(self, worker: str, limit: int, skip: Collection[str] = ()) -> list[Page]:
        """The next pages for this worker, none of hosts in `skip`; they must be leased to it now.

        A suspect is given alone.
        """
        holdings = self._holdings.get(worker, set())
        if any(self._pages[page_id].suspect for page_id in holdings):
            return []
        if not holdings and limit > 0 and (suspect := self._queues.pop_suspect(skip)) is not None:
            return [self._pages[suspect]]
        chosen: list[Page] = []
        while len(chosen) < limit and (page_id := self._queues.pop(skip)) is not None:
            chosen.append(self._pages[page_id])
        return chosen

    def lease(self, page: Page, *, worker: str, token: int, deadline: float) -> None:
        """Notes who holds a chosen page."""
        self._move(page, "leased")
        page.token, page.worker = token, worker
        self._holdings.setdefault(worker, set()).add(page.request.id)
        self.prolong(page, deadline)

    def prolong(self, page: Page, deadline: float) -> None:
        """Sets the deadline of a leased page."""
        page.deadline = deadline
        if deadline < math.inf:
            heapq.heappush(self._deadlines, (deadline, page.request.id, page.token))

    def held(self, lease: Lease) -> Page | None:
        """The page of a lease that is still held."""
        page = self._pages.get(lease.request.id)
        return page if page is not None and page.state == "leased" and page.token == lease.token else None

    def held_by(self, worker: str) -> list[Page]:
        """All pages that this worker holds."""
        return [self._pages[page_id] for page_id in self._holdings.get(worker, set())]

    def give_back(self, page: Page) -> None:
        """A leased page is ready again."""
        self._let_go(page)
        self._make_ready(page)

    def delay(self, page: Page, until: float) -> None:
        """A leased page is ready again at `until`."""
        self._let_go(page)
        self._move(page, "delayed")
        page.not_before = until
        heapq.heappush(self._delayed, (until, page.request.id))

    def park(self, page: Page, needs: int) -> None:
        """A leased page is given out again when somebody asks who reads what it needs."""
        self._let_go(page)
        self._move(page, "parked")
        self._parked[page.request.id] = needs

    def unpark(self, limit: int, reads: int, skip: Collection[str] = ()) -> None:
        """Up to `limit` parked pages that need no more than that, none of hosts in `skip`, are ready again."""
        if not self._parked:
            return
        for page_id in sorted(self._parked, key=self._parked.__getitem__):
            page = self._pages[page_id]
            if limit <= 0 or self._parked[page_id] > reads:
                return
            if page.request.host not in skip:
                del self._parked[page_id]
                self._make_ready(page)
                limit -= 1

    def hold(self, host: str, until: float) -> None:
        """Nothing of this host is given out before `until`; a hold is never shortened."""
        self._queues.hold(host, until)

    def on_hold(self, host: str) -> bool:
        """Whether nothing of this host is given out now because it is left alone."""
        return self._queues.on_hold(host)

    # --- time ---

    def take_back(self, now: float) -> list[Page]:
        """Delayed pages that are due and hosts whose hold is over come back; answers the leased pages that expired."""
        while self._delayed and self._delayed[0][0] <= now:
            self._make_ready(self._pages[heapq.heappop(self._delayed)[1]])
        self._queues.promote()
        expired: dict[int, Page] = {}  # a lease that was prolonged twice at once has two equal entries
        while self._deadlines and self._deadlines[0][0] <= now:
            entry = heapq.heappop(self._deadlines)
            if self._is_deadline(*entry):
                expired[entry[1]] = self._pages[entry[1]]
        return list(expired.values())

    def next_due(self) -> float | None:
        """When a page or a host comes back next; None while nothing waits for time."""
        if not self._pages:
            return None
        while self._deadlines and not self._is_deadline(*self._deadlines[0]):
            heapq.heappop(self._deadlines)
        times = [heap[0][0] for heap in (self._delayed, self._deadlines) if heap]
        hold = self._queues.next_due()
        return min(times if hold is None else [*times, hold], default=None)

    def _is_deadline(self, deadline: float, page_id: int, token: int) -> bool:
        """Whether an entry of `_deadlines` still says when a lease ends."""
        page = self._pages.get(page_id)
        return page is not None and page.state == "leased" and (page.token, page.deadline) == (token, deadline)

    # --- queues ---

    def _queue(self, page: Page) -> None:
        request = page.request
        if page.suspect:
            self._queues.push_suspect(request.host, request.id)
        else:
            self._queues.push(request.host, priority=request.priority, order=page.order, page_id=request.id)

    def _move(self, page: Page, state: str) -> None:
        self.states[page.state] -= 1
        self.states[state] += 1
        page.state = state

    def _make_ready(self, page: Page) -> None:
        self._move(page, "ready")
        self._queue(page)

    def _let_go(self, page: Page) -> None:
        """Takes a leased page from its holder."""
        self._queues.landed(page.request.host)
        self._holdings[page.worker].discard(page.request.id)
        page.token, page.worker, page.deadline = 0, "", math.inf
