"""Pages whose answers came together are received, read and written together; one that is alone waits for nobody."""

from __future__ import annotations

import asyncio

import pytest
from loopback import good, goods_recipe, html, listing, names, redirect

from crawler.downloader.downloader import Downloader
from crawler.extensions import fast_path
from crawler.fastpath import cohort
from crawler.fastpath.fast_path import FastPath
from crawler.fastpath.rows import Output
from crawler.spiders.recipe import RecipeSpider

PAGES = 8


@pytest.fixture
def shop_of_pages(site):
    site["/"] = listing(*[f"/g/{number}" for number in range(PAGES)])
    for number in range(PAGES):
        site[f"/g/{number}"] = good(f"Good {number}")
    return site


@pytest.fixture
def stages(monkeypatch):
    """What is done with pages of goods, in the order in which it is done."""
    done = []

    def noting(owner, name, word):
        method = getattr(owner, name)

        def noted(self, *given):
            url = next(each.url for each in given if getattr(each, "url", None))
            if "/g/" in url:
                done.append(word)
            return method(self, *given)

        monkeypatch.setattr(owner, name, noted)

    noting(FastPath, "_received", "received")
    noting(RecipeSpider, "_page_request", "read")
    noting(Output, "_row", "written")
    noting(Downloader, "send", "sent")
    return done


@pytest.fixture
def turns(monkeypatch):
    """Counts the turns that pages have let others have."""
    given = []
    wait = cohort._Turn.__await__

    def counting(self):
        given.append(self)
        return wait(self)

    monkeypatch.setattr(cohort._Turn, "__await__", counting)
    return given


@pytest.fixture
def cohorts(monkeypatch):
    """Those of the crawls."""
    made = []

    def make():
        made.append(cohort.Cohort())
        return made[-1]

    monkeypatch.setattr(fast_path, "Cohort", make)
    return made


def test_pages_that_came_together_go_through_each_stage_together(shop_of_pages, crawl, stages, monkeypatch):
    send, arrived, all_there = Downloader.send, [], asyncio.Event()

    async def together(self, request, announcer):
        response = await send(self, request, announcer)
        if "/g/" in request.url:
            arrived.append(request.url)
            if len(arrived) == PAGES:
                all_there.set()
            await all_there.wait()
        return response

    monkeypatch.setattr(Downloader, "send", together)
    settings = {"CONCURRENT_REQUESTS": PAGES, "CONCURRENT_REQUESTS_PER_DOMAIN": PAGES, "DOWNLOAD_DELAY": 0}
    result = crawl(goods_recipe(), settings, site=shop_of_pages.url)
    assert sorted(names(result)) == [f"Good {number}" for number in range(PAGES)]
    assert stages == ["sent"] * PAGES + ["received"] * PAGES + ["read"] * PAGES + ["written"] * PAGES


def test_rows_of_a_page_that_is_lost_while_it_lets_others_past_are_not_written(shop_of_pages, crawl, monkeypatch):
    take, wait, at_work, lost = Output.take, cohort._Turn.__await__, [], []

    async def taking(self, page, response, given):
        at_work.append(page)
        await take(self, page, response, given)
        if page.lost:
            page.lost = False  # this frontier, which is of one process, takes no page away
            page.fail("gave_up", "somebody else has it")

    def losing(self):
        """The turn after its reading is the first that a page gives up here."""
        if at_work and "/g/" in at_work[-1].url and not lost:
            lost.append(at_work[-1])
            lost[0].lost = True
        return wait(self)

    monkeypatch.setattr(Output, "take", taking)
    monkeypatch.setattr(cohort._Turn, "__await__", losing)
    monkeypatch.setattr(cohort.Cohort, "size", property(lambda _self: 2, lambda _self, _size: None))
    result = crawl(goods_recipe(), {"CONCURRENT_REQUESTS": 1}, site=shop_of_pages.url)
    assert [page.url for page in lost] == [f"{shop_of_pages.url}/g/0"]
    assert names(result) == [f"Good {number}" for number in range(1, PAGES)]


def test_a_page_that_is_alone_lets_others_catch_up_once(shop_of_pages, crawl, turns):
    result = crawl(goods_recipe(), {"CONCURRENT_REQUESTS": 1}, site=shop_of_pages.url)
    assert len(result.items) == PAGES
    assert len(turns) == len(shop_of_pages.server.log) - 1  # which robots.txt is one of


def test_no_page_counts_as_one_at_work_when_it_is_done(shop_of_pages, crawl, cohorts, monkeypatch):
    """However it ends: read, missing, sent elsewhere, not read by mistake."""
    received = FastPath._received

    def failing(self, request, response):
        if request.url.endswith("/g/3"):
            raise RuntimeError("a mistake")
        received(self, request, response)

    monkeypatch.setattr(FastPath, "_received", failing)
    shop_of_pages["/g/1"] = redirect("/g/2")
    del shop_of_pages.pages["/g/4"]
    shop_of_pages["/g/5"] = html("", cut=True)
    result = crawl(goods_recipe(), {"RETRY_TIMES": 0}, site=shop_of_pages.url)
    assert {"ok", "redirected", "page_error", "http_404", "gave_up"} <= result.outcomes.keys()
    assert [each.size for each in cohorts] == [0]
