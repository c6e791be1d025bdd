"""A worker that is silent for too long loses its pages: others read them, and what it still does counts nowhere."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import pytest
from fleet import Shared, Worker, rows_of, until
from loopback import links, spider_for
from scrapy import Request
from scrapy.exceptions import CloseSpider

from crawler.errors import StoreError
from crawler.frontier.identity import START_ID
from crawler.middlewares.open_pages import LeaseLost

#: Short enough for a test: leases are prolonged each 0.1 s.
TTL_S = 0.3


def books(frontier):
    return asyncio.run(frontier.audit())


def scheduler_of(spider):
    return spider.crawler.engine.scheduler


async def lose_start(spider, frontier):
    """Takes the start page from a spider that is reading it."""
    page = scheduler_of(spider).start.page
    await frontier.expire(START_ID)
    await until(lambda: page.lost)


def test_leases_are_prolonged_while_a_page_is_being_read(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    async def parse(self, response):
        for _ in range(9):
            await asyncio.sleep(TTL_S / 3)
        yield {"url": response.url}

    workers = (Worker("a", renews=True), Worker("b", renews=True))
    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert site.hits["/"] == 1
    assert "renew" in frontier.calls
    assert len(asyncio.run(rows_of(frontier))) == 1


def test_leases_are_prolonged_while_a_callback_stops_the_event_loop(site, crawl_together):
    """The frontier of this test lives on the same loop, so the thread's call cannot be answered by it."""
    frontier = Shared()
    site["/"] = "x"
    asked = threading.Event()
    ours = []

    def parse(self, response):
        scheduler = scheduler_of(self)
        (page,) = scheduler.pages
        before = scheduler._held._held[page.lease.request.id, page.lease.token].deadline
        scheduler._renewal._renew = lambda leases: asked.set() or ()
        assert asked.wait(5)
        while scheduler._held._held[page.lease.request.id, page.lease.token].deadline == before:
            time.sleep(0.005)
        ours.append(scheduler.lease_still_ours(response.request))

    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert ours == [True]


def test_a_page_that_waits_long_at_the_door_keeps_its_lease(site, crawl_together):
    frontier = Shared()
    pages = [f"/p/{number}" for number in range(3)]
    site["/"] = links(*pages)
    site.pages.update(dict.fromkeys(pages, "x"))
    settings = {"DOWNLOAD_DELAY": 2 * TTL_S, "AUTOTHROTTLE_ENABLED": False, "ROBOTSTXT_OBEY": False}
    workers = (Worker("a", renews=True, longest_s=TTL_S),)
    ended = crawl_together(spider_for(site), settings, frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert site.hits == dict.fromkeys(("/", *pages), 1)
    assert len(frontier.given) == 5
    assert "scheduler/stale" not in ended["a"].stats
    assert books(frontier).settled == {"ok": 5}


def test_what_a_page_gives_after_its_lease_was_lost_counts_nowhere_and_another_reads_it(site, crawl_together):
    frontier = Shared()
    site["/"] = links("/p/1")
    site["/p/1"] = links("/p/2")
    site["/p/2"] = "x"
    readers = []

    async def parse(self, response):
        if response.url.endswith("/p/1"):
            readers.append(scheduler_of(self)._worker)
            if len(readers) == 1:
                yield {"url": response.url}
                await frontier.expire(frontier.lease_of("/p/1").request.id)
                page = scheduler_of(self).pages.of(response.request)
                await until(lambda: page.lost)
        yield {"url": response.url}
        for link in response.css("a"):
            yield response.follow(link)

    workers = (Worker("a", renews=True), Worker("b", renews=True))
    ended = crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert site.hits["/p/1"] == len(readers) == 2
    rows = Counter(values["url"].removeprefix(site.url) for _, values in asyncio.run(rows_of(frontier)))
    assert rows == {"/": 1, "/p/1": 1, "/p/2": 1}
    assert sum(result.stats.get("scheduler/stale", 0) for result in ended.values()) == 1
    scraped = [item["url"] for result in ended.values() for item in result.items if item["url"].endswith("/p/1")]
    assert len(scraped) == 2  # one before the loss, one by the other: none after it
    final = books(frontier)
    assert final.balanced
    assert final.settled == {"ok": 4}


def test_a_response_that_comes_after_the_lease_was_lost_reaches_no_callback(site, crawl_together):
    frontier = Shared()
    site["/"] = links("/p/1")
    site["/p/1"] = "x"
    seen = []

    class Slow:
        """The first answer takes until the lease is lost."""

        slow = True

        async def process_response(self, request, response):
            if request.url.endswith("/p/1") and Slow.slow:
                Slow.slow = False
                scheduler = self.crawler.engine.scheduler
                await frontier.expire(frontier.lease_of("/p/1").request.id)
                await until(lambda: scheduler.pages.of(request).lost)
                assert not scheduler.lease_still_ours(request)
            return response

        @classmethod
        def from_crawler(cls, crawler):
            middleware = cls()
            middleware.crawler = crawler
            return middleware

    def parse(self, response):
        seen.append(response.url)
        yield from response.follow_all(css="a")

    spider = spider_for(site, parse=parse, custom_settings={"DOWNLOADER_MIDDLEWARES": {Slow: 900}})
    crawl_together(spider, frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert site.hits["/p/1"] == 2
    assert seen == [f"{site.url}/", f"{site.url}/p/1"]
    assert books(frontier).settled == {"ok": 3}


def test_waiting_pages_whose_lease_was_lost_are_dropped(site, crawl_together):
    frontier = Shared()
    site["/"] = links(*(f"/p/{number}" for number in range(6)))
    site.pages.update({f"/p/{number}": "x" for number in range(6)})
    taken = []

    class Busy:
        """The first download of a product lasts until the pages that wait behind it are lost."""

        @classmethod
        def from_crawler(cls, crawler):
            middleware = cls()
            middleware.crawler = crawler
            return middleware

        async def process_request(self, request):
            scheduler = self.crawler.engine.scheduler
            if "/p/" in request.url and not taken:
                await until(lambda: len(scheduler._prefetch))
                taken.extend(page.lease for page in scheduler._prefetch)
                await frontier.expire(*(lease.request.id for lease in taken))
                await until(lambda: not any(scheduler._held.ours(lease) for lease in taken))

    settings = {"CONCURRENT_REQUESTS": 1, "DOWNLOADER_MIDDLEWARES": {Busy: 900}}
    workers = (Worker("a", renews=True),)
    ended = crawl_together(spider_for(site), settings, frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert taken
    assert set(site.hits.values()) == {1}
    assert ended["a"].stats["scheduler/stale"] == len(taken)
    assert books(frontier).settled == {"ok": 8}


def test_a_page_whose_lease_ended_by_the_clock_goes_back_instead_of_out(site, crawl_together):
    """No thread prolongs here: the worker cannot know whether the page is still its own, so it does not send it."""
    frontier = Shared()
    site["/"] = links(*(f"/p/{number}" for number in range(4)))
    site.pages.update({f"/p/{number}": "x" for number in range(4)})

    async def parse(self, response):
        held = scheduler_of(self)._held
        if response.url.endswith("/"):
            for link in response.css("a"):
                yield response.follow(link)
        elif not held.jumped:
            held.jumped = True
            clock = held.clock
            held.clock = lambda: clock() + 3600

    class Jumping:
        """Notes on the table of leases whether its clock has jumped."""

        @classmethod
        def from_crawler(cls, crawler):
            from scrapy import signals

            extension = cls()
            extension.crawler = crawler
            crawler.signals.connect(extension.opened, signal=signals.spider_opened)
            return extension

        def opened(self):
            from crawler.scheduling.held_leases import HeldLeases

            class WithNote(HeldLeases):
                jumped = False

            self.crawler.engine.scheduler._held.__class__ = WithNote

    settings = {"CONCURRENT_REQUESTS": 1, "EXTENSIONS": {Jumping: 0}}
    crawl_together(spider_for(site, parse=parse), settings, frontier=frontier, workers=(Worker("a"),), ttl_s=60.0)
    assert set(site.hits.values()) == {1}
    assert books(frontier).settled == {"ok": 6}
    assert frontier.calls.count("release") >= 2  # what waited, and at the end


def test_a_request_that_the_door_does_not_send_goes_back(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"
    refused = []

    class Door:
        def process_request(self, request):
            if not refused:
                refused.append(request.url)
                raise LeaseLost("not ours any more")

    spider = spider_for(site, custom_settings={"DOWNLOADER_MIDDLEWARES": {Door: 950}})
    crawl_together(spider, frontier=frontier, workers=(Worker("a"),))
    assert (len(refused), site.hits["/"]) == (1, 1)
    assert books(frontier).settled == {"ok": 2}


@pytest.mark.parametrize("error", [ConnectionError("gone"), StoreError("refused")])
def test_a_renewal_without_an_answer_is_tried_again_sooner(site, crawl_together, error):
    frontier = Shared()
    site["/"] = "x"
    failures = []

    async def parse(self, response):
        renewal = scheduler_of(self)._renewal
        renew = renewal._renew

        def failing(leases):
            failures.append(len(leases))
            if len(failures) <= 2:
                raise error
            return renew(leases)

        renewal._renew = failing
        for _ in range(8):
            await asyncio.sleep(TTL_S / 3)
        yield {"ours": [scheduler_of(self)._held.ours(page.lease) for page in scheduler_of(self).pages]}

    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert len(failures) > 2
    assert asyncio.run(rows_of(frontier)) == [("dict", {"ours": [True]})]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_renewal_that_breaks_ends_the_crawl_instead_of_letting_leases_run_out(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    async def parse(self, response):
        scheduler_of(self)._renewal._renew = None
        await until(lambda: not scheduler_of(self)._renewal.is_alive())
        yield Request(response.urljoin("/never"))

    site["/never"] = "x"
    workers = (Worker("a", renews=True),)
    ended = crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert ended["a"].reason == "scheduler_failed"
    assert books(frontier).closed == ""


# --- the start page ---


def test_a_start_page_that_goes_on_giving_requests_is_not_taken_for_stuck(site, crawl_together):
    frontier = Shared()
    site.pages.update({f"/{number}": "x" for number in range(20)})

    async def start(self):
        for number in range(20):
            await asyncio.sleep(0.05)
            yield Request(f"{site.url}/{number}")

    spider = spider_for(site, start=start, parse=lambda self, response: None)
    workers = (Worker("a", renews=True, longest_s=TTL_S),)
    ended = crawl_together(spider, frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert "scheduler/stale" not in ended["a"].stats
    assert set(site.hits.values()) == {1}


def test_a_page_that_is_stuck_is_given_up(site, crawl_together, caplog):
    frontier = Shared()
    site["/"] = "x"
    readers = []

    async def parse(self, response):
        readers.append(scheduler_of(self)._worker)
        if len(readers) == 1:
            page = scheduler_of(self).pages.of(response.request)
            await until(lambda: page.lost)
        yield {"reader": len(readers)}

    workers = (Worker("a", renews=True, longest_s=TTL_S),)
    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert len(readers) == 2
    assert asyncio.run(rows_of(frontier)) == [("dict", {"reader": 2})]
    assert "its lease is over" in caplog.text


def test_start_is_read_by_another_worker_when_its_reader_is_lost(site, crawl_together):
    frontier = Shared()
    site.pages.update({"/1": "x", "/2": "x", "/3": "x"})
    ran = []

    async def start(self):
        name = scheduler_of(self)._worker
        ran.append(name)
        yield {"row": "of start"}
        yield Request(f"{site.url}/1")
        if len(ran) == 1:
            await asyncio.sleep(0.05)
            await lose_start(self, frontier)
            yield Request(f"{site.url}/lost")
        yield Request(f"{site.url}/2")
        yield Request(f"{site.url}/3")

    spider = spider_for(site, start=start, parse=lambda self, response: None)
    workers = (Worker("a", renews=True), Worker("b", renews=True))
    ended = crawl_together(spider, frontier=frontier, workers=workers, ttl_s=TTL_S)
    assert len(ran) == 2
    assert dict(site.hits) == {"/1": 1, "/2": 1, "/3": 1}
    assert asyncio.run(rows_of(frontier)) == [("dict", {"row": "of start"})]
    assert books(frontier).settled == {"ok": 4}
    assert max(result.stats["elapsed_time_seconds"] for result in ended.values()) < 4  # not the engine's five seconds


def test_start_runs_again_in_the_same_process_through_the_spider_middlewares(site, crawl_together, caplog):
    frontier = Shared()
    site.pages.update({f"/{number}": "x" for number in range(4)})
    ran, marked = [], []

    class Marking:
        async def process_start(self, start):
            async for output in start:
                if isinstance(output, Request):
                    marked.append((len(ran), output.url.removeprefix(site.url)))
                yield output

    async def start(self):
        ran.append(1)
        for number in range(2):
            yield Request(f"{site.url}/{number}")
        yield {"row": 1}
        if len(ran) == 1:
            await asyncio.sleep(0.05)
            await lose_start(self, frontier)
        for number in range(2, 4):
            yield Request(f"{site.url}/{number}")
        yield {"row": 2}

    class Slow:
        """Holds the first item until the start page has been given out again."""

        held = False

        async def process_item(self, item):
            if not Slow.held:
                Slow.held = True
                await until(lambda: len([lease for _, lease in frontier.given if lease.request.id == START_ID]) == 2)
                await asyncio.sleep(0.1)
            return item

    custom = {"SPIDER_MIDDLEWARES": {Marking: 500}, "ITEM_PIPELINES": {Slow: 1}}
    spider = spider_for(site, start=start, parse=lambda self, response: None, custom_settings=custom)
    crawl_together(spider, frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert len(ran) == 2
    assert dict(site.hits) == {"/0": 1, "/1": 1, "/2": 1, "/3": 1}
    assert Counter(path for _, path in marked) >= Counter({"/0": 2, "/1": 2, "/2": 1, "/3": 1})
    assert sorted(values["row"] for _, values in asyncio.run(rows_of(frontier))) == [1, 2]
    assert "of no page" not in caplog.text  # what the first run gave belongs to a page, though to a lost one
    final = books(frontier)
    assert final.settled == {"ok": 5}
    assert final.closed == "finished"


def test_a_start_that_fails_when_it_runs_again_is_logged_and_settled(site, crawl_together, caplog):
    frontier = Shared()
    site["/1"] = "x"
    ran = []

    async def start(self):
        ran.append(1)
        yield Request(f"{site.url}/1")
        if len(ran) == 2:
            raise ValueError("no more")
        await asyncio.sleep(0.05)
        await lose_start(self, frontier)

    spider = spider_for(site, start=start, parse=lambda self, response: None)
    crawl_together(spider, frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert books(frontier).settled == {"ok": 1, "page_error": 1}
    assert "start() failed when it was run again" in caplog.text


def test_a_start_that_closes_the_spider_when_it_runs_again_closes_it(site, crawl_together):
    frontier = Shared()
    site["/1"] = "x"
    ran = []

    async def start(self):
        ran.append(1)
        yield Request(f"{site.url}/1")
        if len(ran) == 2:
            raise CloseSpider("enough")
        await lose_start(self, frontier)

    spider = spider_for(site, start=start, parse=lambda self, response: None)
    ended = crawl_together(spider, frontier=frontier, workers=(Worker("a", renews=True),), ttl_s=TTL_S)
    assert ended["a"].reason == "enough"
    assert books(frontier).settled["ok"] >= 1
