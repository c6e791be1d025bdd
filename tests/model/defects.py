"""Frontiers with one mistake each, of the kind that a back end could make: what finds them is worth its name."""

from __future__ import annotations

import math

from msgspec.structs import replace

from crawler.frontier.contract import FINISHED, Fate, Reply, RowFate
from crawler.frontier.kept_rows import KeptRows
from crawler.frontier.memory import MemoryFrontier


class NoTokenCheck(MemoryFrontier):
    """Whoever names a leased page holds it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        held = self._pages.held

        def held_by_anybody(lease):
            page = self._pages.get(lease.request.id)
            return page if page is not None and page.state == "leased" else held(lease)

        self._pages.held = held_by_anybody


class CounterTokens(MemoryFrontier):
    """Tokens count the leases that there are now, so they come again: as a counter does that a store has rewound."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._new_token = lambda: self._pages.states["leased"]


class CommitKeepsLease(MemoryFrontier):
    """A settled page stays with its holder until the lease expires."""

    def _settle(self, page, outcome, *, url, reason):
        if outcome == "poison":
            super()._settle(page, outcome, url=url, reason=reason)
        else:
            self._settled[outcome] += 1


class _Forgetful(set):
    """Ids that can be taken away again, which `IdSet` does not do."""

    def add(self, number):
        is_new = number not in self
        super().add(number)
        return is_new


class ForgetsWhatIsSettled(MemoryFrontier):
    """Children are compared with open pages only, so a settled page is accepted again."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._seen = _Forgetful()

    def _settle(self, page, outcome, *, url, reason):
        super()._settle(page, outcome, url=url, reason=reason)
        self._seen.discard(page.request.id)


class ChildrenCountWhenStale(MemoryFrontier):
    """Children are accepted before the token is looked at."""

    def _commit(self, commit):
        if self._pages.held(commit.lease) is None and not self._closed:
            for child in commit.children:
                self._accept(child)
        return super()._commit(commit)


class RowsCountWhenStale(MemoryFrontier):
    """Rows are stored before the token is looked at."""

    def _commit(self, commit):
        if self._pages.held(commit.lease) is None:
            self._rows.add(commit.lease.request.id, commit.rows)
        return super()._commit(commit)


class ExpiryWithoutSuspicion(MemoryFrontier):
    """An expired page is given out in company again, so a killer takes others along for ever."""

    def _expire(self, page):
        super()._expire(page)
        page.suspect = False


class ExpiryAlwaysCounts(MemoryFrontier):
    """Any expired lease counts against its page."""

    def _expire(self, page):
        if not page.suspect:
            page.crash_tries += 1
        super()._expire(page)


class ExpiryNeverCounts(MemoryFrontier):
    """No page is ever poison."""

    def _expire(self, page):
        page.crash_tries = 0
        super()._expire(page)


class SuspectsInCompany(MemoryFrontier):
    """The holder of a suspect is given other pages too."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        held_by, choose = self._pages.held_by, self._pages.choose

        def choose_always(worker, limit, skip=()):
            suspects = [page for page in held_by(worker) if page.suspect]
            for page in suspects:
                page.suspect = False
            chosen = choose(worker, limit, skip)
            for page in suspects:
                page.suspect = True
            return chosen

        self._pages.choose = choose_always


class ForgetsLeaseCalls(MemoryFrontier):
    """A repeated call is given new pages; those of the lost reply are nobody's until they expire."""

    async def lease(self, **asked):
        self._last_calls.clear()
        return await super().lease(**asked)


class LateLeaseCallsGive(MemoryFrontier):
    """A call that comes after its successor is given pages that nobody reads."""

    async def lease(self, *, worker, call, **asked):
        number = self._last_calls.get(worker, (0,))[0]
        if call < number:
            del self._last_calls[worker]
        return await super().lease(worker=worker, call=call, **asked)


class SkipsAreForgotten(MemoryFrontier):
    """A worker is given pages of hosts of which it has said that it has enough."""

    async def lease(self, *, skip=(), **asked):
        del skip
        return await super().lease(**asked)


class RetryIsNotCounted(MemoryFrontier):
    """A page may fail for ever."""

    async def retry(self, lease, *, delay_s, reason, hold_host_s=0.0):
        page = self._pages.held(lease)
        reply = await super().retry(lease, delay_s=delay_s, reason=reason, hold_host_s=hold_host_s)
        if page is not None:
            page.tries = 0
        return reply


class RetryLosesThePage(MemoryFrontier):
    """Of three delayed pages one never comes back."""

    async def retry(self, lease, *, delay_s, reason, hold_host_s=0.0):
        reply = await super().retry(lease, delay_s=delay_s, reason=reason, hold_host_s=hold_host_s)
        if reply is Reply.OK and delay_s > 0 and self._pages.states["delayed"] == 3:
            self._pages._delayed.pop()
        return reply


class HoldsAreForgotten(MemoryFrontier):
    """A host that asked for silence is asked again at once."""

    async def retry(self, lease, *, delay_s, reason, hold_host_s=0.0):
        del hold_host_s
        return await super().retry(lease, delay_s=delay_s, reason=reason)


class ParkedPagesGoToAnybody(MemoryFrontier):
    """A page that is put aside is ready at once, for whoever cannot read it either."""

    async def park(self, lease, *, needs):
        page = self._pages.held(lease)
        if page is None:
            return Reply.STALE
        del needs
        self._pages.give_back(page)
        return Reply.OK


class ParkedPagesStayThere(MemoryFrontier):
    """A page that is put aside is never given out again."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._pages.unpark = lambda *_: None


class ClosesOverParkedPages(MemoryFrontier):
    """A job is finished when nothing but parked pages is left: they are lost, and nobody is told."""

    async def close(self, reason):
        if reason == FINISHED and len(self._pages) == self._pages.states["parked"]:
            return await super().close("nothing left")
        return await super().close(reason)


class RenewRevives(MemoryFrontier):
    """Renewing by page and not by token: a lost lease is prolonged."""

    async def renew(self, *, worker, leases, ttl_s):
        renewed = []
        for lease in leases:
            page = self._pages.get(lease.request.id)
            is_leased = page is not None and page.state == "leased" and page.worker == worker
            renewed.append(replace(lease, token=page.token) if is_leased else lease)
        lost = await super().renew(worker=worker, leases=renewed, ttl_s=ttl_s)
        return tuple(lease for lease, new in zip(leases, renewed, strict=True) if new in lost)


class LimitForgetsLeases(MemoryFrontier):
    """The limit of pages looks at settled pages only, so what is in flight comes on top."""

    def _budget(self):
        leased = self._pages.states["leased"]
        return super()._budget() + (leased if self._max_pages is not None else 0)


class OneMorePerHost(MemoryFrontier):
    """A limit per host that is off by one."""

    def __init__(self, *, per_host=0, **kwargs):
        super().__init__(per_host=per_host + 1 if per_host else 0, **kwargs)


class LastInFirstOut(MemoryFrontier):
    """The youngest page of a host goes first."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        add = self._pages.add
        self._pages.add = lambda request, order: add(request, -order)


class OneHostAtATime(MemoryFrontier):
    """A host is asked until it has nothing left; the others wait."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        queues = self._pages._queues
        pop = queues.pop

        def pop_from_the_same(skip=()):
            page_id = pop(skip)
            if queues._turn:
                queues._turn.rotate(1)
            return page_id

        queues.pop = pop_from_the_same


class ClosesUnderLeases(MemoryFrontier):
    """A job ends although somebody still holds a page of it."""

    async def close(self, reason):
        if not self._closed:
            for page in list(self._pages):
                if page.state == "leased":
                    self._pages.give_back(page)
        return await super().close(reason)


class ClosingForgetsTheRest(MemoryFrontier):
    """What is open when a job ends is dropped without being counted."""

    async def close(self, reason):
        reply = await super().close(reason)
        self._settled.pop("cancelled", None)
        return reply


class MarksOfAllLists(MemoryFrontier):
    """Progress of a list is judged by what any list has shown."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._shown: set[int] = set()
        show = self._chains.show

        def show_among_all(commit):
            new = bool(commit.marks - self._shown) or commit.chain is None
            self._shown |= commit.marks
            return show(commit) and new

        self._chains.show = show_among_all


class ListsNeverStall(MemoryFrontier):
    """The next page of a list is followed whether the list goes on or not."""

    def _accept_child(self, child, *, progress):
        return super()._accept_child(replace(child, on_progress=False), progress=progress)


class _RefusedRowsLeaveTraces(KeptRows):
    def _fate(self, row):
        fate = super()._fate(row)
        if row.key and fate is not RowFate.DUPLICATE:
            self._keys[row.item].add(row.key)
        return fate


class RefusedRowsLeaveTraces(MemoryFrontier):
    """A row that was refused still takes its key."""

    def __init__(self, *, max_rows=None, keep_rows=False, **kwargs):
        super().__init__(max_rows=max_rows, keep_rows=keep_rows, **kwargs)
        self._rows = _RefusedRowsLeaveTraces(limit=max_rows, keep=keep_rows)


class KeysOfAllItems(MemoryFrontier):
    """Keys are compared across types of rows."""

    def _commit(self, commit):
        rows = tuple(replace(row, item="any") for row in commit.rows)
        return super()._commit(replace(commit, rows=rows))


class LateCommitsAreRefused(MemoryFrontier):
    """A lease is worthless at its deadline, although nobody has taken it back."""

    def _commit(self, commit):
        page = self._pages.held(commit.lease)
        if page is not None and page.deadline <= self._clock():
            self._expire(page)
        return super()._commit(commit)


class SaysEnqueuedTwice(MemoryFrontier):
    """A request that is handed in twice in one call is said to be new twice."""

    async def enqueue(self, requests):
        fates = await super().enqueue(requests)
        new = {request.id for request, fate in zip(requests, fates, strict=True) if fate is Fate.ENQUEUED}
        return tuple(
            Fate.ENQUEUED if request.id in new else fate for request, fate in zip(requests, fates, strict=True)
        )


class WaitsForWhatHasEnded(MemoryFrontier):
    """Deadlines of settled leases are still waited for."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._ended: list[float] = []

    def _settle(self, page, outcome, *, url, reason):
        self._ended.append(page.deadline)
        super()._settle(page, outcome, url=url, reason=reason)

    def _due_in(self, now):
        due = super()._due_in(now)
        ended = [deadline - now for deadline in self._ended if now < deadline < math.inf]
        return min([*ended, *(() if due is None else (due,))], default=None)


#: By name.
DEFECTS = {
    kind.__name__: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, MemoryFrontier) and kind is not MemoryFrontier
}
