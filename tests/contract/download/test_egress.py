"""Where anything may be sent: names and addresses, judged before a socket is opened, and once more when it is."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from canary import Canary
from dials import recorded_dials
from dns_server import dns_server, resolve_by
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError
from wire import page, wire_site

from crawler.downloader.curl_answer import FetchFailed, Why
from crawler.downloader.curl_client import CurlClient
from crawler.downloader.curl_handle import ClientOptions, Proxy


@pytest.fixture
def canary():
    canary = Canary("127.0.0.2", "127.0.0.1")
    yield canary
    canary.close()


@pytest.fixture
def zone(reactor_loop, monkeypatch):
    with dns_server() as server:
        resolve_by(server, reactor_loop, monkeypatch)
        yield server.zone


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


@pytest.mark.parametrize("host", ["127.0.0.2", "127.2", "0x7f000002", "2130706434", "[::ffff:127.0.0.2]", "two.test"])
def test_what_may_not_be_talked_to_is_refused(name, new_client, canary, zone, host):
    """To the downloader Scrapy's says that it has no address; it makes the same of that (`Downloader`)."""
    zone["two.test"] = ["127.0.0.2"]
    client = new_client(name, EGRESS_ALLOW=["127.0.0.9/32"])
    with pytest.raises(DownloadConnectionRefusedError if name == "curl" else CannotResolveHostError):
        client.get(canary.url(host))
    assert canary.connections == 0


def test_a_name_with_one_address_that_may_not_be_talked_to_is_refused_as_a_whole(name, new_client, canary, zone, site):
    zone["mixed.test"] = ["127.0.0.1", "127.0.0.2"]
    client = new_client(name, EGRESS_ALLOW=["127.0.0.1/32"])
    with pytest.raises((DownloadConnectionRefusedError, CannotResolveHostError)):
        client.get(canary.url("mixed.test"))
    assert canary.connections == 0


def test_a_connection_that_is_kept_is_no_way_around(name, new_client, zone, site):
    """Another name for the same address and port is judged, though there is a connection already."""
    site["/"] = page()
    zone["one.test"], zone["two.test"] = ["127.0.0.1"], ["127.0.0.2"]
    client = new_client(name, EGRESS_ALLOW=["127.0.0.1/32"])
    assert client.get(f"http://one.test:{site.port}/").status == 200
    with pytest.raises((DownloadConnectionRefusedError, CannotResolveHostError)):
        client.get(f"http://two.test:{site.port}/")
    assert len(site.asked) == 1


@pytest.mark.parametrize("host", ["one.test", "ONE.test", "one.test.", "one_two.test", "xn--bcher-kva.test", "127.1"])
def test_a_host_is_found_as_it_is_written(client, zone, site, host):
    site["/"] = page()
    for known in ("one.test", "one_two.test", "xn--bcher-kva.test"):
        zone[known] = ["127.0.0.1"]
    assert client.get(f"http://{host}:{site.port}/").status == 200


def test_a_name_and_password_in_a_url_are_nobodys_business(client, site):
    """Ours leaves them out; to Scrapy's they are part of a host, which is none."""
    site["/"] = page()
    url = f"http://user:pass@127.0.0.1:{site.port}/"
    if client.name == "curl":
        assert client.get(url).status == 200
        assert not site.asked[0].values("Authorization")
    else:
        with pytest.raises(ValueError, match="invalid hostname"):
            client.get(url)


def test_the_next_address_is_tried_when_the_first_does_not_answer(client, zone):
    with wire_site("127.0.0.3") as site:
        site["/"] = page()
        zone["several.test"] = ["127.0.0.2", "127.0.0.3"]
        for _ in range(5):
            assert client.get(f"http://several.test:{site.port}/", headers={"Connection": "close"}).status == 200


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
