"""What a page's end means, and how soon the frontier has to hear of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from scrapy import Request, Spider
from scrapy.signalmanager import SignalManager

from crawler.frontier.contract import FrontierRequest, Lease
from crawler.frontier.memory import MemoryFrontier
from crawler.middlewares.open_pages import Hop, LeaseLost, OpenPage, OpenPages, Redirected, SentBack, Stopped, TryLater
from crawler.scheduling.appetite import Appetite
from crawler.scheduling.engine_hands import EngineHands
from crawler.scheduling.held_leases import HeldLeases
from crawler.scheduling.outbox import Outbox
from crawler.scheduling.page_ends import ENOUGH, FAST_PAGES_S, FEW, MAX_HOPS, PageEnds
from crawler.scheduling.parts import Parts
from crawler.scheduling.prefetch import Prefetch
from crawler.scheduling.pump import Pump
from crawler.scheduling.start_page import StartPage
from crawler.spiders.requests import RequestCodec


class Stats(dict):
    def inc_value(self, name):
        self[name] = self.get(name, 0) + 1


class Children:
    """Takes every target of a redirect but those of evil."""

    def add_child(self, page, request):
        return "evil" not in request.url


class Wishes(Pump):
    """Notes what was wished for; takes no turns."""

    def __init__(self):
        super().__init__(asyncio.Event().wait, on_failure=print)
        self.said = []

    def now(self):
        self.said.append("now")

    def soon(self):
        self.said.append("soon")


class Desk:
    """The parts of a scheduler around the ends of pages, with an engine that only has hands."""

    def __init__(self, *, shared=True):
        nextcall = SimpleNamespace(_call=None, schedule=lambda: None)
        slot = SimpleNamespace(inprogress=set(), closing=None, nextcall=nextcall)
        self.crawler = SimpleNamespace(
            engine=SimpleNamespace(_slot=slot, scraper=SimpleNamespace(slot=object())),
            stats=Stats(),
            signals=SignalManager(sender=object()),
        )
        self.slot = slot
        self.held = HeldLeases(ttl_s=60.0, clock=lambda: 0.0) if shared else None
        self.pages, self.prefetch = OpenPages(), Prefetch(most=32, clock=lambda: 0.0)
        codec = RequestCodec(spider=Spider("s"), secret=b"s")
        frontier = MemoryFrontier()
        self.outbox = Outbox(self.crawler, frontier, codec, worker="w", held=self.held, on_sent=lambda error: None)
        self.start, self.pump = StartPage(self.crawler, settle=self.outbox.settle), Wishes()
        self.appetite = Appetite(lambda host, coming: 0.0, clock=lambda: 0.0, wake=print, ask=print)
        parts = Parts(
            pages=self.pages,
            prefetch=self.prefetch,
            appetite=self.appetite,
            outbox=self.outbox,
            engine=EngineHands(self.crawler),
            pump=self.pump,
        )
        self.ends = PageEnds(parts, harvest=Children(), start=self.start, held=self.held)
        EngineHands(self.crawler).watch(self.ends.let_go)
        self.numbers = iter(range(2, 1000))

    def page(self, host="h"):
        number = next(self.numbers)
        lease = Lease(request=FrontierRequest(id=number, host=host, body=b""), token=number)
        if self.held is not None:
            self.held.add([lease], asked_at=0.0)
        return OpenPage(lease=lease, request=Request(f"http://{host}/{number}"), url=f"http://{host}/{number}")

    def hand_out(self, page):
        self.pages.add(page)
        self.slot.inprogress.add(page.request)
        return page

    def end(self, page, turn=None):
        page.turn = turn
        self.slot.inprogress.remove(page.request)
        self.ends.sweep()
        return page

    @property
    def told(self):
        """What the outbox holds: outcomes, and the kinds of everything else."""
        outbox = self.outbox
        return [
            *(f"{commit.outcome}: {commit.reason}" for _, commit in outbox._commits),
            *("retry" for _ in outbox._retries),
            *(f"back {page.lease.request.host}" for page in outbox._returns),
        ]


@pytest.fixture
def desk():
    return Desk()


def test_a_page_is_settled_when_the_engine_lets_go_of_its_request_and_not_before(desk):
    page = desk.hand_out(desk.page())
    page.responded = True
    desk.ends.sweep()
    assert desk.told == []
    desk.end(page)
    assert desk.told == ["ok: "]
    assert len(desk.pages) == 0


def test_requests_that_are_no_page_are_nothing(desk):
    request = Request("http://h/robots.txt")
    desk.slot.inprogress.add(request)
    desk.slot.inprogress.remove(request)
    assert (len(desk.ends), desk.pump.said) == (0, [])


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (TryLater("busy", wait_s=1.0, hold_host_s=0.0), ["retry"]),
        (Stopped("end"), ["back h"]),
        (LeaseLost("late"), ["back h"]),
        (SentBack("429"), ["back h"]),
        (Redirected(Request("http://h/there"), "301"), ["redirected: 301"]),
        (
            Redirected(Request("http://evil.example/"), "301"),
            ["filtered: redirected to http://evil.example/, which is refused"],
        ),
        (None, ["redirected: "]),
    ],
)
def test_how_a_page_ends_is_what_was_noted(desk, turn, told):
    desk.end(desk.hand_out(desk.page()), turn)
    assert desk.told == told


def test_a_page_that_redirects_to_itself_is_followed_in_place_a_few_times(desk):
    page = desk.page()
    for hop in range(MAX_HOPS):
        desk.hand_out(page)
        desk.end(page, Hop(Request(f"http://h/{hop}")))
        assert desk.prefetch.pop() is page
        assert page.turn is None
    desk.hand_out(page)
    desk.end(page, Hop(Request("http://h/again")))
    assert desk.told == [f"gave_up: redirected to itself {MAX_HOPS + 1} times"]


def test_pages_of_a_host_that_wants_silence_go_back_together_with_the_one_it_refused(desk):
    refused = desk.hand_out(desk.page("a"))
    for host in "aba":
        desk.prefetch.put(desk.page(host))
    desk.ends.silence("a")
    assert desk.told == []
    assert len(desk.ends) == 2
    desk.prefetch.put(desk.page("a"))  # its answer was on its way
    desk.end(refused, TryLater("429", wait_s=5.0, hold_host_s=5.0))
    assert desk.told == ["retry", "back a", "back a", "back a"]
    assert [page.lease.request.host for page in desk.prefetch] == ["b"]
    assert len(desk.ends) == 0
    calls = desk.outbox.calls()
    assert [call.cr_code.co_name for call in calls] == ["_release", "_retry"]  # or they would be given out again
    for call in calls:
        call.close()


def test_they_go_back_even_if_that_page_is_lost_meanwhile(desk):
    refused = desk.hand_out(desk.page("a"))
    desk.prefetch.put(desk.page("a"))
    desk.ends.silence("a")
    desk.ends.lose([refused.lease])
    desk.end(refused, TryLater("429", wait_s=5.0, hold_host_s=5.0))
    assert desk.told == ["back a"]


def test_lost_pages_are_dropped_wherever_they_are(desk):
    waiting, kept, fetched, settled = desk.page(), desk.page(), desk.page(), desk.page()
    desk.prefetch.put(waiting)
    desk.prefetch.put(kept)
    desk.hand_out(fetched)
    desk.end(desk.hand_out(settled))
    start = desk.page()
    desk.start.leased(start)
    desk.ends.lose([page.lease for page in (waiting, fetched, settled, start)])
    assert list(desk.prefetch) == [kept]
    assert (waiting.lost, kept.lost, fetched.lost, start.lost) == (True, False, True, True)
    assert desk.start.page is None
    assert desk.told == ["redirected: "]  # it is being told of: the answer decides
    assert desk.crawler.stats["scheduler/stale"] == 2
    desk.end(fetched)
    assert desk.told == ["redirected: "]
    assert desk.crawler.stats["scheduler/stale"] == 3
    assert desk.pump.said.count("now") >= 1
    assert [desk.ends.surely_ours(page) for page in (waiting, kept, fetched)] == [False, True, False]
    assert len(desk.held) == 1


def test_another_lease_of_the_same_page_is_not_lost_with_the_first(desk):
    page = desk.hand_out(desk.page())
    other = Lease(request=page.lease.request, token=page.lease.token + 1)
    desk.ends.lose([other])
    assert not page.lost


def test_a_worker_that_leaves_hands_back_what_waits_and_later_what_it_has_begun(desk):
    begun = desk.hand_out(desk.page("begun"))
    desk.prefetch.put(desk.page("waiting"))
    desk.ends.give_back_waiting()
    assert desk.told == ["back waiting"]
    desk.ends.give_back_unfinished()
    desk.ends.give_back_unfinished()
    assert desk.told == ["back waiting", "back begun"]
    desk.end(begun)
    assert desk.told == ["back waiting", "back begun"]


# --- how soon ---


def let_go(desk, count):
    """Lets go of so many pages while the engine has one more."""
    desk.hand_out(desk.page())
    pages = [desk.hand_out(desk.page()) for _ in range(count)]
    desk.pump.said.clear()
    for page in pages:
        desk.slot.inprogress.remove(page.request)
    return desk.pump.said


def fill(desk):
    desk.prefetch.room(free=4)
    for _ in range(4):
        desk.prefetch.put(desk.page())


def test_alone_a_turn_is_taken_at_once():
    desk = Desk(shared=False)
    fill(desk)
    assert let_go(desk, 1) == ["now"]


def test_with_pages_at_hand_ends_are_gathered_until_there_are_enough(desk):
    fill(desk)
    assert let_go(desk, ENOUGH) == ["soon"] * (ENOUGH - 1) + ["now"]


def test_an_engine_with_nothing_left_to_do_is_not_kept_waiting(desk):
    fill(desk)
    page = desk.hand_out(desk.page())
    desk.slot.inprogress.remove(page.request)
    assert desk.pump.said == ["now"]


def test_short_of_pages_ends_are_gathered_while_the_frontier_has_more(desk):
    assert let_go(desk, 1) == ["soon"]


def test_when_the_frontier_has_no_more_a_slow_crawl_tells_at_once(desk):
    desk.prefetch.dry = True
    assert let_go(desk, 1) == ["now"]


def test_when_the_frontier_has_no_more_a_fast_crawl_gathers_a_few(desk):
    desk.prefetch.dry = True
    desk.prefetch.rate = FAST_PAGES_S
    assert let_go(desk, FEW) == ["soon"] * (FEW - 1) + ["now"]


@pytest.mark.parametrize(("held", "enough"), [(2, 1), (4, 1), (8, 2), (64, 16)])
def test_when_this_worker_may_hold_no_more_a_quarter_of_that_is_gathered(desk, held, enough):
    desk.prefetch.dry = desk.prefetch.capped = True
    for _ in range(held - enough - 1):
        desk.page()
    assert let_go(desk, enough) == ["soon"] * (enough - 1) + ["now"]
