"""A real store whose time moves when a test says so, with a face that needs no event loop of the test's own."""

from __future__ import annotations

import asyncio
import inspect

import redis

from crawler.store import Store, connect

#: The time and the start of the server as two keys, in ms; without the second it has been up for ever.
CLOCK_LUA = """
local function now_ms() return tonumber(redis.call('GET', 'test:now')) end
local function uptime_ms() return now_ms() - tonumber(redis.call('GET', 'test:started') or 0) end
local function server_run() return redis.call('GET', 'test:started') or '' end
"""


class StoreClock:
    """Time in seconds, kept in the store."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._now = 0.0
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self._now

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, seconds: float) -> None:
        self._now = seconds
        self._client.set("test:now", round(seconds * 1000))

    def pass_(self, seconds: float) -> None:
        self.now = self._now + seconds

    def restart_server(self) -> None:
        """From now on the server says that it was started this moment."""
        self._client.set("test:started", round(self._now * 1000))

    def close(self) -> None:
        self._client.close()


class SyncFace:
    """Calls the coroutines of an object, each to its end, on one loop."""

    def __init__(self, runner: asyncio.Runner, target: object) -> None:
        self.runner = runner
        self.target = target

    def __getattr__(self, name):
        member = getattr(self.target, name)
        if not inspect.iscoroutinefunction(member):
            return member
        return lambda *args, **kwargs: self.runner.run(member(*args, **kwargs))


class ClockedStore:
    """`store` belongs to `runner`; `close` ends both."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.clock = StoreClock(url)
        self.store = Store(connect({"url": url}), clock=CLOCK_LUA)

    def face(self, target: object) -> SyncFace:
        return SyncFace(self.runner, target)

    def run(self, coroutine):
        return self.runner.run(coroutine)

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        self.clock.close()
