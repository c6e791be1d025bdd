"""Windows in the store, or in the process while the store counts nothing: where calls are, and when they leave."""

from __future__ import annotations

import contextlib
import socket
import time
from contextlib import closing

import pytest
import redis
from limits.storage import storage_from_string
from redis.backoff import NoBackoff
from redis.retry import Retry
from wall_clock import Clock

from control_api.rates import SCHEME, OwnWindows

HOUR_S = 3_600.0
LIMIT = 4
WINDOW_S = 2
PATIENCE_S = 40.0


@pytest.fixture
def new_rates():
    """Makes the storage of rates on a store: `new_rates(url)`."""
    with contextlib.ExitStack() as stack:

        def make(url):
            pool = redis.ConnectionPool.from_url(url, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
            stack.enter_context(closing(pool))
            return storage_from_string(f"{SCHEME}://", connection_pool=pool, key_prefix="rates")

        yield make


def test_the_stores_own_clock_that_is_set_back_keeps_nobody_out_longer_than_a_window(new_valkey, new_rates, tmp_path):
    clock = Clock(tmp_path)
    store = new_valkey(clock=clock)
    rates = new_rates(store.url)
    assert [rates.acquire_entry("key", LIMIT, WINDOW_S) for _ in range(LIMIT + 1)] == [True] * LIMIT + [False]
    clock.jump(-HOUR_S)
    with redis.Redis.from_url(store.url) as server:
        while server.time()[0] > time.time() - HOUR_S / 2:
            time.sleep(0.01)
    began = time.monotonic()
    found = [rates.get_moving_window("key", LIMIT, WINDOW_S)]
    assert not rates.acquire_entry("key", LIMIT, WINDOW_S), "they count as if they had come now"
    found.append(rates.get_moving_window("key", LIMIT, WINDOW_S))
    assert found == [(pytest.approx(began, abs=60), LIMIT)] * 2
    with redis.Redis.from_url(store.url) as server:
        assert 0 < server.ttl("rates:key") <= WINDOW_S + 1
    until = began + PATIENCE_S
    while not rates.acquire_entry("key", LIMIT, WINDOW_S):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert time.monotonic() - began >= WINDOW_S, "nor lets it in more than the limit"


def test_calls_are_shown_from_where_the_last_one_was_counted(new_valkey, new_rates, monkeypatch):
    monkeypatch.setattr("control_api.rates._PAUSE_S", 0)
    store = new_valkey()
    rates = new_rates(store.url)
    with redis.Redis.from_url(store.url) as server:

        def enter_with(maxmemory, amount):
            server.config_set("maxmemory", maxmemory)
            assert rates.acquire_entry("key", 10, 3600, amount=amount)
            return rates.get_moving_window("key", 10, 3600)[1]

        assert enter_with(0, 3) == 3
        assert enter_with(1, 1) == 1, "of the process"
        assert enter_with(1, 1) == 2, "it is asked, and has no room yet"
        assert enter_with(0, 2) == 5, "of the store"


def test_a_store_that_does_not_answer_keeps_one_caller_waiting_and_not_all(new_rates, monkeypatch, caplog):
    monkeypatch.setattr("control_api.rates._PAUSE_S", HOUR_S)
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        rates = new_rates(f"redis://127.0.0.1:{frozen.getsockname()[1]}")
        found = [rates.acquire_entry("key", LIMIT, 3600) for _ in range(LIMIT + 1)]
        assert found == [True] * LIMIT + [False], "the process holds the limit too"
        frozen.setblocking(False)
        frozen.accept()[0].close()
        with pytest.raises(BlockingIOError):
            frozen.accept()
    assert [record.message.partition(" (")[0] for record in caplog.records] == ["The store counts no calls"]


def test_windows_of_a_process_that_are_over_take_no_memory(monkeypatch):
    monkeypatch.setattr("control_api.rates._SWEEP_S", 0)
    windows = OwnWindows()
    assert windows.enter("lasting", LIMIT, 3600, 1)
    assert windows.enter("over", LIMIT, 0, 1)
    time.sleep(0.001)
    assert windows.enter("another", LIMIT, 3600, 1)
    assert windows.find("over", 3600) is None
    assert windows.find("lasting", 3600)[1] == 1
