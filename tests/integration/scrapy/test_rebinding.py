"""A name that leads to the site when it is looked at and to a canary when it is dialled, or so its owner hopes."""

from __future__ import annotations

import contextlib
import logging
import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import scrapy
from canary import Canary
from dials import recorded_dials
from dns_server import dns_server, resolve_by
from loopback import serving

from crawler.downloader import resolver as resolving
from crawler.egress.addresses import EgressPolicy, read_networks
from crawler.egress.single_page import FetchFailed, PageFetcher

SITE, CANARY = "127.0.0.3", "127.0.0.1"
NAME = "rebinding.dns.test"

#: What the name has, one answer after another, each with a time to live of 0. What has only the site may be talked to.
ANSWERS = ((SITE,), (CANARY,), (SITE,), (SITE, CANARY), (SITE,), (CANARY, SITE), (SITE,), ("127.0.0.2",))
ANSWERS_6 = (*ANSWERS, (SITE,), (SITE, "::1"), (SITE,), (SITE, "::ffff:127.0.0.1"), (SITE,), ("::1",), (SITE,), ("::",))

#: Times that the name is resolved by a crawl, and by pages that a person fetches.
CRAWLED, FETCHED = 1_000, 208


def alternating(answers):
    return lambda times: answers[times % len(answers)]


@pytest.fixture
def place(crawl, reactor_loop, monkeypatch, caplog):
    """A site and, at the same port of other addresses, a canary; a name for both."""
    caplog.set_level(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(dns_server())
        dns.zone[NAME] = alternating(ANSWERS)
        while True:
            site = stack.enter_context(serving(SITE))
            port = urlsplit(site.url).port
            with contextlib.suppress(OSError):  # the port is taken there: another one
                canary = Canary(CANARY, "127.0.0.2", port=port)
                break
        stack.callback(canary.close)
        resolve_by(dns, reactor_loop, monkeypatch)
        dials = stack.enter_context(recorded_dials())
        yield SimpleNamespace(site=site, port=port, canary=canary, dns=dns, dials=dials)


def test_the_systems_resolver_would_be_led_astray(place):
    found = [[answer[4][0] for answer in socket.getaddrinfo(NAME, 80)] for _ in ANSWERS]
    assert found == [list(answer) for answer in ANSWERS]
    socket.create_connection((CANARY, place.port)).close()
    assert place.canary.connections == 1


def test_a_thousand_times_a_crawl_dials_the_address_that_was_judged_and_no_other(place, crawl, monkeypatch):
    monkeypatch.setattr(resolving, "_KEPT_S", 0.0)  # or else a minute would pass between two looks
    pages = [f"http://{NAME}:{place.port}/{number}" for number in range(CRAWLED)]
    place.site.pages.update({f"/{number}": "x" for number in range(CRAWLED)})
    spider = type(
        "Hand", (scrapy.Spider,), {"name": "hand", "start_urls": pages, "parse": lambda _self, _response: None}
    )
    result = crawl(
        spider,
        {
            "EGRESS_ALLOW": [f"{SITE}/32"],
            "SEAT_TOKEN": "seat",
            "RETRY_TIMES": 0,
            "ROBOTSTXT_OBEY": False,
            "AUTOTHROTTLE_ENABLED": False,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
            "DEFAULT_REQUEST_HEADERS": {"Connection": "close"},  # each page a connection, and a look at the name
        },
    )
    assert place.dns.questions[NAME] == CRAWLED
    assert place.canary.connections == 0
    assert set(place.dials) == {(SITE, place.port)}
    assert result.outcomes == {"ok": CRAWLED // 2, "gave_up": CRAWLED // 2}


def test_who_fetches_a_page_dials_the_address_that_was_judged_and_no_other(place):
    fetcher = PageFetcher(EgressPolicy(allow=read_networks("EGRESS_ALLOW", SITE)))
    place.site["/"] = "x"
    place.dns.zone[NAME] = alternating(ANSWERS_6)
    refused = []
    for _ in range(FETCHED):
        try:
            fetcher.get(f"http://{NAME}:{place.port}/")
        except FetchFailed as error:
            refused.append(str(error))
    assert place.dns.questions[NAME] == FETCHED
    assert place.canary.connections == 0
    assert place.dials == [(SITE, place.port)] * (FETCHED // 2)
    assert len(refused) == FETCHED // 2
    assert all(f"{NAME} leads to" in why for why in refused)


def test_a_name_is_not_trusted_for_what_it_was(place):
    """A person names it when it is the site's; they cannot vouch for what its owner makes of it."""
    fetcher = PageFetcher(EgressPolicy(), typed=["http://rebinding.example/"])
    place.dns.zone["rebinding.example"] = [CANARY]
    with pytest.raises(FetchFailed, match="loopback"):
        fetcher.get(f"http://rebinding.example:{place.port}/")
    assert place.canary.connections == 0
