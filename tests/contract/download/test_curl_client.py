"""The client without Scrapy: where it looks for hosts, and what it dials."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from dials import recorded_dials
from wire import page

from crawler.downloader.curl_answer import FetchFailed, Why, read_head
from crawler.downloader.curl_client import CurlClient
from crawler.downloader.curl_handle import ClientOptions, Proxy


class Lenient:
    """An egress rule that says one thing before a name is resolved, and another when it is dialled."""

    def __init__(self, *addresses, refused=""):
        self.found, self.refused = tuple(map(ip_address, addresses)), refused
        self.judged = []

    def known(self, _host):
        return self.found

    async def addresses(self, _host):
        return self.found

    def refusal(self, host, address):
        self.judged.append((host, str(address)))
        return self.refused


def fetch(egress, url, **kwargs):
    async def go():
        client = CurlClient(egress, ClientOptions())
        try:
            return await client.fetch("GET", url, **{"timeout_s": 5.0, **kwargs})
        finally:
            await client.close()

    return asyncio.run(go())


def test_libcurl_resolves_nothing_itself(monkeypatch, site):
    """What it was not told, it cannot find: neither a name nor an address."""
    site["/"] = page()
    monkeypatch.setattr("crawler.downloader.curl_client._resolved", lambda *_: ["+other.test:1:127.0.0.1"])
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(FetchFailed) as raised:
            fetch(Lenient("127.0.0.1"), f"http://{host}:{site.port}/")
        assert raised.value.why is Why.UNRESOLVED
    assert site.opened == 0


def test_a_host_that_has_moved_is_found_where_it_is_now(site):
    site["/"] = page(b"x", "Connection: close")
    egress = Lenient("127.0.0.1")

    async def go():
        client = CurlClient(egress, ClientOptions())
        try:
            first = await client.fetch("GET", f"http://some.test:{site.port}/")
            egress.found = (ip_address("127.0.0.9"),)
            with pytest.raises(FetchFailed):
                await client.fetch("GET", f"http://some.test:{site.port}/")
            return first.body
        finally:
            await client.close()

    assert asyncio.run(go()) == b"x"
    assert egress.judged == [("some.test", "127.0.0.1"), ("some.test", "127.0.0.9")]


def test_what_was_said_for_one_request_is_not_said_for_the_next(site):
    """Mostly it is the same, and is not spelt out again."""
    site["/"] = page(b"x")
    mine = [(b"X-Mine", b"1")]
    requests = [("GET", mine, b""), ("GET", mine, b""), ("PUT", mine, b""), ("PATCH", mine, b""), ("PATCH", mine, b"x")]

    async def go():
        client = CurlClient(Lenient("127.0.0.1"), ClientOptions())
        try:
            for method, headers, body in [*requests, ("GET", [(b"X-Mine", b"2")], b""), ("GET", [], b"")]:
                await client.fetch(method, f"http://some.test:{site.port}/", headers=headers, body=body)
        finally:
            await client.close()

    asyncio.run(go())
    assert [asked.values("X-Mine") for asked in site.asked] == [["1"]] * 5 + [["2"], []]
    assert not [
        name for asked in site.asked for name, _ in asked.headers if name in ("Accept", "Content-Type", "Expect")
    ]


@pytest.mark.parametrize("through", [False, True])
def test_the_very_address_is_judged_when_it_is_dialled(canary, through):
    """Though everything before has let it pass."""
    egress = Lenient("127.0.0.2", refused="loopback")
    proxy = Proxy(canary.url("proxy.test", "")) if through else None
    with pytest.raises(FetchFailed) as raised:
        fetch(egress, canary.url("some.test"), proxy=proxy)
    assert raised.value.why is Why.REFUSED
    assert egress.judged == [("proxy.test" if through else "some.test", "127.0.0.2")]
    assert canary.connections == 0
    with pytest.raises(FetchFailed) as raised:  # and what is not refused is dialled
        fetch(Lenient("127.0.0.2"), canary.url("some.test"), proxy=proxy, timeout_s=0.2)
    assert raised.value.why is Why.TIMEOUT
    assert canary.connections == 1


def test_each_of_several_addresses_is_judged(canary):
    egress = Lenient("127.0.0.2", "127.0.0.1", refused="loopback")
    with pytest.raises(FetchFailed) as raised:
        fetch(egress, canary.url("some.test"))
    assert raised.value.why is Why.REFUSED
    assert {address for _, address in egress.judged} == {"127.0.0.1", "127.0.0.2"}
    assert canary.connections == 0


def test_a_rule_that_fails_lets_nothing_through(canary, caplog):
    egress = Lenient("127.0.0.2")
    egress.refusal = None
    with pytest.raises(FetchFailed):
        fetch(egress, canary.url("some.test"))
    assert canary.connections == 0
    assert "no socket can be opened" in caplog.text


def test_the_auditors_of_the_interpreter_hear_of_every_dial(site):
    site["/"] = page()
    with recorded_dials() as dials:
        fetch(Lenient("127.0.0.1"), f"http://some.test:{site.port}/")
    assert dials == [("127.0.0.1", site.port)]


def test_a_proxy_is_told_no_more_than_its_authorization(site):
    with pytest.raises(FetchFailed) as raised:
        fetch(Lenient("127.0.0.1"), "http://a.test/", proxy=Proxy(site.url, b"Basic abc\r\nX-More: 1"))
    assert raised.value.why is Why.INVALID
    assert site.opened == 0


class Counting:
    """Listens, and counts how often the headers of the last answer were looked at."""

    def __init__(self):
        self.heads = []

    def head(self, head):
        self.heads.append(head.status)
        return True

    def data(self, _chunk):
        return True


def test_thousands_of_interim_answers_are_read_once_each(site, monkeypatch):
    lines = []
    monkeypatch.setattr(
        "crawler.downloader.curl_handle.read_head",
        lambda these, *, tunnelled: lines.append(len(these)) or read_head(these, tunnelled=tunnelled),
    )
    site["/"] = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_000 + page(b"x")
    listener = Counting()
    assert fetch(Lenient("127.0.0.1"), f"{site.url}/", listener=listener).status == 200
    assert listener.heads == [200]
    assert sum(lines) < 10 * 2_000
