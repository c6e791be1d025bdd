"""Leased pages come into work: past the engine where a path takes them, else by it."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from scrapy import Request

from crawler.frontier.contract import FrontierRequest, Lease
from crawler.middlewares.errbacks import NotingErrback
from crawler.middlewares.open_pages import OpenPage, OpenPages
from crawler.scheduling.appetite import Appetite
from crawler.scheduling.handing_out import HandingOut
from crawler.scheduling.parts import Parts
from crawler.scheduling.prefetch import Prefetch


class Engine:
    def __init__(self):
        self.working, self.woken, self.leaving, self.most = [], 0, False, 100

    @property
    def full(self):
        return len(self.working) >= self.most

    def take_up(self, request):
        self.working.append(request.url)

    def put_down(self, request):
        self.working.remove(request.url)

    def wake(self):
        self.woken += 1


class Path:
    def __init__(self):
        self.begun = []

    def takes(self, request):
        return "recipe" in request.url

    def begin(self, page):
        self.begun.append(page.url)


class Rig:
    def __init__(self, *names):
        self.engine, self.returned, self.stats, self.lost = Engine(), [], Counter(), set()
        self.prefetch = Prefetch(most=32, clock=lambda: 0.0)
        parts = Parts(
            pages=OpenPages(),
            prefetch=self.prefetch,
            appetite=Appetite(lambda host, coming: 0.0, clock=lambda: 0.0, wake=print, ask=print),
            outbox=SimpleNamespace(give_back=lambda page: self.returned.append(page.url)),
            engine=self.engine,
            pump=SimpleNamespace(busy=False, now=lambda: None),
        )
        self.pages, self.appetite = parts.pages, parts.appetite
        ends = SimpleNamespace(surely_ours=lambda page: page.url not in self.lost)
        count = SimpleNamespace(inc_value=lambda name, by=1: self.stats.update({name: by}))
        self.handing_out = HandingOut(object(), parts, ends, stats=lambda: count)
        self.handing_out.path = self.path = Path()
        for number, name in enumerate(names, 2):
            request = Request(f"http://h/{name}")
            lease = Lease(request=FrontierRequest(id=number, host="h", body=b""), token=number)
            self.prefetch.put(OpenPage(lease=lease, request=request, url=request.url))
        self.appetite._known["h"] = None

    def next(self):
        request = self.handing_out.next_request()
        return request and request.url.rpartition("/")[2]


def test_pages_of_the_path_are_begun_and_the_engine_gets_the_others():
    rig = Rig("recipe-1", "plain", "recipe-2")
    assert rig.next() == "plain"
    assert rig.path.begun == ["http://h/recipe-1"]
    assert rig.next() is None
    assert rig.path.begun == ["http://h/recipe-1", "http://h/recipe-2"]
    assert rig.engine.working == rig.path.begun
    assert rig.stats["scheduler/dequeued"] == 3


def test_no_more_are_begun_than_the_engine_has_room_for():
    rig = Rig("recipe-1", "recipe-2", "recipe-3")
    rig.engine.most = 2
    assert rig.next() is None
    assert len(rig.path.begun) == 2
    assert len(rig.prefetch) == 1


def test_without_a_path_the_engine_gets_all():
    rig = Rig("recipe-1")
    rig.handing_out.path = None
    assert rig.next() == "recipe-1"


def test_whoever_is_through_with_a_page_gets_the_next_one():
    rig = Rig("recipe-1", "recipe-2")
    rig.engine.most = 1
    rig.next()
    page = rig.handing_out.put_down(rig_request(rig, "recipe-1"))
    assert page.url == "http://h/recipe-2"
    assert isinstance(page.request.errback, NotingErrback)
    assert rig.engine.working == ["http://h/recipe-2"]
    assert not rig.engine.woken


def rig_request(rig, name):
    return next(page.request for page in rig.pages if page.url.endswith(name))


@pytest.mark.parametrize("why", ["leaving", "nothing", "for the engine", "full"])
def test_whoever_gets_no_page_wakes_the_engine_and_leaves_what_is_there(why):
    rig = Rig("recipe-1", *{"for the engine": ["plain"], "full": ["recipe-2"], "leaving": ["recipe-2"]}.get(why, []))
    rig.engine.most = 1
    rig.next()
    first = rig_request(rig, "recipe-1")
    left = len(rig.prefetch)
    rig.engine.leaving = why == "leaving"
    if why == "full":
        rig.engine.most = 0
    assert rig.handing_out.put_down(first) is None
    assert rig.engine.woken == 1
    assert len(rig.prefetch) == left
    assert rig.stats["scheduler/dequeued"] == 1


def test_a_page_that_may_be_somebody_elses_goes_back():
    rig = Rig("recipe-1", "recipe-2")
    rig.lost = {"http://h/recipe-1"}
    rig.next()
    assert rig.returned == ["http://h/recipe-1"]
    assert rig.path.begun == ["http://h/recipe-2"]
