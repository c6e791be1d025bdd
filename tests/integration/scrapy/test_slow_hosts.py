"""Slow hosts beside a quick one, and alone: nobody waits for a page of another host, and no start is missed."""

from __future__ import annotations

import itertools

import pytest
from fleet import Shared, Worker, until
from loopback import html, links, spider_for, text
from scrapy import Request
from scrapy.exceptions import CloseSpider

#: Fewer places than the slow hosts have pages for.
FEW_PLACES = {"AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 8}


@pytest.fixture(params=["alone", "fleet"])
def run(request, crawl, crawl_together):
    """Crawls alone or as a worker of a fleet."""

    def run(spider, settings):
        """Answers how often a page was leased; 0 if nobody counts."""
        if request.param == "alone":
            crawl(spider, settings)
            return 0
        frontier = Shared(per_host=2 * settings["CONCURRENT_REQUESTS_PER_DOMAIN"])
        crawl_together(spider, settings, frontier=frontier, workers=(Worker("a"),))
        return len(frontier.given)

    return run


def times(site):
    return sorted(entry.at_s for entry in site.server.log if entry.path.startswith("/p/"))


def gaps(moments):
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def fill(site, count, **response):
    pages = [f"/p/{number}" for number in range(count)]
    site.pages.update({page: html("x", **response) for page in pages})
    return [site.url + page for page in pages]


def test_slow_hosts_never_block_another_and_miss_no_start(sites, run):
    *slow, free = sites
    urls = []
    for site in slow:
        site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 1")
        urls += fill(site, 40)
    urls += fill(free, 150)
    free["/"] = links(*urls)

    def parse(self, response):
        if min(len(times(site)) for site in sites) >= 4:
            raise CloseSpider("seen enough")
        yield from response.follow_all(css="a")

    leases = run(spider_for(free, parse=parse), {**FEW_PLACES, "DURATION_LIMIT": 10})
    assert len(times(free)) == 150
    assert leases < 2 * sum(len(times(site)) for site in sites)
    done = times(free)[-1]
    assert done - times(free)[0] < 3
    for site in slow:
        assert sum(moment < done for moment in times(site)) <= 3
        assert len(times(site)) >= 4
        assert min(gaps(times(site))) > 0.9
        assert max(gaps(times(site))) < 1.3


def test_pages_that_were_leased_before_their_host_was_known_to_be_slow_keep_no_others_out(sites, run):
    slow, free, *_ = sites
    slow["/robots.txt"] = text("User-agent: *\nCrawl-delay: 2")
    free["/"] = links(*fill(slow, 40))
    free_urls = fill(free, 60)

    async def start(self):
        yield Request(f"{free.url}/")
        await until(lambda: slow.server.log)
        for url in free_urls:
            yield Request(url)

    def parse(self, response):
        if len(times(free)) == 60:
            raise CloseSpider("seen enough")
        yield from response.follow_all(css="a")

    run(spider_for(free, start=start, parse=parse), {**FEW_PLACES, "CONCURRENT_REQUESTS": 8, "DURATION_LIMIT": 10})
    assert len(times(free)) == 60
    assert times(free)[-1] - slow.server.log[0].at_s < 1.5


def test_pages_of_a_host_that_wants_a_long_silence_wait_in_the_frontier_and_not_in_the_worker(sites, crawl_together):
    silent, free, *_ = sites
    urls = fill(silent, 8)
    silent["/p/0"] = html("no", status=429, headers=(("Retry-After", "60"),), delay_s=0.2)
    free["/"] = links(*urls)
    frontier = Shared(per_host=8)
    held = []

    async def start(self):
        scheduler = self.crawler.engine.scheduler

        def of_silent(pages):
            return sum(page.lease.request.host == "127.0.0.1" for page in pages)

        yield Request(f"{free.url}/")
        await until(lambda: silent.server.log[1:])
        await until(lambda: of_silent(scheduler.pages) > 1)
        held.append(of_silent(scheduler.pages))
        await until(lambda: of_silent([*scheduler.pages, *scheduler._prefetch]) == 0)
        raise CloseSpider("seen enough")

    settings = {**FEW_PLACES, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "RETRY_TIMES": 0}
    spider = spider_for(free, start=start)
    ended = crawl_together(spider, settings, frontier=frontier, workers=(Worker("a"),))
    assert held[0] > 1
    assert len(times(silent)) == 1
    assert ended["a"].ledger.settled["cancelled"] == 7
    assert ended["a"].ledger.retries == 0


def test_a_slow_host_alone_keeps_its_pace(site, run):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 0.25")
    site["/"] = links(*fill(site, 9))
    run(spider_for(site), FEW_PLACES)
    moments = sorted(entry.at_s for entry in site.server.log)
    assert len(moments) == 11
    assert 10 * 0.25 - 0.1 < moments[-1] - moments[0] < 10 * 0.25 + 0.4
    assert max(gaps(moments)) < 0.45
