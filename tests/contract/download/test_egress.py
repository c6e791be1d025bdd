"""Where anything may be sent: names and addresses, judged before a socket is opened, and once more when it is."""

from __future__ import annotations

import pytest
from dns_server import dns_server, resolve_by
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError
from wire import page, wire_site


@pytest.fixture
def zone(reactor_loop, monkeypatch):
    with dns_server() as server:
        resolve_by(server, reactor_loop, monkeypatch)
        yield server.zone


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
