"""How often a worker asks a frontier that is far away."""

from __future__ import annotations

import asyncio

import pytest
from fleet import Shared, Worker
from loopback import links, spider_for

from crawler.scheduling.page_ends import FAST_PAGES_S
from crawler.signals import page_settled

PAGES = 800


@pytest.mark.parametrize("per_host", [0, 32])
def test_a_fast_crawl_makes_at_most_a_quarter_of_a_round_trip_per_page(site, crawl_together, per_host):
    frontier = Shared(per_host=per_host)
    frontier.delay_s = 0.002
    site["/"] = links(*(f"/list/{number}" for number in range(20)))
    for number in range(20):
        site[f"/list/{number}"] = links(*(f"/p/{number}/{page}" for page in range(PAGES // 20)))
        site.pages.update({f"/p/{number}/{page}": "x" for page in range(PAGES // 20)})
    settings = {
        "CONCURRENT_REQUESTS": 16,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        "AUTOTHROTTLE_ENABLED": False,
        "LOG_LEVEL": "INFO",
    }
    ended = crawl_together(spider_for(site), settings, frontier=frontier, workers=(Worker("a"),))
    pages = PAGES + 21
    assert asyncio.run(frontier.audit()).settled == {"ok": pages + 1}
    if pages / ended["a"].stats["elapsed_time_seconds"] >= FAST_PAGES_S:  # slower crawls have nothing to gather
        assert frontier.round_trips <= 0.25 * pages


def test_an_idle_worker_asks_ten_times_a_second(site, crawl_together):
    frontier = Shared()
    asked = []

    async def parse(self, response):
        before = frontier.calls.count("lease")
        for _ in range(10):
            await asyncio.sleep(0.1)
        asked.append(frontier.calls.count("lease") - before)

    site["/"] = "x"
    crawl_together(spider_for(site, parse=parse), frontier=frontier)
    assert 16 <= asked[0] <= 22  # both workers: one waits for the other's page, one for more beside its own


def test_a_crawl_ends_at_once_also_if_another_turn_follows_the_last_one(site, crawl_together):
    """While a turn is under way nothing is known to be over, so the engine has to be asked again after it."""
    frontier = Shared()
    frontier.delay_s = 0.02
    site["/"] = "x"

    class Poking(spider_for(site)):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.settled, signal=page_settled)
            return spider

        def settled(self):
            self.crawler.engine.scheduler._pump.now()

    ended = crawl_together(Poking, frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].stats["elapsed_time_seconds"] < 2  # not the engine's five seconds
