"""What a turn with the frontier leaves behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from scrapy import Request, Spider
from scrapy.signalmanager import SignalManager

from crawler.frontier.identity import Occurrences
from crawler.frontier.memory import MemoryFrontier
from crawler.scheduling.appetite import Appetite
from crawler.scheduling.exchange import Exchange
from crawler.scheduling.held_leases import HeldLeases
from crawler.scheduling.intake import Intake
from crawler.scheduling.outbox import Outbox
from crawler.scheduling.prefetch import Prefetch
from crawler.scheduling.start_page import StartPage
from crawler.spiders.requests import RequestCodec


class Turns:
    """An exchange with a memory frontier that holds so many pages of one host."""

    def __init__(self, *, pages, per_host, meta=None):
        codec = RequestCodec(spider=Spider("s"), secret=b"s")
        codec.shared = True
        crawler = SimpleNamespace(
            stats=SimpleNamespace(inc_value=lambda name: None), signals=SignalManager(sender=object())
        )
        frontier = MemoryFrontier(per_host=per_host)
        held = HeldLeases(ttl_s=60.0)
        outbox = Outbox(crawler, frontier, codec, worker="w", held=held, on_sent=lambda error: None)
        self.prefetch = Prefetch(most=16, clock=lambda: 0.0)
        self.exchange = Exchange(
            frontier=frontier,
            codec=codec,
            outbox=outbox,
            intake=Intake(frontier, held, worker="w", ttl_s=60.0),
            prefetch=self.prefetch,
            appetite=Appetite(lambda host, coming: 0.0, clock=lambda: 0.0, wake=print, ask=print),
            start=StartPage(crawler, settle=outbox.settle),
        )
        seen = Occurrences()
        requests = [Request(f"http://h/{number}", meta=meta) for number in range(pages)]
        asyncio.run(frontier.enqueue([codec.pack(request, parent=1, occurrences=seen) for request in requests]))

    def take(self, free):
        asyncio.run(self.exchange.tell_and_ask(free=free))
        return len(self.prefetch), self.prefetch.dry, self.prefetch.capped


@pytest.mark.parametrize(
    ("pages", "per_host", "state"),
    [
        (9, 0, (8, False, False)),
        (8, 0, (8, False, False)),
        (7, 0, (7, True, False)),
        (9, 4, (4, True, True)),
        (4, 4, (4, True, False)),
    ],
)
def test_it_tells_a_frontier_that_has_no_more_from_one_that_may_give_no_more(pages, per_host, state):
    assert Turns(pages=pages, per_host=per_host).take(8) == state


@pytest.mark.parametrize(
    ("meta", "chain"),
    [
        ({"recipe": {"page": "list", "chain": {"id": "chairs"}}}, "chairs"),
        ({"recipe": {"page": "list"}}, None),
        ({}, None),
    ],
)
def test_a_page_is_known_as_part_of_its_list(meta, chain):
    turns = Turns(pages=1, per_host=0, meta=meta)
    turns.take(1)
    assert [page.chain for page in turns.prefetch] == [chain]
