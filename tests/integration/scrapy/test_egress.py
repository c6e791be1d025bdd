"""No page leads a crawl to where it may not go, however it is written; and nobody can tell that from a closed port."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest
from canary import Canary
from loopback import good, goods_recipe, html, links, listing, names, redirect, spider_for
from scrapy.settings import Settings

from crawler.downloader import resolver as resolving
from crawler.downloader.resolver import EgressResolver
from crawler.errors import ConfigError

#: The site may be talked to, the rest of this machine may not.
SITE_ONLY = {"EGRESS_ALLOW": ["127.0.0.1/32"], "RETRY_TIMES": 0}


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.close()


def test_the_canary_hears_of_a_connection(canary):
    socket.create_connection(("127.0.0.2", canary.port)).close()
    assert canary.connections == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.2", "127.2", "127.0.2", "0177.0.0.2", "0x7f.2", "0x7f000002", "2130706434", "017700000002"),
        *(
            "127.0.0.2.",
            "127\u30020\u30020\u30022",
            "\uff11\uff12\uff17.0.0.2",
            "[::ffff:127.0.0.2]",
            "[::ffff:7f00:2]",
        ),
    ],
)
def test_a_link_leads_nowhere_else(site, crawl, canary, host):
    site["/"] = links(canary.url(host), "/next")
    site["/next"] = "x"
    result = crawl(spider_for(site), SITE_ONLY)
    assert canary.connections == 0
    assert result.outcomes["ok"] == 2
    assert sum(result.outcomes.values()) == 3


@pytest.mark.parametrize("client", ["curl", "scrapy"])
def test_a_host_that_may_not_be_talked_to_fails_as_a_closed_port(site, crawl, canary, client):
    site["/"] = links(canary.url("127.0.0.2"))
    result = crawl(spider_for(site), SITE_ONLY | {"DOWNLOAD_CLIENT": client, "ROBOTSTXT_OBEY": False})
    (failure,) = result.ledger.failures
    assert "Connection was refused by other side: 111" in failure.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_else(site, crawl, canary, status):
    site["/"] = redirect(canary.url(), status)
    crawl(spider_for(site), SITE_ONLY)
    assert canary.connections == 0


def test_robots_txt_leads_nowhere_else(site, crawl, canary):
    site["/robots.txt"] = redirect(canary.url(path="/robots.txt"))
    site["/"] = "x"
    crawl(spider_for(site), SITE_ONLY)
    assert canary.connections == 0


def test_a_meta_refresh_leads_nowhere_else(site, crawl, canary):
    site["/"] = html(f'<meta http-equiv="refresh" content="0; url={canary.url()}">')
    crawl(spider_for(site), SITE_ONLY)
    assert canary.connections == 0


def test_a_refused_host_looks_like_a_closed_port_and_the_log_says_what_it_is_once(site, crawl, canary, caplog):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closed = f"http://127.0.0.1:{closing.getsockname()[1]}/secret"
    site["/"] = links(closed, canary.url(), canary.url(path="/other"))
    result = crawl(spider_for(site), {**SITE_ONLY, "ROBOTSTXT_OBEY": False, "EGRESS_DENY": ["10.0.0.0/8"]})
    reasons = result.summary.facts.reasons
    assert reasons[canary.url()] == reasons[closed]
    assert "refused" in reasons[closed]
    lines = [record.getMessage() for record in caplog.records if "EGRESS_ALLOW" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("127.0.0.2 leads to 127.0.0.2, which is no address of the public internet (loopback): ")
    assert lines[0].endswith("EGRESS_ALLOW=127.0.0.2 would allow it")


def test_who_starts_a_crawl_by_hand_may_name_where_it_begins_and_no_page_may(sites, crawl, canary):
    site = sites[2]
    site["/"] = listing("/p/1")
    site["/p/1"] = good("one")
    result = crawl(goods_recipe(), {"EGRESS_ALLOW": [], "RETRY_TIMES": 0}, site=site.url)
    assert names(result) == ["one"]
    other = sites[3]
    other["/"] = links(canary.url())
    result = crawl(spider_for(other), {"EGRESS_ALLOW": [], "RETRY_TIMES": 0})
    assert result.outcomes["ok"] == 1
    assert canary.connections == 0


def test_the_worker_of_a_node_takes_nobodys_word_for_where_it_begins(site, crawl):
    site["/"] = "x"
    result = crawl(spider_for(site), {"EGRESS_ALLOW": ["127.9.0.0/16"], "RETRY_TIMES": 0, "SEAT_TOKEN": "seat"})
    assert "ok" not in result.outcomes
    assert not site.hits


def test_what_is_denied_is_denied_though_it_is_allowed(site, crawl):
    site["/"] = "x"
    denied = {"EGRESS_ALLOW": ["127.0.0.0/8"], "EGRESS_DENY": ["127.0.0.0/16"], "RETRY_TIMES": 0, "SEAT_TOKEN": "seat"}
    assert "ok" not in crawl(spider_for(site), denied).outcomes
    assert not site.hits


class Receiver:
    """Of one resolution."""

    def __init__(self) -> None:
        self.addresses, self.complete = [], asyncio.Event()

    def resolutionBegan(self, resolution):  # noqa: N802 - Twisted's name
        self.name = resolution.name

    def addressResolved(self, address):  # noqa: N802 - ditto
        self.addresses.append((address.host, address.port))

    def resolutionComplete(self):  # noqa: N802 - ditto
        self.complete.set()


def resolver(allow, clock=lambda: 0.0):
    process = SimpleNamespace(settings=Settings({"EGRESS_ALLOW": allow, "DNS_TIMEOUT": 5}))
    return EgressResolver(None, EgressResolver.from_crawler(process, None).policy, timeout_s=5.0, clock=clock)


async def ask(resolver, host="127.1"):
    """What it answers, and whether at once."""
    receiver = Receiver()
    resolver.resolveHostName(receiver, host, 80)
    at_once = receiver.complete.is_set()
    await asyncio.wait_for(receiver.complete.wait(), 5)
    return receiver.addresses, at_once


def test_a_trusted_host_is_not_talked_to_where_that_is_denied():
    process = SimpleNamespace(settings=Settings({"EGRESS_DENY": "127.0.0.2", "DNS_TIMEOUT": 5}))
    asked = EgressResolver.from_crawler(process, None)
    asked.trust(["127.0.0.1", "127.0.0.2"])

    async def go():
        return [len((await ask(asked, f"127.0.0.{number}"))[0]) for number in (1, 2, 3)]

    assert asyncio.run(go()) == [1, 0, 0]


def test_an_answer_is_used_for_a_minute_and_then_asked_for_again():
    now = [0.0]
    asked = resolver("127.0.0.0/8,::1", clock=lambda: now[0])

    async def go():
        answers = [await ask(asked), await ask(asked)]
        now[0] = 60.0
        return [*answers, await ask(asked)]

    found = [("127.0.0.1", 80)]
    assert asyncio.run(go()) == [(found, False), (found, True), (found, False)]


def test_no_more_hosts_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(resolving, "_MOST_HOSTS", 2)
    asked = resolver("127.0.0.0/24")

    async def go():
        for number in range(1, 4):
            await ask(asked, f"127.0.0.{number}")
            await ask(asked, f"127.0.1.{number}")
        return [(await ask(asked, f"127.0.0.{number}"))[1] for number in (3, 2, 1)]

    assert asyncio.run(go()) == [True, True, False]
    assert [asked.refused(f"127.0.1.{number}") for number in (3, 2, 1)] == [True, True, False]


def test_a_resolver_that_is_there_already_stays_unless_its_policy_is_another():
    reactor = SimpleNamespace(nameResolver=resolver("127.0.0.0/8"))
    for allow, same in (("127.0.0.0/8", True), ("127.0.0.1", False)):
        process = SimpleNamespace(settings=Settings({"EGRESS_ALLOW": allow, "DNS_TIMEOUT": 5}))
        assert (EgressResolver.from_crawler(process, reactor) is reactor.nameResolver) == same


def test_a_range_that_is_none_is_said_before_anything_is_crawled(site, crawl_broken):
    with pytest.raises(ConfigError, match="EGRESS_ALLOW has 'localhost'"):
        crawl_broken(spider_for(site), {"EGRESS_ALLOW": ["localhost"]})
