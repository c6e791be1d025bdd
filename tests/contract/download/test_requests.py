"""What is sent: the request as a spider has made it, and nothing else."""

from __future__ import annotations

import contextlib

import pytest
from scrapy.exceptions import UnsupportedURLSchemeError
from wire import page, reply

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")


def headers_but(asked, *names):
    return [(name, value) for name, value in asked.headers if name.lower() not in names]


def test_the_headers_of_a_request_are_sent_and_no_others(client, site):
    site["/"] = page()
    sent = {"User-Agent": "Crawlery", "Accept-Language": "de", "X-Twice": ["a", "b"], "Cookie": "a=1; b=2"}
    client.get(site.url + "/", headers=sent)
    (asked,) = site.asked
    pairs = [
        (name, value) for name, values in sent.items() for value in ([values] if isinstance(values, str) else values)
    ]
    assert asked.values("Host") == [f"127.0.0.1:{site.port}"]
    found = headers_but(asked, "host", "connection")
    assert sorted(found) == sorted(pairs)
    if client.name == "curl":  # Scrapy's client has them in an order of its own
        assert found == pairs
        assert not asked.values("Connection")


def test_without_headers_nothing_names_the_client(client, site):
    site["/"] = page()
    client.get(site.url + "/")
    assert headers_but(site.asked[0], "host", "connection") == []


def test_a_header_without_a_value_is_sent(client, site):
    site["/"] = page()
    client.get(site.url + "/", headers={"X-Empty": ""})
    assert site.asked[0].values("X-Empty") == [""]


def test_a_host_of_its_own_is_sent(client, site):
    site["/"] = page()
    client.get(site.url + "/", headers={"Host": "other.example"})
    assert site.asked[0].values("Host") == ["other.example"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [b"", b"a=1&b=\x00\xff"])
def test_every_method_has_its_body_and_nothing_that_the_client_made_up(client, site, method, body):
    site["/"] = page(b"<html>answer</html>")
    response = client.get(site.url + "/", method=method, body=body)
    (asked,) = site.asked
    assert (asked.method, asked.body) == (method, body)
    lengths = [str(len(body))] if body or method in ("POST", "PUT") else []
    assert asked.values("Content-Length") == lengths
    assert headers_but(asked, "host", "connection", "content-length") == []
    assert response.body == b"<html>answer</html>"


def test_a_large_body_is_sent_at_once(client, site):
    """No `Expect: 100-continue`, for which many servers have no answer."""
    site["/"] = page()
    body = b"x" * 3_000_000
    client.get(site.url + "/", method="POST", body=body, headers={"Content-Type": "text/plain"})
    (asked,) = site.asked
    assert asked.body == body
    assert not asked.values("Expect")
    assert asked.values("Content-Type") == ["text/plain"]


def test_a_head_has_no_body_whatever_its_headers_say(client, site):
    site["/"] = reply(200, b"", "Content-Type: text/html", length=5_000)
    response = client.get(site.url + "/", method="HEAD")
    assert (response.status, response.body, response.flags) == (200, b"", [])
    site["/next"] = page()
    assert client.get(site.url + "/next").status == 200
    assert [asked.connection for asked in site.asked] == [1, 1]


def test_a_head_with_a_body(client, site):
    """Ours leaves the body out."""
    site["/"] = reply(200, b"")
    client.get(site.url + "/", method="HEAD", body=b"x")
    assert (site.asked[0].method, site.asked[0].body) == ("HEAD", b"" if client.name == "curl" else b"x")


def test_how_long_a_body_is_a_spider_cannot_say(client, site):
    """Ours leaves out what it says; Scrapy's sends it as well."""
    site["/"] = page()
    client.get(site.url + "/", method="POST", body=b"12345", headers={"Content-Length": "5"})
    assert site.asked[0].values("Content-Length") == ["5"] * (1 if client.name == "curl" else 2)
    assert site.asked[0].body == b"12345"


def test_nothing_of_a_request_is_left_in_the_next_one(client, site):
    site["/"] = page()
    client.get(site.url + "/", method="POST", body=b"secret", headers={"X-Secret": "1", "Content-Type": "a/b"})
    client.get(site.url + "/", headers={"X-Other": "1"})
    client.get(site.url + "/", method="HEAD")
    client.get(site.url + "/")
    assert [asked.method for asked in site.asked] == ["POST", "GET", "HEAD", "GET"]
    assert headers_but(site.asked[1], "host", "connection") == [("X-Other", "1")]
    assert headers_but(site.asked[3], "host", "connection") == []


@pytest.mark.parametrize(
    "target",
    [
        "/a/../b/./c",
        "//a//b",
        "/a?x=[1]&y={2}|3",
        "/%7Euser/~user",
        "/a?b=%2F&c=a+b%20c",
        "/?",
        "/a%00b",
        "/a;b=c,d'(e)!*",
    ],
)
def test_a_path_is_sent_as_it_is(client, site, target):
    site[target.partition("?")[0]] = page()
    request = client.request(site.url + target)
    expected = request.url[len(site.url) :]
    client.run(client.handler.download_request(request))
    assert site.asked[0].target in (expected, expected.rstrip("?"))


def test_a_url_that_is_meant_to_be_sent_as_it_is_written_is(client, site):
    site["/a^b"] = page()
    client.get(site.url + "/a^b?c|d", meta={"verbatim_url": True})
    assert site.asked[0].target == "/a^b?c|d"


def test_a_fragment_is_not_sent_and_not_in_the_url_of_the_response(client, site):
    site["/a"] = page()
    assert client.get(site.url + "/a#top").url == site.url + "/a"
    assert client.get(site.url + "/a?b#c/d").url == site.url + "/a?b"
    assert [asked.target for asked in site.asked] == ["/a", "/a?b"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-Injected: 1"},
        {"X-A": "1\nX-Injected: 1"},
        {"X-A\r\nX-Injected": "1"},
        {"X-A: 1\r\nX-Injected": "1"},
    ],
)
def test_no_header_can_smuggle_in_another(client, site, headers):
    """Ours refuses to send it; Scrapy's makes blanks of line ends."""
    site["/"] = page()
    if client.name == "curl":
        with pytest.raises(UnsupportedURLSchemeError, match="a line end"):
            client.get(site.url + "/", headers=headers)
        assert not site.asked
    else:
        with contextlib.suppress(ValueError):
            client.get(site.url + "/", headers=headers)
    assert not any(asked.values("X-Injected") for asked in site.asked)


def test_no_method_can_smuggle_in_a_request(client, site):
    with pytest.raises((UnsupportedURLSchemeError, ValueError)):
        client.get(site.url + "/", method="GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET")
    assert not site.asked


def test_a_page_may_be_asked_for_from_an_address_of_its_own(client, site):
    site["/"] = page()
    client.get(site.url + "/", meta={"bindaddress": "127.0.0.7"})
    client.get(site.url + "/", meta={"bindaddress": ("127.0.0.8", 0)})
    assert [asked.peer for asked in site.asked] == ["127.0.0.7", "127.0.0.8"]


def test_all_pages_may_be_asked_for_from_an_address_of_their_own(name, new_client, site):
    site["/"] = page()
    new_client(name, DOWNLOAD_BIND_ADDRESS="127.0.0.9").get(site.url + "/")
    assert site.asked[0].peer == "127.0.0.9"
