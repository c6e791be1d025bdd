"""How pages end: settled, tried again, followed in place, handed back or lost.

Middlewares have noted in each open page what happened to it. Here it is decided what that means, when the engine has
let go of the page's request or its lease is lost; and how soon the frontier has to hear of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.middlewares.open_pages import MAX_HOPS, Hop, LeaseLost, Redirected, SentBack, Stopped, TryLater

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy import Request

    from crawler.frontier.contract import Lease
    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduling.harvest import Harvest
    from crawler.scheduling.held_leases import HeldLeases
    from crawler.scheduling.parts import Parts
    from crawler.scheduling.start_page import StartPage

#: So many ends of pages are not kept waiting for more. (A thousand pages a second have as many in `GATHER_S`.)
ENOUGH: Final = 64

#: Where the frontier has no more pages, ends of pages are told at once: what they found may be all that is left to do.
#: But from so many pages a second on `FEW` of them go together, so that a page costs a quarter of a round trip at most.
FAST_PAGES_S: Final = 200
FEW: Final = 4

#: Where it has more than this worker may hold, ends of pages make room. They are told when this part of what is held
#: has ended: what is left lasts longer than a round trip, and there are few of them.
ROOM_PART: Final = 1 / 4

#: A page that another worker, or this one, has to read from the beginning.
_NOT_READ: Final = (Stopped, LeaseLost, SentBack)


class PageEnds:
    """Ends the pages of one worker."""

    def __init__(
        self,
        parts: Parts,
        *,
        harvest: Harvest,
        start: StartPage,
        held: HeldLeases | None,
    ) -> None:
        """`held`: the leases that can be lost; None where they cannot, and nobody is far away."""
        self._pages = parts.pages
        self._prefetch = parts.prefetch
        self._appetite = parts.appetite
        self._outbox = parts.outbox
        self._engine = parts.engine
        self._pump = parts.pump
        self._harvest = harvest
        self._start = start
        self._held = held
        self._let_go: list[Request] = []  # since the last turn
        self._silenced: list[
            OpenPage
        ] = []  # of hosts that have asked for silence; they go back with the page it came to

    def __len__(self) -> int:
        return len(self._let_go) + len(self._silenced)

    # --- by the engine ---

    def let_go(self, request: Request) -> None:
        """The engine is through with a request."""
        if self._pages.of(request) is None:
            return
        self._let_go.append(request)
        if self._held is None or self._is_urgent(self._held):
            self._pump.now()
        else:
            self._pump.soon()

    def _is_urgent(self, held: HeldLeases) -> bool:
        """Whether the frontier, which others share, has to hear of the ends of pages at once."""
        ends = len(self._let_go) + len(self._outbox)
        return self._starves(held, ends) or ends >= ENOUGH or self._engine.empty

    def _starves(self, held: HeldLeases, ends: int) -> bool:
        """Whether this worker may soon have nothing to do unless so many ends of pages are told."""
        if not (self._prefetch.dry and self._prefetch.low):
            return False
        if self._prefetch.capped:
            return ends >= ROOM_PART * len(held)
        return self._prefetch.rate < FAST_PAGES_S or ends >= FEW

    def sweep(self) -> None:
        """Ends the pages whose request the engine has let go of."""
        let_go, self._let_go = self._let_go, []
        for request in let_go:
            page = self._pages.of(request)
            if page is not None and page.request is request:
                self._pages.remove(page)
                self._appetite.left(page)
                self._end(page)

    def _end(self, page: OpenPage) -> None:
        turn = page.turn
        if isinstance(turn, TryLater) and turn.hold_host_s > 0:
            self._give_back_silenced(page.lease.request.host)
        if page.lost:
            self._outbox.lose(page)
        elif isinstance(turn, _NOT_READ):
            self._outbox.give_back(page)
        elif isinstance(turn, TryLater):
            self._outbox.retry(page, turn)
        elif isinstance(turn, Hop) and page.hops < MAX_HOPS:
            page.hops += 1
            page.request, page.turn = turn.request, None
            self._prefetch.put_first(page)
            self._engine.wake()
        else:
            self._settle(page)

    def _settle(self, page: OpenPage) -> None:
        turn = page.turn
        if isinstance(turn, Hop):
            page.fail("gave_up", f"redirected to itself {page.hops + 1} times")
        elif isinstance(turn, Redirected) and self._harvest.add_child(page, turn.target):
            page.fail("redirected", str(turn))
        elif isinstance(turn, Redirected):
            page.fail("filtered", f"redirected to {turn.target.url}, which is refused")
        elif page.stand_in is not None:
            page.fail("filtered", f"a middleware put {page.stand_in.url} in its place, which is refused")
        self._outbox.settle(page)

    # --- by others ---

    def surely_ours(self, page: OpenPage) -> bool:
        """Whether nobody else can have this page now."""
        return not page.lost and (self._held is None or self._held.ours(page.lease))

    def lose(self, leases: Iterable[Lease]) -> None:
        """Drops pages that others may have by now. Those of which the frontier is being told are left to its answer."""
        gone = {(lease.request.id, lease.token) for lease in leases}

        def is_gone(page: OpenPage) -> bool:
            return (page.lease.request.id, page.lease.token) in gone

        for page in self._prefetch.take_out(is_gone):
            page.lost = True
            self._outbox.lose(page)
        for page in self._pages:
            page.lost = page.lost or is_gone(page)
        start = self._start.page
        if start is not None and is_gone(start):
            self._start.lose()
            self._outbox.lose(start)
        if self._held is not None:
            for lease in leases:
                self._held.drop(lease)
        self._pump.now()

    def silence(self, host: str) -> None:
        """Takes the waiting pages of a host away from the engine.

        They go back to the frontier together with the page that the host has refused, which puts the host on hold
        there; sooner they would be given out again.
        """
        self._silenced += self._prefetch.take_out(lambda page: page.lease.request.host == host)

    def _give_back_silenced(self, host: str) -> None:
        self.silence(host)
        for page in self._silenced:
            if page.lease.request.host == host:
                self._outbox.give_back(page)
        self._silenced = [page for page in self._silenced if page.lease.request.host != host]

    def give_back_surplus(self, *, free: int) -> None:
        """Hands back what the engine will not be given soon, and would keep out what it could be given.

        `free`: how many pages the engine could begin.
        """
        surplus = self._appetite.look(list(self._prefetch), free=free)
        if surplus:
            gone = set(surplus)
            for page in self._prefetch.take_out(gone.__contains__):
                self._outbox.give_back(page)

    def give_back_waiting(self) -> None:
        """Hands back the pages that the engine does not have yet."""
        for page in self._prefetch.take_out(lambda _: True):
            self._outbox.give_back(page)
            self._pump.now()

    def give_back_unfinished(self) -> None:
        """Hands back the pages that the engine is at; what still comes of them here does not count."""
        for page in self._pages:
            if not page.lost:
                page.lost = True
                self._outbox.give_back(page)
                self._pump.now()
