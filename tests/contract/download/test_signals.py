"""Signals of Scrapy's that tell of an answer while it comes, and receivers that have enough of it."""

from __future__ import annotations

import pytest
from scrapy import signals
from scrapy.exceptions import StopDownload
from wire import page

BODY = b"<html>" + b"x" * 60_000


@pytest.fixture
def heard(client, site):
    """A page, and what was said of it."""
    site["/"] = page(BODY, "X-A: 1")
    return []


def test_headers_and_bytes_are_told_of(client, site, heard):
    def headers(headers, body_length, request, spider):
        heard.append((headers["X-A"], body_length, request.url, spider.name))

    def chunk(data, request, spider):
        heard.append(data)

    client.crawler.signals.connect(headers, signals.headers_received)
    client.crawler.signals.connect(chunk, signals.bytes_received)
    response = client.get(site.url + "/")
    assert (response.body, response.flags) == (BODY, [])
    assert heard[0] == (b"1", len(BODY), site.url + "/", "hand")
    assert b"".join(heard[1:]) == BODY


@pytest.mark.parametrize("signal", [signals.headers_received, signals.bytes_received])
@pytest.mark.parametrize("fail", [True, False])
def test_a_download_may_be_stopped(client, site, heard, signal, fail):
    async def in_two_pieces(_asked, writer):
        whole = page(BODY, "X-A: 1")
        writer.write(whole[:-10])
        await site.released.wait()
        return whole[-10:]

    def enough(request):
        raise StopDownload(fail=fail)

    site["/"] = in_two_pieces

    client.crawler.signals.connect(enough, signal)
    if fail:
        with pytest.raises(StopDownload) as raised:
            client.get(site.url + "/")
        response = raised.value.response
    else:
        response = client.get(site.url + "/")
    assert response.flags == ["download_stopped"]
    assert (response.status, response.headers["X-A"]) == (200, b"1")
    assert BODY.startswith(response.body)
    assert len(response.body) < len(BODY)
    assert bool(response.body) == (signal is signals.bytes_received)


def test_a_receiver_that_fails_does_no_harm(client, site, heard, caplog):
    def fail(data):
        raise RuntimeError("of the receiver")

    client.crawler.signals.connect(fail, signals.bytes_received)
    assert client.get(site.url + "/").body == BODY
    assert "of the receiver" in caplog.text


def test_after_a_receiver_has_gone_nothing_is_told(client, site, heard):
    def chunk(data):
        heard.append(data)

    client.crawler.signals.connect(chunk, signals.bytes_received)
    client.get(site.url + "/")
    count = len(heard)
    client.crawler.signals.disconnect(chunk, signals.bytes_received)
    assert client.get(site.url + "/").body == BODY
    assert len(heard) == count > 0


def test_interim_answers_and_trailers_are_not_told_of(client, site, heard):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    site["/"] = b"HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n" + head + b"1\r\nx\r\n0\r\nX-Trailer: 1\r\n\r\n"

    def headers(headers):
        heard.append(dict(headers))

    client.crawler.signals.connect(headers, signals.headers_received)
    client.get(site.url + "/")
    assert len(heard) == 1
    assert b"X-Hint" not in heard[0]


def test_a_receiver_may_download_another_page(client, site, heard):
    """It is called while libcurl is at work, which must not be disturbed then."""
    site["/other"] = page(b"other")
    tasks = []

    def chunk(data, request):
        if request.url.endswith("/") and not tasks:
            tasks.append(client._loop.create_task(client.handler.download_request(client.request(site.url + "/other"))))

    client.crawler.signals.connect(chunk, signals.bytes_received)
    assert client.get(site.url + "/").body == BODY

    async def other():
        return (await tasks[0]).body

    assert client.run(other()) == b"other"
