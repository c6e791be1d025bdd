"""Transfers on an event loop, uvloop's and Python's own: their turns, their timers, and callbacks that fail."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings

import pycurl
import pytest
import uvloop

from crawler.downloader.curl_multi import CLOSED, Multi

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def run(request):
    """Runs a test's coroutine with a server's port; the server answers each request once `go` is set."""

    def run(test):
        loop = request.param()
        try:
            loop.run_until_complete(asyncio.wait_for(_with_server(test), 20))
        finally:
            loop.close()

    return run


async def _with_server(test):
    released, writers = asyncio.Event(), set()

    async def serve(reader, writer):
        writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await released.wait()
                writer.write(PAGE)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    multi = Multi(most_idle=8)
    try:
        await test(multi, server.sockets[0].getsockname()[1], released)
    finally:
        multi.close()
        released.set()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        server.close()
        await server.wait_closed()


def easy(port, **options):
    """A transfer whose body is in `.chunks`."""
    made = pycurl.Curl()
    made.chunks = []
    made.setopt(pycurl.URL, f"http://127.0.0.1:{port}/")
    made.setopt(pycurl.PROXY, "")
    made.setopt(pycurl.WRITEFUNCTION, made.chunks.append)
    for name, value in options.items():
        made.setopt(getattr(pycurl, name), value)
    return made


def test_transfers_run_side_by_side_and_again(run):
    async def test(multi, port, released):
        released.set()
        easies = [easy(port) for _ in range(20)]
        for _ in range(3):
            assert await asyncio.gather(*(multi.start(each) for each in easies)) == [(0, "")] * 20
        assert all(each.chunks == [b"hello"] * 3 for each in easies)
        assert sum(each.getinfo(pycurl.NUM_CONNECTS) for each in easies) < 20

    run(test)


def test_a_failure_is_an_end_too(run):
    async def test(multi, port, released):
        code, message = await multi.start(easy(port, URL="http://127.0.0.1:1/"))
        assert code == pycurl.E_COULDNT_CONNECT
        assert "127.0.0.1" in message

    run(test)


@pytest.mark.parametrize("timeout_ms", [1, 30, 150])
def test_time_runs_out_though_nothing_happens(run, timeout_ms):
    async def test(multi, port, released):
        slow, long = multi.start(easy(port, TIMEOUT_MS=timeout_ms)), multi.start(easy(port, TIMEOUT_MS=15_000))
        assert (await slow)[0] == pycurl.E_OPERATION_TIMEDOUT
        assert not long.done()
        released.set()
        assert await long == (0, "")

    run(test)


def test_a_shorter_time_that_is_set_later_runs_out_first(run):
    async def test(multi, port, released):
        long = multi.start(easy(port, TIMEOUT_MS=15_000))
        await asyncio.sleep(0.02)
        assert (await multi.start(easy(port, TIMEOUT_MS=20)))[0] == pycurl.E_OPERATION_TIMEDOUT
        assert not long.done()

    run(test)


def test_a_clock_that_is_ahead_of_libcurls_loses_no_timer(run):
    """It sets its timer once more then, though that has not changed."""

    async def test(multi, port, released):
        slow = multi.start(easy(port, TIMEOUT_MS=300))
        await asyncio.sleep(0.05)
        multi._timer.cancel()
        multi._due_s = 0.0
        multi._time_is_up()
        assert not slow.done()
        assert (await slow)[0] == pycurl.E_OPERATION_TIMEDOUT

    run(test)


def test_what_is_stopped_is_not_told_of(run):
    async def test(multi, port, released):
        stopped, other, unborn = easy(port), easy(port), easy(port)
        futures = [multi.start(stopped), multi.start(other)]
        await asyncio.sleep(0.05)
        futures.append(multi.start(unborn))
        multi.stop(stopped)
        multi.stop(unborn)
        multi.stop(unborn)
        released.set()
        assert await futures[1] == (0, "")
        assert not futures[0].done()
        assert not futures[2].done()
        assert stopped.chunks == unborn.chunks == []

    run(test)


def test_a_callback_may_start_and_stop_transfers(run):
    """libcurl is at work then, and takes neither."""

    async def test(multi, port, released):
        released.set()
        later, futures, heard = easy(port), [], asyncio.Event()
        waiting = easy(port, URL=f"http://127.0.0.1:{port}/w")
        futures.append(multi.start(waiting))

        def hear(chunk):
            futures.append(multi.start(later))
            multi.stop(waiting)
            multi.stop(first)
            heard.set()

        first = easy(port, WRITEFUNCTION=hear)
        multi.start(first)
        await heard.wait()
        assert await futures[1] == (0, "")
        assert later.chunks == [b"hello"]

    run(test)


def test_an_error_of_a_callback_of_the_loop_is_told_and_fails_what_is_under_way(run, caplog, monkeypatch):
    async def test(multi, port, released):
        def fail(*_):
            raise RuntimeError("cannot watch")

        monkeypatch.setattr(multi, "_watch", fail)
        code, message = await multi.start(easy(port))
        assert code != 0
        assert message
        monkeypatch.undo()
        released.set()
        assert await multi.start(easy(port)) == (0, "")

    run(test)
    assert "cannot watch" in caplog.text


def test_a_connection_that_rests_is_not_watched_any_more_when_the_other_side_has_closed_it(run):
    async def test(multi, port, released):
        async def once(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PAGE)
            await writer.drain()
            await released.wait()
            writer.close()

        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            assert await multi.start(easy(server.sockets[0].getsockname()[1])) == (0, "")
            watched = len(multi._watched)  # with one of libcurl's own
            released.set()
            while len(multi._watched) == watched:  # noqa: ASYNC110 - the loop itself is looked at
                await asyncio.sleep(0.01)
            assert multi._epoll.poll(0) == []

    run(test)


def test_when_it_is_closed_everything_ends(run):
    async def test(multi, port, released):
        running = multi.start(easy(port))
        await asyncio.sleep(0.05)
        coming = multi.start(easy(port))
        multi.close()
        multi.close()
        assert await running == await coming == await multi.start(easy(port)) == CLOSED
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()

    run(test)
