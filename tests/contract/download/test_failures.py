"""What goes wrong, and as which exception of Scrapy's it ends; and how large and how slow an answer may be."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

import pytest
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from wire import page, reply

from crawler.middlewares.open_pages import outcome_of

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"


def sending(*pieces, then_wait=None, reset=False):
    """An answer in pieces, that ends the connection, at once or when the test says so."""

    async def answer(_asked, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then_wait is not None:
            await then_wait.released.wait()
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    return answer


# --- how large --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["announced", "chunked", "until the end"])
def body_of(request, site):
    """Puts a page of so many bytes on the site, in each of the ways to send one."""

    def put(size: int) -> None:
        body = b"x" * size
        pieces = [body[start : start + 1_000] for start in range(0, size, 1_000)]
        site["/"] = {
            "announced": page(body),
            "chunked": CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n",
            "until the end": sending(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body),
        }[request.param]

    return put


def test_a_body_may_be_as_large_as_the_setting_says(name, new_client, site, body_of):
    client = new_client(name, DOWNLOAD_MAXSIZE=20_000)
    body_of(20_000)
    assert len(client.get(site.url + "/").body) == 20_000
    body_of(20_001)
    with pytest.raises(DownloadCancelledError) as raised:
        client.get(site.url + "/")
    assert "20000" in str(raised.value) or name == "scrapy"  # which says it in the log alone
    assert outcome_of(raised.value)[0] == "too_large"


def test_a_request_may_say_how_large(name, new_client, site, body_of):
    client = new_client(name, DOWNLOAD_MAXSIZE=10)
    body_of(5_000)
    assert len(client.get(site.url + "/", meta={"download_maxsize": 5_000}).body) == 5_000
    assert len(client.get(site.url + "/", meta={"download_maxsize": 0}).body) == 5_000
    with pytest.raises(DownloadCancelledError):
        client.get(site.url + "/", meta={"download_maxsize": 4_999})


def test_what_announces_too_much_is_not_waited_for(name, new_client, site):
    client = new_client(name, DOWNLOAD_MAXSIZE=10)
    site["/"] = sending(reply(200, b"x", length=11), then_wait=site)
    with pytest.raises(DownloadCancelledError, match="11"):
        client.get(site.url + "/")


def test_a_head_may_say_that_the_page_is_larger(name, new_client, site):
    site["/"] = reply(200, b"", length=1_000_000)
    assert new_client(name, DOWNLOAD_MAXSIZE=10).get(site.url + "/", method="HEAD").status == 200


def test_what_goes_on_for_ever_is_hung_up_on(name, new_client, site):
    client = new_client(name, DOWNLOAD_MAXSIZE=100_000)

    async def endless(_asked, writer):
        writer.write(CHUNKED)
        while True:
            writer.write(b"3e8\r\n%b\r\n" % (b"x" * 1_000))
            await writer.drain()

    site["/"] = endless
    with pytest.raises(DownloadCancelledError):
        client.get(site.url + "/")
    assert site.hung_up.wait(10)


def test_a_large_body_is_told_of(name, new_client, site, caplog, body_of):
    client = new_client(name, DOWNLOAD_WARNSIZE=10_000)
    body_of(20_000)
    with caplog.at_level(logging.WARNING):
        assert client.get(site.url + "/").status == 200
        assert client.get(site.url + "/", meta={"download_warnsize": 0}).status == 200
    lines = [record.getMessage() for record in caplog.records if "10000" in record.getMessage()]
    assert len(lines) == 1


# --- how slow ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX-A:", page(b"abc")[:-1]], ids=["none", "head", "body"])
def test_what_takes_too_long_is_given_up(client, site, sent):
    site["/"] = sending(sent, then_wait=site)
    with pytest.raises(DownloadTimeoutError, match=r"took longer than 0\.2 seconds") as raised:
        client.get(site.url + "/", meta={"download_timeout": 0.2})
    assert site.hung_up.wait(10)
    assert outcome_of(raised.value)[0] == "timeout"


def test_a_body_that_trickles_takes_too_long_as_a_whole(client, site):
    async def trickle(_asked, writer):
        writer.write(CHUNKED)
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    site["/"] = trickle
    with pytest.raises(DownloadTimeoutError):
        client.get(site.url + "/", meta={"download_timeout": 0.4})


def test_a_name_that_is_not_resolved_in_time(client, site, reactor_loop, monkeypatch):
    async def never(*_args, **_kwargs):
        await asyncio.Event().wait()

    monkeypatch.setattr(reactor_loop, "getaddrinfo", never)
    with pytest.raises(DownloadTimeoutError):
        client.get("http://slow.example/", meta={"download_timeout": 0.2})


def test_without_a_limit_our_client_waits_as_long_as_it_takes(new_client, site):
    """Scrapy's waits for ten seconds then."""

    async def slow(_asked, _writer):
        for _ in range(3):
            await asyncio.sleep(0.1)
        return page()

    site["/"] = slow
    client = new_client("curl", DOWNLOAD_TIMEOUT=0)
    assert client.get(site.url + "/", meta={"download_timeout": 0}).status == 200


# --- what breaks off --------------------------------------------------------------------------------------------------


BROKEN = {
    "too short": sending(page(b"x" * 50)[:-10]),
    "chunks without an end": sending(CHUNKED + b"28\r\n" + b"x" * 40 + b"\r\n"),
    "in a chunk": sending(CHUNKED + b"50\r\n" + b"x" * 40),
    "reset": sending(page(b"x" * 50)[:-10], reset=True),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_breaks_off_is_a_failure(client, site, how):
    site["/"] = BROKEN[how]
    with pytest.raises(ResponseDataLossError) as raised:
        client.get(site.url + "/")
    assert outcome_of(raised.value)[0] == "gave_up"
    if client.name == "curl":
        assert str(raised.value)


@pytest.mark.parametrize("how", ["too short", "chunks without an end", "in a chunk"])
def test_what_breaks_off_may_be_wanted(name, new_client, site, how):
    site["/"] = BROKEN[how]
    asked = new_client(name).get(site.url + "/", meta={"download_fail_on_dataloss": False})
    settled = new_client(name, DOWNLOAD_FAIL_ON_DATALOSS=False).get(site.url + "/")
    if name == "curl":
        for response in (asked, settled):
            assert (response.body, response.flags, response.status) == (b"x" * 40, ["dataloss"], 200)
    else:
        assert settled.flags == ["dataloss"]


def test_data_loss_is_explained_once(client, site, caplog):
    site["/"] = BROKEN["too short"]
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(ResponseDataLossError):
                client.get(site.url + "/")
    assert len([record for record in caplog.records if "DOWNLOAD_FAIL_ON_DATALOSS" in record.getMessage()]) == 1


# --- what is no answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\n",
        b"220 smtp.example ESMTP ready\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    ],
)
def test_what_is_no_http_is_a_failure(client, site, answer):
    site["/"] = sending(answer)
    with pytest.raises(DownloadFailedError) as raised:
        client.get(site.url + "/")
    outcome, reason = outcome_of(raised.value)
    assert outcome == "gave_up"
    assert "\n" not in reason


def test_a_connection_that_is_reset_is_a_failure(client, site):
    site["/"] = sending(reset=True)
    with pytest.raises(DownloadFailedError):
        client.get(site.url + "/")


def test_a_closed_port_is_refused(client):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    with pytest.raises(DownloadConnectionRefusedError, match="Connection was refused") as raised:
        client.get(f"http://127.0.0.1:{port}/")
    assert outcome_of(raised.value)[0] == "gave_up"


def test_a_name_that_nobody_has(client):
    with pytest.raises(CannotResolveHostError):
        client.get("http://nobody.invalid/")


def test_what_libcurl_takes_no_option_for_is_a_failure_of_its_page_alone(new_client, site):
    client = new_client("curl")
    site["/"] = page()
    with pytest.raises(UnsupportedURLSchemeError, match="libcurl"):
        client.get(site.url + "/", meta={"bindaddress": ("127.0.0.1", 70_000)})
    with pytest.raises(DownloadFailedError, match="no address"):
        client.get(site.url + "/", meta={"bindaddress": "localhost"})
    assert client.get(site.url + "/").status == 200


@pytest.mark.parametrize("url", ["http:///x", "http://[::1/x", "http://127.0.0.1:99999/", "http://127.0.0.1:x/"])
def test_what_is_no_url_is_a_failure_of_its_page_alone(client, site, url):
    """It may be one when the request is made already."""
    with pytest.raises((UnsupportedURLSchemeError, CannotResolveHostError, DownloadFailedError, ValueError)):
        client.get(url)
    site["/"] = page()
    assert client.get(site.url + "/").status == 200
