"""Proxies: those of a request, and no others."""

from __future__ import annotations

import pytest
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    UnsupportedURLSchemeError,
)
from wire import page, wire_proxy, wire_site

AUTH = "Basic dTpw"


@pytest.fixture
def secure(trusted):
    with wire_site(tls=trusted.context("shop.example")) as site:
        site["/"] = page(b"secret", "X-Site: 1")
        yield site


@pytest.fixture
def tunnels(secure):
    with wire_proxy(secure.port) as proxy:
        yield proxy


def through(proxy, authorization=None, **headers):
    sent = {**headers, **({"Proxy-Authorization": authorization} if authorization else {})}
    return {"meta": {"proxy": proxy.url, "download_timeout": 10.0}, "headers": sent}


def test_a_page_is_asked_for_by_its_whole_url(client, site, proxy):
    site["/a"] = page()
    response = client.get("http://shop.example/a?b=c#d", **through(proxy, AUTH, Cookie="a=1"))
    assert (response.status, response.url) == (200, "http://shop.example/a?b=c")
    (asked,) = proxy.asked
    assert (asked.method, asked.target) == ("GET", "http://shop.example/a?b=c")
    assert asked.values("Proxy-Authorization") == [AUTH]
    assert asked.values("Host") == ["shop.example"]
    assert asked.values("Cookie") == ["a=1"]
    assert {name for name, _ in asked.headers} <= {"Host", "Proxy-Authorization", "Cookie", "Connection"}


def test_a_page_over_tls_goes_through_a_tunnel(secure, tunnels, client):
    response = client.get("https://shop.example/", **through(tunnels, AUTH, Cookie="a=1"))
    assert (response.status, response.body) == (200, b"secret")
    assert response.headers["X-Site"] == b"1"
    assert "X-Proxy" not in response.headers
    (asked,) = tunnels.asked
    assert (asked.method, asked.target) == ("CONNECT", "shop.example:443")
    assert asked.values("Proxy-Authorization") == [AUTH]
    assert not asked.values("Cookie")
    assert not asked.values("User-Agent")
    (inside,) = secure.asked
    assert inside.values("Cookie") == ["a=1"]
    assert not inside.values("Proxy-Authorization")


def test_a_certificate_is_looked_at_through_a_tunnel(secure, authority, client):
    with wire_site(tls=authority.context("other.example")) as other, wire_proxy(other.port) as proxy:
        with pytest.raises(DownloadFailedError):
            client.get("https://shop.example/", **through(proxy))
        assert not other.asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks(client, site, scheme, proxy):
    proxy.wants = (AUTH,)
    site["/"] = page()
    if scheme == "http":
        response = client.get("http://shop.example/", **through(proxy))
        assert (response.status, response.body) == (407, b"who are you?")
    else:
        with pytest.raises(DownloadFailedError, match="407") if client.name == "curl" else pytest.raises(Exception):
            client.get("https://shop.example/", **through(proxy))
    assert not site.asked


def test_nobody_gets_the_tunnel_of_somebody_else(secure, tunnels, client):
    """Commercial proxies tell by the user from where a page is to be asked for."""
    for authorization in (AUTH, "Basic eDp5", AUTH, "Bearer x", None):
        assert client.get("https://shop.example/", **through(tunnels, authorization)).status == 200
    seen = [asked.values("Proxy-Authorization") for asked in tunnels.asked]
    assert [each for number, each in enumerate(seen) if each not in seen[:number]] == [
        [AUTH],
        ["Basic eDp5"],
        ["Bearer x"],
        [],
    ]


def test_a_proxy_of_the_environment_is_not_used(client, site, proxy, monkeypatch):
    """Whether it is, Scrapy's middleware says."""
    site["/"] = page()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert client.get(site.url + "/").status == 200
    assert not proxy.asked


def test_a_proxy_of_a_request_is_used_whatever_the_environment_says(client, site, proxy, monkeypatch):
    site["/"] = page()
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    assert client.get("http://shop.example/", **through(proxy)).status == 200
    assert len(proxy.asked) == 1


def test_a_page_without_a_proxy_does_not_take_the_connection_of_one(client, site, proxy):
    site["/"] = page()
    client.get(site.url + "/", **through(proxy))
    client.get(site.url + "/")
    client.get(site.url + "/", **through(proxy))
    assert len(proxy.asked) == 2
    assert [asked.target for asked in site.asked] == ["/"] * 3


def test_what_is_meant_for_a_proxy_is_not_sent_to_a_site_by_ours(client, site):
    """Scrapy's client relies on its middleware to take it out."""
    site["/"] = page()
    client.get(site.url + "/", headers={"Proxy-Authorization": AUTH})
    assert site.asked[0].values("Proxy-Authorization") == ([] if client.name == "curl" else [AUTH])


def test_a_proxy_may_be_written_without_a_scheme(client, site, proxy):
    site["/"] = page()
    meta = {"proxy": proxy.url.removeprefix("http://"), "download_timeout": 10.0}
    assert client.get("http://shop.example/", meta=meta).status == 200


def test_the_address_of_a_proxy_is_judged(name, new_client, proxy):
    """Ours says that it is refused, as it says of sites; Scrapy's that it has no address."""
    client = new_client(name, EGRESS_ALLOW=["127.0.0.9/32"])
    with pytest.raises(DownloadConnectionRefusedError if name == "curl" else CannotResolveHostError):
        client.get("http://shop.example/", **through(proxy))
    assert not proxy.opened


def test_the_address_of_a_proxy_is_judged_for_tunnels_too_by_ours(new_client, proxy):
    """Scrapy's client dials a proxy that is written as an address without asking anybody, if it wants a tunnel."""
    client = new_client("curl", EGRESS_ALLOW=["127.0.0.9/32"])
    with pytest.raises(DownloadConnectionRefusedError):
        client.get("https://shop.example/", **through(proxy))
    assert not proxy.opened


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "ftp"])
def test_other_kinds_of_proxies_are_refused(client, proxy, scheme):
    meta = {"proxy": proxy.url.replace("http", scheme), "download_timeout": 10.0}
    with pytest.raises((UnsupportedURLSchemeError, DownloadFailedError, CannotResolveHostError, ValueError)):
        client.get("http://shop.example/", meta=meta)


def test_a_proxy_over_tls(new_client, trusted):

    async def forward(asked, _writer):
        return page(asked.target.encode())

    with wire_site(tls=trusted.context("127.0.0.1")) as proxy:
        proxy.answers = {"http://shop.example/x": forward}
        response = new_client("curl").get("http://shop.example/x", **through(proxy))
        assert response.body == b"http://shop.example/x"
