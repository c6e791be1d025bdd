"""Workers of one job: they share its pages, wait for each other, and leave without losing any."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest
from fleet import Shared, Worker, rows_of, until
from loopback import good, goods_recipe, html, links, listing, spider_for
from scrapy import Request
from scrapy.exceptions import CloseSpider

from crawler.errors import StoreError
from crawler.frontier.codec import NEWEST_READ
from crawler.frontier.contract import FrontierRequest, LeaseReply, Reply
from crawler.frontier.identity import START_ID
from crawler.frontier.memory import MemoryFrontier
from crawler.scheduling.harvest import MAX_BACKLOG


def books(frontier):
    return asyncio.run(frontier.audit())


def test_workers_share_the_pages_of_a_job_and_each_is_read_once(site, crawl_together):
    frontier = Shared()
    site["/"] = links(*(f"/list/{number}" for number in range(8)))
    for number in range(8):
        site[f"/list/{number}"] = links(*(f"/p/{number}/{page}" for page in range(20)))
        # Slow enough that a worker without pages, which looks ten times a second, comes before the other has read all.
        site.pages.update({f"/p/{number}/{page}": html("x", delay_s=0.03) for page in range(20)})
    ended = crawl_together(spider_for(site), {"CONCURRENT_REQUESTS": 4}, frontier=frontier)
    assert set(site.hits.values()) == {1}
    assert len(site.hits) == 1 + 8 + 160
    settled = {name: len(result.settled) for name, result in ended.items()}
    assert sum(settled.values()) == 170
    assert min(settled.values()) > 40, settled
    assert {result.reason for result in ended.values()} == {"finished"}
    final = books(frontier)
    assert final.balanced
    assert final.settled == {"ok": 170}
    assert final.closed == "finished"
    rows = asyncio.run(rows_of(frontier))
    assert Counter(values["url"] for _, values in rows) == Counter(f"{site.url}{path}" for path in site.hits)


def test_an_idle_worker_stays_while_another_holds_a_page_and_soon_gets_work_when_some_appears(site, crawl_together):
    frontier = Shared()
    site["/"] = links("/slow")
    loop_time = {}

    def slow(self, response):
        return self.find(response)

    async def find(self, response):
        for _ in range(6):  # the other one has nothing to do meanwhile
            await asyncio.sleep(0.1)
        loop_time["found"] = asyncio.get_running_loop().time()
        self.crawler.engine.scheduler.finder = True
        for number in range(12):
            yield Request(response.urljoin(f"/p/{number}"), callback=self.product)

    def product(self, response):
        if not hasattr(self.crawler.engine.scheduler, "finder"):
            loop_time.setdefault("helped", asyncio.get_running_loop().time())

    class Slow:
        async def process_request(self, request):
            if "/p/" in request.url:
                await asyncio.sleep(0.05)

    def parse(self, response):
        yield Request(response.urljoin("/slow"), callback=self.slow)

    site["/slow"] = "x"
    site.pages.update({f"/p/{number}": "x" for number in range(12)})
    spider = spider_for(site, parse=parse, slow=slow, find=find, product=product)
    settings = {"CONCURRENT_REQUESTS": 2, "DOWNLOADER_MIDDLEWARES": {Slow: 900}}
    ended = crawl_together(spider, settings, frontier=frontier)
    assert {result.reason for result in ended.values()} == {"finished"}
    assert loop_time["helped"] - loop_time["found"] < 1.0  # 0.2 on an idle machine; 5 if the engine slept
    assert books(frontier).settled == {"ok": 15}
    assert set(site.hits.values()) == {1}


def test_workers_wait_for_a_page_that_is_tried_later_and_end_right_after_it(site, crawl_together):
    frontier = Shared()
    site["/"] = [html("busy", status=503), "x"]
    settings = {"RETRY_BACKOFF_MIN": 0.8, "RETRY_BACKOFF_MAX": 0.8}
    ended = crawl_together(spider_for(site), settings, frontier=frontier)
    assert books(frontier).settled == {"ok": 2}
    seconds = [result.stats["elapsed_time_seconds"] for result in ended.values()]
    assert 0.4 < min(seconds) <= max(seconds) < 1.3


def test_a_worker_that_is_told_to_go_hands_its_pages_to_the_other_and_does_not_end_the_job(site, crawl_together):
    frontier = Shared()
    site["/"] = links(*(f"/p/{number}" for number in range(40)))
    site.pages.update({f"/p/{number}": "x" for number in range(40)})
    release_at = []

    def parse(self, response):
        yield from response.follow_all(css="a", callback=self.product)

    async def product(self, response):
        name = self.crawler.engine.scheduler._worker
        if name == "a" and not release_at:
            release_at.append(name)
            asyncio.get_running_loop().create_task(self.crawler.stop_async())  # what SIGTERM does
        await asyncio.sleep(0.02)
        yield {"url": response.url}

    spider = spider_for(site, parse=parse, product=product)
    ended = crawl_together(spider, {"CONCURRENT_REQUESTS": 4}, frontier=frontier)
    assert ended["a"].reason == "shutdown"
    assert ended["b"].reason == "finished"
    assert len(ended["a"].settled) < 25
    final = books(frontier)
    assert final.settled == {"ok": 42}
    assert final.closed == "finished"
    assert set(site.hits.values()) == {1}
    assert len(asyncio.run(rows_of(frontier))) == 40


def test_a_worker_that_leaves_alone_leaves_the_job_open(site, crawl_together):
    frontier = Shared()
    site["/"] = links(*(f"/p/{number}" for number in range(400)))
    site.pages.update({f"/p/{number}": "x" for number in range(400)})

    async def parse(self, response):
        if response.url.endswith("/p/3"):
            self.crawler.engine.scheduler.stopping = asyncio.get_running_loop().create_task(self.crawler.stop_async())
        for link in response.css("a"):
            yield response.follow(link)

    ended = crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=(Worker("a"),))
    left = books(frontier)
    assert (left.leased, left.closed) == (0, "")
    assert left.ready > 0
    assert ended["a"].ledger == left
    crawl_together(spider_for(site), frontier=frontier, workers=(Worker("b"), Worker("c")))
    final = books(frontier)
    assert final.settled == {"ok": 402}
    assert final.closed == "finished"


def test_start_is_left_to_another_when_its_worker_is_told_to_go(site, crawl_together):
    frontier = Shared()
    site.pages.update({"/1": "x", "/2": "x"})

    async def start(self):
        yield Request(f"{site.url}/1")
        if self.crawler.engine.scheduler._worker == "a":
            self.crawler.engine.scheduler.stopping = asyncio.get_running_loop().create_task(self.crawler.stop_async())
            await asyncio.Event().wait()
        yield Request(f"{site.url}/2")

    spider = spider_for(site, start=start)
    crawl_together(spider, frontier=frontier, workers=(Worker("a"),))
    assert books(frontier).leased == 0
    crawl_together(spider, frontier=frontier, workers=(Worker("b"),))
    assert books(frontier).settled == {"ok": 3}
    assert dict(site.hits) == {"/1": 1, "/2": 1}


def test_a_start_that_runs_again_in_another_order_loses_no_page_and_reads_none_twice(site, crawl_together):
    frontier = Shared()
    paths = ["/1", "/2", "/3", "/2", "/4", "/5"]  # "/2" is asked for twice, and meant so
    site.pages.update(dict.fromkeys(paths, "x"))

    async def start(self):
        scheduler = self.crawler.engine.scheduler
        if scheduler._worker == "b":
            for path in reversed(paths):
                yield Request(f"{site.url}{path}", dont_filter=True)
            return
        for path in paths[:3]:
            yield Request(f"{site.url}{path}", dont_filter=True)
        await until(lambda: len(frontier._seen) == 4)  # with the start page
        scheduler.stopping = asyncio.get_running_loop().create_task(self.crawler.stop_async())
        await asyncio.Event().wait()

    spider = spider_for(site, start=start)
    crawl_together(spider, frontier=frontier, workers=(Worker("a"),))
    crawl_together(spider, frontier=frontier, workers=(Worker("b"),))
    assert site.hits == Counter(paths)
    assert books(frontier).settled == {"ok": 7}


class Busy:
    """Downloads of worker `a` last until the test lets them go; it is told to go as soon as pages wait behind them."""

    let_go: asyncio.Event

    @classmethod
    def from_crawler(cls, crawler):
        middleware = cls()
        middleware.crawler = crawler
        return middleware

    async def process_request(self, request):
        scheduler = self.crawler.engine.scheduler
        if scheduler._worker != "a" or "/p/" not in request.url:
            return
        await until(lambda: len(scheduler._prefetch) or Busy.let_go.is_set())
        scheduler.stopping = asyncio.get_running_loop().create_task(self.crawler.stop_async())
        async with asyncio.timeout(10):
            await Busy.let_go.wait()


@pytest.mark.parametrize("patience_s", [0.1, 5.0])
def test_a_worker_that_must_go_gives_others_what_waits_at_once_and_what_it_cannot_finish_soon(
    site, crawl_together, monkeypatch, patience_s
):
    monkeypatch.setattr("crawler.scheduler.FAREWELL_S", patience_s)
    monkeypatch.setattr("crawler.scheduler._WATCH_EVERY_S", 0.02)
    frontier = Shared()
    site["/"] = links(*(f"/p/{number}" for number in range(6)))
    site.pages.update({f"/p/{number}": "x" for number in range(6)})
    Busy.let_go = asyncio.Event()
    by_b = []
    enough = 6 if patience_s < 1 else 5  # with or without the page that `a` is at

    def parse(self, response):
        scheduler = self.crawler.engine.scheduler
        if "/p/" in response.url and scheduler._worker == "b":
            by_b.append(response.url)
            if len(by_b) == enough:
                Busy.let_go.set()
        yield {"url": response.url}
        yield from response.follow_all(css="a")

    # `b` joins when the pages are known and `a` has its hands full.
    joins = asyncio.Event()

    class Joining(Shared):
        async def lease(self, *, worker, **arguments):
            reply = await super().lease(worker=worker, **arguments)
            if any(b"/p/" in lease.request.body for lease in reply.leases):
                joins.set()
            return reply

    frontier = Joining()
    workers = (Worker("a"), Worker("b", begins=joins))
    settings = {"CONCURRENT_REQUESTS": 1, "DOWNLOADER_MIDDLEWARES": {Busy: 900}}
    ended = crawl_together(spider_for(site, parse=parse), settings, frontier=frontier, workers=workers)
    assert ended["a"].reason == "shutdown"
    assert "retry/count" not in ended["a"].stats
    assert len(by_b) == enough
    final = books(frontier)
    assert final.settled == {"ok": 8}
    assert len(asyncio.run(rows_of(frontier))) == 7


def test_a_job_is_not_closed_if_pages_were_handed_in_since_its_worker_found_nothing_to_do(site, crawl_together):
    class Late(Shared):
        async def release(self, **arguments):
            await MemoryFrontier.enqueue(self, [FrontierRequest(id=99, host="h", body=b"late")])
            return await super().release(**arguments)

    frontier = Late()
    site["/"] = "x"
    ended = crawl_together(spider_for(site), frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].reason == "finished"
    left = books(frontier)
    assert (left.closed, left.ready) == ("", 1)


def test_a_start_that_never_waits_does_not_run_ahead_of_the_frontier(site, crawl_together):
    class Slow(Shared):
        most = 0

        async def enqueue(self, requests):
            self.most = max(self.most, len(requests))
            for _ in range(3 if any(request.body for request in requests) else 0):
                await asyncio.sleep(0.1)
            return await super().enqueue(requests)

    frontier = Slow(max_pages=1)

    async def start(self):
        for number in range(3_000):
            yield Request(f"{site.url}/{number}")

    crawl_together(spider_for(site, start=start), frontier=frontier, workers=(Worker("a"),))
    assert books(frontier).accepted == 3_001
    assert frontier.most == MAX_BACKLOG


def test_a_worker_stays_at_the_limit_of_pages_while_another_may_give_one_back(site, crawl_together):
    frontier = Shared(max_pages=2)
    site["/"] = links("/1", "/2")
    site["/1"] = site["/2"] = "x"
    workers = (Worker("a"), Worker("b"))
    stayed = []

    class Holding:
        @classmethod
        def from_crawler(cls, crawler):
            middleware = cls()
            middleware.crawler = crawler
            return middleware

        async def process_response(self, request, response):
            if request.url.endswith(("/1", "/2")):
                (other,) = [worker.crawler for worker in workers if worker.crawler is not self.crawler]
                await until(lambda: "close" in frontier.calls)  # the other one would like to end the job
                for _ in range(3):
                    await asyncio.sleep(0.1)
                stayed.append(other.crawling)
            return response

    settings = {"DOWNLOADER_MIDDLEWARES": {Holding: 900}}
    crawl_together(spider_for(site), settings, frontier=frontier, workers=workers)
    assert stayed == [True]
    assert books(frontier).closed == "limits.requests"


class Pausing(Shared):
    """Gives nothing out until it has been asked three times in vain."""

    def __init__(self, reply):
        super().__init__()
        self.reply, self.refusals = reply, 0

    async def lease(self, **arguments):
        if len(self.given) >= 2 and self.refusals < 2:
            self.refusals += 1
            await self._travel("refused")
            return LeaseReply(open=1, reply=self.reply)
        return await super().lease(**arguments)


@pytest.mark.parametrize("reply", [Reply.PAUSED, Reply.FULL])
def test_a_job_that_gives_nothing_out_is_asked_again_each_second_and_logged_once(
    site, crawl_together, caplog, monkeypatch, reply
):
    monkeypatch.setattr("crawler.scheduling.intake.PAUSE_S", 0.05)
    frontier = Pausing(reply)
    site["/"] = links("/p/1")
    site["/p/1"] = "x"
    crawl_together(spider_for(site), frontier=frontier, workers=(Worker("a"),))
    assert books(frontier).settled == {"ok": 3}
    said = [record.message for record in caplog.records if "no pages are given out" in record.message]
    assert len(said) == 1
    assert frontier.refusals == 2


def test_workers_end_when_the_job_is_closed_by_somebody_else(site, crawl_together):
    class Cancelled(Shared):
        async def lease(self, **arguments):
            if len(self.given) >= 3:
                return LeaseReply(open=5, reply=Reply.CLOSED)
            return await super().lease(**arguments)

    frontier = Cancelled(per_host=1)
    site["/"] = links(*(f"/p/{number}" for number in range(10)))
    site.pages.update({f"/p/{number}": "x" for number in range(10)})
    ended = crawl_together(spider_for(site), frontier=frontier)
    assert {result.reason for result in ended.values()} == {"finished"}
    final = books(frontier)
    assert final.balanced
    assert final.leased == 0
    assert final.settled["ok"] == len(frontier.given) == 3


def test_a_limit_of_pages_holds_for_all_workers_together(site, crawl_together):
    frontier = Shared(max_pages=12)
    site.pages.update({f"/{number}": links(f"/{number + 1}", f"/{number + 100}") for number in range(1, 500)})
    site["/"] = links("/1", "/200", "/300")
    ended = crawl_together(spider_for(site), frontier=frontier)
    assert sum(site.hits.values()) == 12
    final = books(frontier)
    assert final.closed == "limits.requests"
    assert final.settled["cancelled"] > 0
    assert all(result.summary.facts.limit == "limits.requests" for result in ended.values())


def test_a_limit_of_rows_holds_for_all_workers_together_and_closes_the_job(goods, crawl_together):
    frontier = Shared(max_rows=3)
    for number in range(100):
        goods[f"/g/{number}"] = good(f"Good {number}")
    goods["/"] = listing(*(f"/g/{number}" for number in range(100)))
    ended = crawl_together(
        goods_recipe(), {"ITEMS_LIMIT": 3, "CONCURRENT_REQUESTS": 2}, frontier=frontier, site=goods.url
    )
    final = books(frontier)
    assert final.rows == {"good": 3}
    assert final.closed == "limits.items"
    assert {result.reason for result in ended.values()} <= {"limits.items", "finished"}
    assert sum(goods.hits.values()) < 60


def test_a_limit_that_the_books_show_ends_a_worker_that_gives_no_rows_itself(site, crawl_together, monkeypatch):
    monkeypatch.setattr("crawler.extensions.limits._LOOK_EVERY_S", 0.05)
    frontier = Shared()
    site["/"] = links(*(f"/gone/{number}" for number in range(300)))
    ended = crawl_together(spider_for(site), {"ERRORS_LIMIT": 5, "CONCURRENT_REQUESTS": 1}, frontier=frontier)
    reasons = {result.reason for result in ended.values()}
    assert "limits.stop_after_errors" in reasons
    assert reasons <= {"limits.stop_after_errors", "finished"}  # who held nothing then only hears that it is over
    final = books(frontier)
    assert 5 <= final.settled["http_404"] < 200
    assert final.closed == "limits.stop_after_errors"


def test_a_spider_that_closes_itself_ends_the_job_if_nobody_else_holds_a_page(site, crawl_together):
    frontier = Shared()

    def parse(self, response):
        yield Request(response.urljoin("/more"))
        raise CloseSpider("enough")

    site["/"] = "x"
    crawl_together(spider_for(site, parse=parse), frontier=frontier, workers=(Worker("a"),))
    assert books(frontier).closed == "enough"


def test_a_job_whose_start_failed_ends_when_nothing_of_it_is_open(site, crawl_together):
    frontier = Shared()
    site["/1"] = "x"

    async def start(self):
        yield Request(f"{site.url}/1")
        raise ValueError("no more")

    ended = crawl_together(spider_for(site, start=start), frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].reason == "start_error"
    final = books(frontier)
    assert final.settled == {"page_error": 1, "ok": 1}
    assert final.closed == "finished"


class Full(Shared):
    """Takes no new requests until a page has been committed, as a store that is nearly full."""

    def __init__(self):
        super().__init__()
        self.room = asyncio.Event()

    async def enqueue(self, requests):
        if any(request.body for request in requests) and len(self.given) > 1:
            await self.room.wait()
        return await super().enqueue(requests)

    async def commit(self, commits):
        replies = await super().commit(commits)
        if any(commit.url.startswith("http") for commit in commits):
            self.room.set()
        return replies


def test_requests_that_must_wait_for_room_do_not_keep_pages_from_being_settled(site, crawl_together):
    frontier = Full()

    async def start(self):
        yield Request(f"{site.url}/1")
        await asyncio.wait_for(self.first.wait(), 10)
        yield Request(f"{site.url}/2")

    def parse(self, response):
        self.first.set()

    site.pages.update({"/1": "x", "/2": "x"})
    spider = spider_for(site, start=start, parse=parse, first=asyncio.Event())
    crawl_together(spider, frontier=frontier, workers=(Worker("a"),))
    assert books(frontier).settled == {"ok": 3}


def test_the_start_page_ends_after_its_requests_have_been_taken(site, crawl_together):
    class Watching(Shared):
        def __init__(self):
            super().__init__()
            self.order = []

        async def enqueue(self, requests):
            fates = await super().enqueue(requests)
            await asyncio.sleep(0.05)
            self.order += [request.id for request in requests]
            return fates

        async def commit(self, commits):
            self.order += [commit.lease.request.id for commit in commits if commit.url == "start()"]
            return await super().commit(commits)

    frontier = Watching()
    site.pages.update({f"/{number}": "x" for number in range(3)})
    spider = spider_for(site, start_urls=[f"{site.url}/{number}" for number in range(3)])
    crawl_together(spider, frontier=frontier, workers=(Worker("a"),))
    assert frontier.order[0] == frontier.order[-1] == START_ID
    assert len(frontier.order) == 5


def test_a_worker_that_gets_no_answer_leaves_all_the_same(site, crawl_together, monkeypatch, caplog):
    monkeypatch.setattr("crawler.scheduler.PATIENCE_S", 0.1)

    class Gone(Shared):
        async def release(self, **arguments):
            await asyncio.Event().wait()

    site["/"] = "x"
    frontier = Gone()
    ended = crawl_together(spider_for(site), frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].ledger is None
    assert "this worker's pages go back when their leases end" in caplog.text


def test_a_worker_that_comes_when_all_is_done_ends_at_once(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"
    crawl_together(spider_for(site), frontier=frontier, workers=(Worker("a"),))
    ended = crawl_together(spider_for(site), frontier=frontier, workers=(Worker("b"), Worker("c")))
    assert max(result.stats["elapsed_time_seconds"] for result in ended.values()) < 2  # not the engine's five seconds
    assert site.hits["/"] == 1


def test_a_start_that_closes_the_spider_is_settled_and_ends_the_job(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    async def start(self):
        yield Request(f"{site.url}/")
        raise CloseSpider("enough")

    ended = crawl_together(spider_for(site, start=start), frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].reason == "enough"
    final = books(frontier)
    assert final.closed == "enough"
    assert final.balanced
    assert final.leased == 0


def test_a_start_that_a_limit_cuts_short_is_counted_as_cancelled(site, crawl_together):
    frontier = Shared()
    site["/"] = "x"

    async def start(self):
        yield Request(f"{site.url}/")
        await asyncio.Event().wait()

    settings = {"DURATION_LIMIT": 0.3}
    ended = crawl_together(spider_for(site, start=start), settings, frontier=frontier, workers=(Worker("a"),))
    assert ended["a"].reason == "limits.duration"
    final = books(frontier)
    assert final.settled == {"ok": 1, "cancelled": 1}
    assert final.closed == "limits.duration"


def test_requests_that_the_store_refuses_end_the_crawl(site, crawl_together):
    class Refusing(Shared):
        async def enqueue(self, requests):
            if any(request.body for request in requests):
                raise StoreError("the store refuses 'enqueue.lua': wrong type")
            return await super().enqueue(requests)

    site["/"] = "x"
    ended = crawl_together(spider_for(site), frontier=Refusing(), workers=(Worker("a"),))
    assert ended["a"].reason == "scheduler_failed"


@pytest.mark.parametrize("body", [b"\xc1garbage", msgspec.msgpack.encode([NEWEST_READ + 1, "Request", "http://a/"])])
def test_a_request_that_no_worker_can_read_keeps_the_job_open_until_somebody_ends_it(
    site, crawl_together, caplog, body
):
    class WithOneOfAnotherRelease(Shared):
        asked_after = 0

        async def enqueue(self, requests):
            await MemoryFrontier.enqueue(self, [FrontierRequest(id=77, host="h", body=body)])
            return await super().enqueue(requests)

        async def lease(self, **arguments):
            books = await self.ledger()
            if books.parked and books.open == books.parked:
                self.asked_after += 1
                if self.asked_after == 3:
                    await MemoryFrontier.close(self, "cancelled")
            return await super().lease(**arguments)

    frontier = WithOneOfAnotherRelease()
    site["/"] = "x"
    (ended,) = crawl_together(spider_for(site), {}, frontier=frontier, workers=(Worker("a"),)).values()
    assert ended.stats["scheduler/parked"] == 1
    assert caplog.text.count("waits for a worker that can read it") == 1
    assert books(frontier).settled == {"ok": 2, "cancelled": 1}
    assert frontier.asked_after == 3, "the worker stays as long as the page may become readable"
