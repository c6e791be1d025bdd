"""Connections: kept, counted, given up and closed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from wire import PATIENCE_S, page


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_connection_is_used_again(client, site):
    site["/"] = page()
    for _ in range(20):
        assert client.get(site.url + "/").status == 200
    assert site.opened == 1


def test_a_connection_is_not_used_again_when_the_site_says_so(client, site):
    site["/"] = page(b"x", "Connection: close")
    for _ in range(3):
        assert client.get(site.url + "/").body == b"x"
    assert site.opened == 3


def test_a_connection_that_the_site_has_closed_meanwhile_is_opened_anew(client, site):
    site["/"] = page()
    for _ in range(30):  # a new socket often has the number of the old one
        assert client.get(site.url + "/").status == 200
        site.hang_up()
    assert site.opened == 30


def test_a_body_that_finds_its_connection_closed_is_sent_again_by_ours(client, site):
    """Scrapy's client leaves that to the retries of pages."""
    site["/"] = page()
    failed = 0
    for number in range(1, 11):
        try:
            assert client.get(site.url + "/", method="POST", body=b"x").status == 200
        except DownloadFailedError:
            failed += 1
        assert site.opened == number or client.name == "scrapy"
        site.hang_up()
    assert not failed or client.name == "scrapy"


def test_many_connections_that_are_closed_at_once_are_opened_anew(client, site):
    async def together(asked, _writer):
        if len({entry.connection for entry in site.asked[-8:]}) == 8:
            site.released.set()
        await site.released.wait()
        return page()

    for _ in range(10):
        site["/"] = together
        site.loop.call_soon_threadsafe(site.released.clear)
        responses = client.get_all([site.url + "/"] * 8)
        assert [response.status for response in responses] == [200] * 8
        site.hang_up()
    assert site.opened >= 20


@pytest.mark.parametrize("answers", [1, 2])
def test_a_site_that_closes_after_each_answer_without_a_word(client, site, answers):
    """The request that finds its connection closed is sent again, on a new one."""

    async def once(asked, writer):
        writer.write(page(f"{asked.connection}".encode()))
        await writer.drain()
        return None if len([entry for entry in site.asked if entry.connection == asked.connection]) == answers else b""

    site["/"] = once
    for _ in range(10):
        assert client.get(site.url + "/").status == 200


def test_one_that_is_slow_keeps_no_other_waiting(client, site):
    async def slow(_asked, _writer):
        await site.released.wait()
        return page(b"slow")

    site["/slow"] = slow
    for number in range(64):
        site[f"/{number}"] = page(f"{number}".encode())

    async def go():
        download = client.handler.download_request
        waiting = asyncio.ensure_future(download(client.request(site.url + "/slow")))
        others = await asyncio.gather(*(download(client.request(f"{site.url}/{number}")) for number in range(64)))
        assert not waiting.done()
        site.release()
        return [response.body for response in others], (await waiting).body

    assert client.run(go()) == ([f"{number}".encode() for number in range(64)], b"slow")


def test_what_is_cancelled_is_hung_up_on_and_nothing_else_is(client, site):
    async def wait(_asked, _writer):
        await site.released.wait()
        return page(b"late")

    site["/cancelled"] = site["/kept"] = wait

    async def go():
        download = client.handler.download_request
        first = asyncio.ensure_future(download(client.request(site.url + "/cancelled")))
        second = asyncio.ensure_future(download(client.request(site.url + "/kept")))
        await asyncio.to_thread(site.wait_for, 2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await asyncio.to_thread(site.hung_up.wait, PATIENCE_S)
        site.release()
        return (await second).body

    assert client.run(go()) == b"late"


def test_what_is_cancelled_before_it_began_is_not_sent(client, site):
    site["/"] = page()

    async def go():
        task = asyncio.ensure_future(client.handler.download_request(client.request(site.url + "/")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert client.run(go())
    assert client.get(site.url + "/").status == 200


def test_nothing_is_left_open(name, new_client, site):
    site["/"] = page()
    site["/hangs"] = lambda _asked, _writer: site.released.wait()
    client = new_client(name)
    client.get_all([site.url + "/"] * 8)
    client.close()
    before = open_files()
    for _ in range(3):
        client = new_client(name)
        client.get_all([site.url + "/"] * 8)
        with pytest.raises(DownloadTimeoutError):
            client.get(site.url + "/hangs", meta={"download_timeout": 0.1})
        client.close()
    for _ in range(100):
        if open_files() <= before:
            break
        time.sleep(0.05)
    assert open_files() <= before


def test_after_it_is_closed_our_client_sends_nothing(new_client, site):
    """Scrapy's client would open a pool of connections again."""
    site["/"] = page()
    client = new_client("curl")
    client.get(site.url + "/")
    client.close()
    with pytest.raises(DownloadFailedError, match="closed"):
        client.get(site.url + "/")
    assert len(site.asked) == 1


def test_what_is_under_way_when_our_client_is_closed_fails(new_client, site):
    site["/"] = lambda _asked, _writer: site.released.wait()
    client = new_client("curl")

    async def go():
        task = asyncio.ensure_future(client.handler.download_request(client.request(site.url + "/")))
        await asyncio.to_thread(site.wait_for, 1)
        await client.handler.close()
        with pytest.raises(DownloadFailedError, match="closed"):
            await task

    client.run(go())
    assert site.hung_up.wait(PATIENCE_S)
