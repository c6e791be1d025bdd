"""The door in real crawls: what a site's own log says about one worker, and about several that share a gate."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

import pytest
from loopback import goods_recipe, html, links, redirect, spider_for, text
from scrapy import Request, signals
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.pipelines.files import FilesPipeline

from crawler.downloader.downloader import our_downloader
from crawler.downloader.shared import Shared
from crawler.extensions.summary import Summary
from crawler.frontier.gate_memory import MemoryGate
from crawler.frontier.gate_redis import RedisGate
from crawler.frontier.shared_memory import MemoryRobotsStore
from crawler.frontier.shared_redis import RedisRobotsStore
from crawler.recipe.loader import load_recipe_text
from crawler.sample_shop.httpd import HttpResponse
from crawler.scheduler import Scheduler
from crawler.spiders.loader import spider_of
from crawler.spiders.runner import prepare, project_settings
from crawler.store import Store, connect

#: A crawl that takes longer hangs.
PATIENCE_S = 30.0

UNHURRIED = {"AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0.0, "CONCURRENT_REQUESTS_PER_DOMAIN": 2}


def times(site, prefix="/"):
    return sorted(entry.at_s for entry in site.server.log if entry.path.startswith(prefix))


def gaps(moments):
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


#: The site runs in this process: on a busy machine it notes a request late, and reads what others sent even later.
#: With processes of their own, `tests/chaos/test_fleet_manners.py` measures the same to the millisecond.
NOTED_LATE_S = 0.12


def are_spaced(moments, delay_s):
    return max(moments) - min(moments) >= (len(moments) - 1) * delay_s - NOTED_LATE_S


def most_in_a_second(moments):
    return max(sum(moment <= other < moment + 1.0 for other in moments) for moment in moments)


# --- several workers ---


@pytest.fixture(params=["memory", "redis"])
def fleet(request, reactor_loop, tmp_path, site):
    """Crawls with several spiders at once, each a worker of its own; they share gate and robots.txt store."""
    url = request.getfixturevalue("valkey").url if request.param == "redis" else ""

    def run(*spiders, settings=None, **arguments):
        async def go():
            store = Store(connect({"url": url})) if url else None
            gate = RedisGate(store) if store else MemoryGate()
            robots = RedisRobotsStore(store) if store else MemoryRobotsStore()
            numbers = itertools.count()

            def shared(crawler):
                return Shared(gate=gate, robots=robots, worker=f"w{next(numbers)}", job="j")

            options = project_settings({"EXPORTS_DIR": str(tmp_path), "GATE": shared, "MEMUSAGE_ENABLED": False})
            options.setdict({**UNHURRIED, **(settings or {})}, priority="project")
            runner = AsyncCrawlerRunner(options)
            crawlers = [runner.create_crawler(spider) for spider in spiders]
            try:
                for crawler in crawlers:
                    prepare(crawler)
                await asyncio.wait_for(
                    asyncio.gather(*(runner.crawl(crawler, **arguments) for crawler in crawlers)), PATIENCE_S
                )
            finally:
                if store:
                    await store.close()
            return crawlers

        return asyncio.run_coroutine_threadsafe(go(), reactor_loop).result(timeout=PATIENCE_S + 5)

    return run


def workers(site, count, pages):
    """Spiders that read pages of their own of one site."""
    spiders = []
    for worker in range(count):
        urls = [f"/w{worker}/{page}" for page in range(pages)]
        site.pages.update(dict.fromkeys(urls, "x"))
        spiders.append(spider_for(site, start_urls=[site.url + url for url in urls]))
    return spiders


def outcomes(crawler):
    return dict(crawler.get_extension(Summary).summary.facts.outcomes)


def test_workers_together_are_one_careful_visitor(site, fleet):
    for crawler in fleet(*workers(site, 3, 12), settings={"DOWNLOAD_DELAY": 0.1}):
        assert outcomes(crawler) == {"ok": 12}
    assert max(entry.concurrent for entry in site.server.log) <= 2
    assert most_in_a_second(times(site)) <= 12
    assert are_spaced(times(site), 0.1)
    assert max(times(site)) - min(times(site)) < 12.0


def test_workers_share_the_open_requests_of_a_host(site, fleet):
    spiders = workers(site, 3, 10)
    for path in site.pages:
        site[path] = html("x", delay_s=0.03)
    fleet(*spiders, settings={"ROBOTSTXT_OBEY": False})
    assert max(entry.concurrent for entry in site.server.log) == 2
    assert len(site.server.log) == 30


@pytest.mark.parametrize("tries", [1, 0])
def test_a_429_silences_all_workers_at_once_whether_its_page_is_tried_again_or_not(site, fleet, tries):
    spiders = workers(site, 3, 40)
    site["/w1/8"] = [html("no", status=429, headers=(("Retry-After", "2"),)), "x"]
    hurry = {"CONCURRENT_REQUESTS_PER_DOMAIN": 6, "DOWNLOAD_DELAY": 0.005, "RETRY_TIMES": tries}
    crawlers = fleet(*spiders, settings=hurry)
    assert sum(outcomes(crawler)["ok"] for crawler in crawlers) == 119 + tries
    refused = next(entry.at_s for entry in site.server.log if entry.status == 429)
    assert [moment for moment in times(site) if moment > refused + 2.0]
    assert not [moment - refused for moment in times(site) if refused + 0.1 + 4 * NOTED_LATE_S < moment < refused + 2.0]


def test_robots_txt_is_fetched_once_for_all_and_its_crawl_delay_holds_for_all(site, fleet):
    site["/robots.txt"] = html("", delay_s=0.2)
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 0.1\nDisallow: /w1/3", delay_s=0.2)
    crawlers = fleet(*workers(site, 3, 5))
    assert len(site.times("/robots.txt")) == 1
    assert [outcomes(crawler) for crawler in crawlers] == [{"ok": 5}, {"ok": 4, "robots": 1}, {"ok": 5}]
    assert most_in_a_second(times(site, "/w")) <= 12
    assert are_spaced(times(site, "/w"), 0.1)
    assert {crawler.stats.get_value("robotstxt/crawl_delay_s") for crawler in crawlers} == {0.1}
    assert sum(crawler.stats.get_value("robotstxt/request_count", 0) for crawler in crawlers) == 1


def test_a_robots_txt_that_cannot_be_read_is_asked_for_once_by_all(site, fleet):
    site["/robots.txt"] = html("oops", status=500)
    crawlers = fleet(*workers(site, 3, 2), settings={"RETRY_TIMES": 0})
    assert [outcomes(crawler) for crawler in crawlers] == [{"robots": 2}] * 3
    assert len(site.server.log) == 1


def test_workers_hand_their_slots_back_at_the_end(site, fleet):
    first, second = workers(site, 2, 3)
    for spider in (first, second):
        fleet(spider, settings={"CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert max(gaps(times(site))) < 5


# --- everything passes ---


def test_hops_robots_txt_and_files_keep_the_delay_too(site, crawl, tmp_path):
    class Files(FilesPipeline):
        """Downloads what an item names."""

        MEDIA_NAME = "files"

    def parse(self, response):
        yield {"file_urls": [f"{site.url}/file/{number}" for number in range(3)], "files": []}

    site["/robots.txt"] = text("User-agent: *\nAllow: /")
    site["/"] = [redirect("/", Set_Cookie="seen=1"), redirect("/", Set_Cookie="twice=1"), "here"]
    site.pages.update({f"/file/{number}": "data" for number in range(3)})
    crawl(
        spider_for(site, parse=parse),
        {
            **UNHURRIED,
            "DOWNLOAD_DELAY": 0.1,
            "ITEM_PIPELINES": {Files: 1},
            "FILES_STORE": str(tmp_path / "files"),
        },
    )
    assert Counter(entry.path.split("/")[1] for entry in site.server.log) == {"robots.txt": 1, "": 3, "file": 3}
    assert are_spaced(times(site), 0.1)


def test_requests_that_are_no_page_pass_too(site, crawl):
    async def parse(self, response):
        for number in range(4):
            await self.crawler.engine.download_async(Request(f"{site.url}/api/{number}"))
        yield {"url": response.url}

    site["/"] = "x"
    site.pages.update({f"/api/{number}": "x" for number in range(4)})
    result = crawl(spider_for(site, parse=parse), {**UNHURRIED, "DOWNLOAD_DELAY": 0.1, "ROBOTSTXT_OBEY": False})
    assert are_spaced(times(site), 0.1)
    assert result.stats["door/passes"] == 5


def test_a_redirect_to_another_host_waits_at_the_door_of_that_host(site, crawl):
    other = site.url.replace("127.0.0.1", "localhost")
    site["/robots.txt"] = [redirect(f"{other}/moved.txt"), text("User-agent: *\nAllow: /")]
    site["/moved.txt"] = text("User-agent: *\nDisallow: /p")
    site["/"] = links("/p/1")
    began = {"DOWNLOAD_SLOTS": {"localhost": {"delay": 0.0}, "127.0.0.1": {"delay": 1.0}}}
    result = crawl(spider_for(site), {**UNHURRIED, **began})
    assert result.outcomes == {"ok": 1, "robots": 1}
    asked, moved = site.times("/robots.txt")[0], site.times("/moved.txt")[0]
    assert moved - asked < 0.8


def test_a_failed_download_leaves_the_door_open_for_the_next(site, crawl):
    site["/"] = links(*(f"/p/{number}" for number in range(6)))
    for number in range(6):
        site[f"/p/{number}"] = html("x" * 3000, cut=True)
    result = crawl(spider_for(site), {**UNHURRIED, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "RETRY_TIMES": 0})
    assert result.outcomes == {"ok": 1, "gave_up": 6}


# --- paces ---


GENTLE = goods_recipe("limits: {delay: 60ms, concurrency_per_domain: 1, autothrottle: true}")


def paces_of(fleet, site, **settings):
    spider = spider_of(load_recipe_text(GENTLE))
    (crawler,) = fleet(spider, settings={"CONCURRENT_REQUESTS_PER_DOMAIN": 4, **settings}, site=site.url)
    return our_downloader(crawler).paces("127.0.0.1")


def test_what_a_recipe_asks_for_is_its_own_pace_and_not_the_deployments(goods, fleet):
    site, own = paces_of(fleet, goods, DOWNLOAD_DELAY=0.01)
    assert (site.concurrency, site.delay_s, site.adaptive) == (4, 0.01, False)
    assert (own.concurrency, own.delay_s, own.adaptive) == (1, 0.06, True)


def test_a_recipe_that_asks_for_less_care_than_the_deployment_changes_nothing(goods, fleet):
    site, own = paces_of(fleet, goods, DOWNLOAD_DELAY=0.07, CONCURRENT_REQUESTS_PER_DOMAIN=1, AUTOTHROTTLE_ENABLED=True)
    assert site == own


def test_the_limits_of_a_recipe_hold(goods, fleet):
    paces_of(fleet, goods)
    assert max(entry.concurrent for entry in goods.server.log) == 1
    assert are_spaced(times(goods), 0.06)


def test_download_slots_slow_a_single_host_down(site, crawl):
    site["/"] = links("/p/1", "/p/2", "/p/3")
    site.pages.update({f"/p/{number}": "x" for number in (1, 2, 3)})
    crawl(spider_for(site), {**UNHURRIED, "DOWNLOAD_SLOTS": {"127.0.0.1": {"concurrency": 1, "delay": 0.15}}})
    assert are_spaced(times(site), 0.15)


def test_pages_of_a_site_that_answers_slowly_come_at_its_pace(site, crawl):
    site["/"] = links(*(f"/p/{number}" for number in range(10)))
    for number in range(10):
        site[f"/p/{number}"] = html("x", delay_s=0.1)
    result = crawl(
        spider_for(site), {"AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0, "AUTOTHROTTLE_DEBUG": True, "ROBOTSTXT_OBEY": False}
    )
    assert are_spaced(times(site, "/p/"), 0.08)
    assert result.outcomes == {"ok": 11}


def test_jitter_is_refused_with_a_word(site, crawl, caplog):
    site["/"] = "x"
    crawl(spider_for(site), {"DOWNLOAD_DELAY_JITTER": 0.5})
    assert "DOWNLOAD_DELAY_JITTER is not used" in caplog.text


# --- what extensions see, and say ---


def test_extensions_see_the_delay_in_force_and_may_set_their_own(site, crawl):
    seen = []

    class Slower:
        """An engineer's own throttle."""

        def __init__(self, crawler):
            self.crawler = crawler
            crawler.signals.connect(self.response_downloaded, signal=signals.response_downloaded)

        @classmethod
        def from_crawler(cls, crawler):
            return cls(crawler)

        def response_downloaded(self, request):
            slot = self.crawler.engine.downloader.slots[request.meta["download_slot"]]
            seen.append((slot.delay, slot.concurrency))
            slot.delay = 0.12

    site["/"] = links("/p/1", "/p/2", "/p/3")
    site.pages.update({f"/p/{number}": "x" for number in (1, 2, 3)})
    crawl(spider_for(site), {**UNHURRIED, "EXTENSIONS": {Slower: 1}, "ROBOTSTXT_OBEY": False})
    assert are_spaced(times(site)[1:], 0.12)
    assert [delay for delay, _ in seen] == [0.0, 0.12, 0.12, 0.12]
    assert {concurrency for _, concurrency in seen} == {2}


def test_pages_that_have_not_changed_are_answers_of_a_site_that_works(site, crawl):
    delays = []

    class Looks:
        @classmethod
        def from_crawler(cls, crawler):
            def downloaded(request):
                delays.append(crawler.engine.downloader.slots[request.meta["download_slot"]].delay)

            cls.downloaded = staticmethod(downloaded)  # signals hold no function
            crawler.signals.connect(downloaded, signal=signals.response_downloaded)
            return cls()

    site["/"] = links(*(f"/p/{number}" for number in range(8)))
    site.pages.update({f"/p/{number}": HttpResponse(status=304) for number in range(8)})
    crawl(spider_for(site), {"EXTENSIONS": {Looks: 1}, "AUTOTHROTTLE_START_DELAY": 0.2, "ROBOTSTXT_OBEY": False})
    assert delays[-1] < delays[0] / 4  # the first page alone makes it half


class Forgetful(Scheduler):
    """Thinks once that a page was leased to somebody else meanwhile."""

    def lease_still_ours(self, request):
        lost, self.lost = getattr(self, "lost", False), True
        return lost and super().lease_still_ours(request)


def test_a_page_whose_lease_is_lost_at_the_last_moment_is_not_sent_and_comes_back(site, crawl):
    site["/"] = "x"
    result = crawl(spider_for(site), {"SCHEDULER": Forgetful, "ROBOTSTXT_OBEY": False})
    assert result.outcomes == {"ok": 1}
    assert site.hits == {"/": 1}


def test_the_stats_say_what_the_door_has_cost(site, crawl):
    site["/"] = links(*(f"/p/{number}" for number in range(40)))
    site.pages.update({f"/p/{number}": "x" for number in range(40)})
    stats = crawl(spider_for(site), UNHURRIED).stats
    assert stats["door/passes"] == 42
    assert stats["door/permit_calls"] >= stats["door/round_trips"] > 0
    assert stats["door/void_starts"] == 0
