"""robots.txt: what it forbids, and what an unreadable one means."""

from __future__ import annotations

import asyncio
import time

import scrapy
from loopback import html, links, redirect, spider_for, text

from crawler.downloader.shared import Shared
from crawler.frontier.gate_memory import MemoryGate
from crawler.frontier.shared_memory import MemoryRobotsStore
from crawler.middlewares import robots


def bad(status: int = 500, **headers: str):
    return html(
        "oops", status=status, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items())
    )


def test_pages_that_robots_txt_forbids_are_settled_as_robots_and_no_failure(site, crawl):
    site["/robots.txt"] = text("User-agent: Crawlery\nDisallow: /private\n\nUser-agent: *\nDisallow: /")
    site["/"] = links("/private", "/public")
    site["/public"] = "x"
    result = crawl(spider_for(site))
    assert result.outcomes == {"ok": 2, "robots": 1}
    assert result.summary.outcome == "complete"
    assert "/private" not in site.hits


def test_a_robots_txt_that_cannot_be_read_forbids_everything(site, crawl):
    site["/robots.txt"] = bad(500)
    site["/"] = "x"
    result = crawl(spider_for(site), {"RETRY_TIMES": 0})
    assert result.outcomes == {"robots": 1}
    assert not site.hits


def test_an_error_page_at_robots_txt_is_no_set_of_rules(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nDisallow: /", status=404)
    site["/"] = "x"
    assert crawl(spider_for(site)).outcomes == {"ok": 1}


def test_a_robots_txt_that_gives_no_answer_fails_the_pages_as_the_site_would(site, crawl):
    site["/robots.txt"] = html("User-agent: *" * 400, cut=True)
    site["/"] = "x"
    result = crawl(spider_for(site), {"RETRY_TIMES": 1})
    assert result.outcomes == {"gave_up": 1}
    assert "robots.txt could not be fetched: " in result.summary.facts.reasons[f"{site.url}/"]
    assert not site.hits
    assert len(site.times("/robots.txt")) == 2


def test_what_could_not_be_read_is_asked_for_again_after_a_while(site, crawl, monkeypatch):
    monkeypatch.setattr(robots, "ROBOTS_UNREADABLE_S", 0.1)

    def shared(crawler):
        hasty = MemoryRobotsStore(lambda: time.monotonic() * 1000)  # a minute passes in 60 ms
        return Shared(gate=MemoryGate(), robots=hasty, worker="w")

    async def start(self):
        yield scrapy.Request(f"{site.url}/early")
        await asyncio.sleep(0.3)
        yield scrapy.Request(f"{site.url}/late")

    site["/robots.txt"] = [bad(500), text("User-agent: *\nDisallow: /private")]
    site["/late"] = "x"
    result = crawl(spider_for(site, start=start), {"RETRY_TIMES": 0, "GATE": shared})
    assert result.outcomes == {"robots": 1, "ok": 1}
    assert site.hits == {"/late": 1}


def test_the_end_does_not_wait_for_the_robots_txt_that_another_worker_fetches(site, crawl):
    store = MemoryRobotsStore()

    def shared(crawler):
        return Shared(gate=MemoryGate(), robots=store, worker="w")

    site["/"] = "x"
    asyncio.run(store.ask(site.url, worker="another"))
    result = crawl(spider_for(site), {"GATE": shared, "DURATION_LIMIT": 0.3})
    assert result.outcomes == {"cancelled": 1}
    assert result.summary.facts.elapsed_s < 2
    assert not site.server.log


def test_a_worker_whose_fetch_takes_long_is_not_taken_for_dead(site, crawl, monkeypatch):
    store = MemoryRobotsStore(lambda: time.monotonic() * 100)  # a claim lives for a tenth of a second
    monkeypatch.setattr(robots, "ROBOTS_CLAIM_S", robots.ROBOTS_CLAIM_S / 100)
    told = []

    def shared(crawler):
        return Shared(gate=MemoryGate(), robots=store, worker="w")

    async def start(self):
        yield scrapy.Request(f"{site.url}/")
        for _ in range(10):
            await asyncio.sleep(0.05)
            told.append(await store.ask(site.url, worker="another"))

    site["/robots.txt"] = text("User-agent: *\nAllow: /", delay_s=0.6)
    site["/"] = "x"
    assert crawl(spider_for(site, start=start), {"GATE": shared}).outcomes == {"ok": 1}
    assert [reply.yours for reply in told] == [False] * 10
    assert len(site.times("/robots.txt")) == 1


def test_rules_hold_for_a_scheme_host_and_port_and_pages_ask_for_them_once(site, crawl):
    port = site.url.rpartition(":")[2]
    site["/robots.txt"] = text("User-agent: *\nAllow: /", delay_s=0.05)
    site["/"] = links("/p/1", "/p/2", f"http://localhost:{port}/p/3")
    site.pages.update({f"/p/{number}": "x" for number in (1, 2, 3)})
    assert crawl(spider_for(site)).outcomes == {"ok": 4}
    assert len(site.times("/robots.txt")) == 2


def test_a_robots_txt_that_only_redirects_in_a_circle_is_as_if_it_were_not_there(site, crawl):
    site["/robots.txt"] = redirect("/robots.txt?again")
    site["/robots.txt?again"] = redirect("/robots.txt")
    site["/"] = "x"
    assert crawl(spider_for(site), {"REDIRECT_MAX_TIMES": 5}).outcomes == {"ok": 1}
