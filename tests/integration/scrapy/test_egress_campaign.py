"""Every way to write a forbidden place, in every position where a page can write it: nobody ever dials it.

A canary listens on loopback, where most of them lead, and every dial of this process is recorded, for those that lead
elsewhere. The site that serves the redirects is on an address of its own, which is all that is allowed.
"""

from __future__ import annotations

import contextlib
import html as escaping
import logging
import threading
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import scrapy
from canary import LOOPBACKS, Canary
from dials import recorded_dials
from dns_server import dns_server, resolve_by
from egress_notations import NOTATIONS, ZONE, urls
from loopback import html, redirect, serving, spider_for, text

from crawler.egress.addresses import EgressPolicy, read_networks
from crawler.egress.single_page import FetchFailed, PageFetcher

SITE = "127.0.0.3"
STATUSES = (301, 302, 303, 307, 308)

#: Of a node's worker that may talk to the site and to nothing else of this machine, in no hurry to be polite.
WORKER = {
    "EGRESS_ALLOW": [f"{SITE}/32"],
    "SEAT_TOKEN": "seat",
    "RETRY_TIMES": 0,
    "ROBOTSTXT_OBEY": False,
    "CONCURRENT_REQUESTS": 100,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 50,
    "AUTOTHROTTLE_ENABLED": False,
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture
def place(crawl, reactor_loop, monkeypatch, caplog):
    """What one test has around its crawl: a site, a canary, dials, hosts that were asked for, a DNS server."""
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(dns_server())
        dns.zone.update(ZONE)
        canary = Canary(*LOOPBACKS)
        stack.callback(canary.close)
        site = stack.enter_context(serving(SITE))
        caplog.set_level(logging.CRITICAL)  # thousands of failures with their tracebacks have no reader
        asked = resolve_by(dns, reactor_loop, monkeypatch)
        dials = stack.enter_context(recorded_dials())
        yield SimpleNamespace(site=site, canary=canary, dns=dns, asked=asked, dials=dials)


def nobody_was_dialled(place, *, tried):
    """Nothing but the site, though so many hosts, or more, came as far as the resolver."""
    assert place.canary.connections == 0
    assert set(place.dials) <= {(SITE, urlsplit(place.site.url).port)}
    assert len(set(place.asked) - {SITE}) >= tried


def each_by_itself(make, targets):
    """Requests, without those that Scrapy refuses to make: one that is no URL must not keep back the others."""
    for target in targets:
        with contextlib.suppress(ValueError):
            yield make(target)


def follow_all(self, response):
    yield from each_by_itself(response.follow, response.css("a::attr(href)").getall())


def beginning_at(targets, **attributes):
    """A spider with these start URLs."""

    async def start(self):
        for request in each_by_itself(lambda url: scrapy.Request(url, dont_filter=True), targets):
            yield request

    return type("Hand", (scrapy.Spider,), {"name": "hand", "start_urls": targets, "start": start, **attributes})


def links(*targets):
    return html("".join(f'<a href="{escaping.escape(target)}">x</a>' for target in targets))


def in_header(target):
    """As bytes of a header, which the server writes as Latin-1; line ends would end the header."""
    return target.replace("\n", "").replace("\r", "").encode().decode("latin-1")


def test_there_are_many_ways_to_write_a_place():
    assert len(NOTATIONS) == len(set(NOTATIONS)) >= 300


def test_without_the_rule_they_arrive(place, crawl):
    """What the other tests are worth: the same crawl with loopback allowed. Public addresses stay out of it."""
    place.site["/"] = links(*urls(place.canary.port))
    allowed = {"EGRESS_ALLOW": ["127.0.0.0/8", "0.0.0.0", "::1"], "EGRESS_DENY": ["192.0.3.0/24", "2a00:1450::/32"]}
    arrived, ended = [0], threading.Event()

    def hear():
        while not ended.wait(0.01):
            arrived[0] += place.canary.connections

    listening = threading.Thread(target=hear)
    listening.start()
    try:
        crawl(spider_for(place.site, parse=follow_all), {**WORKER, **allowed, "DOWNLOAD_TIMEOUT": 5})
    finally:
        ended.set()
        listening.join()
    assert arrived[0] >= 60


def test_start_urls_lead_nowhere_else(place, crawl):
    crawl(beginning_at(urls(place.canary.port)), WORKER)
    nobody_was_dialled(place, tried=180)


def test_links_lead_nowhere_else(place, crawl):
    place.site["/"] = links(*urls(place.canary.port))
    crawl(spider_for(place.site, parse=follow_all), WORKER)
    nobody_was_dialled(place, tried=180)


def test_links_in_xml_lead_nowhere_else(place, crawl):
    places = "".join(f"<url><loc>{escaping.escape(url)}</loc></url>" for url in urls(place.canary.port))
    place.site["/"] = text(f"<urlset>{places}</urlset>", "application/xml")

    def parse(self, response):
        yield from each_by_itself(response.follow, response.css("loc::text").getall())

    crawl(spider_for(place.site, parse=parse), WORKER)
    nobody_was_dialled(place, tried=180)


@pytest.mark.parametrize("status", STATUSES)
def test_redirects_lead_nowhere_else(place, crawl, status):
    targets = {f"/{number}": in_header(url) for number, url in enumerate(urls(place.canary.port))}
    place.site.pages.update({path: redirect(target, status) for path, target in targets.items()})
    place.site["/"] = links(*targets)
    crawl(spider_for(place.site, parse=follow_all), WORKER)
    assert set(targets) <= set(place.site.hits)
    nobody_was_dialled(place, tried=180)


def test_a_meta_refresh_leads_nowhere_else(place, crawl):
    paths = []
    for number, url in enumerate(urls(place.canary.port)):
        paths.append(f"/{number}")
        place.site[paths[-1]] = html(f'<meta http-equiv="refresh" content="0; url={escaping.escape(url)}">')
    place.site["/"] = links(*paths)
    crawl(spider_for(place.site, parse=follow_all), WORKER)
    nobody_was_dialled(place, tried=180)


def test_the_robots_txt_of_a_site_leads_nowhere_else(place, crawl):
    targets = urls(place.canary.port, "/robots.txt")
    port = urlsplit(place.site.url).port
    hosts = [f"site-{number}.dns.test:{port}" for number in range(len(targets))]
    place.dns.zone.update({host.partition(":")[0]: [SITE] for host in hosts})
    targets_by_host = dict(zip(hosts, targets, strict=True))
    place.site["/robots.txt"] = lambda request: redirect(in_header(targets_by_host[request.headers["host"]]))
    place.site["/"] = "x"
    result = crawl(beginning_at([f"http://{host}/" for host in hosts]), {**WORKER, "ROBOTSTXT_OBEY": True})
    assert sum(result.outcomes.values()) == len(hosts)
    nobody_was_dialled(place, tried=len(hosts) + 180)


def test_who_fetches_a_page_is_led_nowhere_else(place):
    policy = EgressPolicy(allow=read_networks("EGRESS_ALLOW", SITE))
    for number, url in enumerate(urls(place.canary.port)):
        with pytest.raises(FetchFailed):
            PageFetcher(policy, timeout_s=5).get(url)
        place.site["/"] = redirect(in_header(url), STATUSES[number % len(STATUSES)])
        with contextlib.suppress(FetchFailed):  # some are relative: pages of the site itself
            PageFetcher(EgressPolicy(), typed=[place.site.url], timeout_s=5).get(f"{place.site.url}/")
    nobody_was_dialled(place, tried=180)
