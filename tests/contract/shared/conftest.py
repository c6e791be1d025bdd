"""Back ends of what workers share. A new one is one more parameter here."""

from __future__ import annotations

import asyncio

import pytest
from clocked_store import ClockedStore, SyncFace

from crawler.frontier.shared_memory import MemoryRobotsStore, MemorySessionStore
from crawler.frontier.shared_redis import RedisRobotsStore, RedisSessionStore


class Clock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(params=["memory", "redis"])
def clocked_store(request):
    """The store of the back end under test; None for the one that needs none."""
    if request.param == "memory":
        yield None
        return
    store = ClockedStore(request.getfixturevalue("valkey").url)
    yield store
    store.close()


@pytest.fixture
def clock(clocked_store):
    return Clock() if clocked_store is None else clocked_store.clock


@pytest.fixture
def face(clocked_store):
    """Makes calls of an object run to their end."""
    if clocked_store is not None:
        yield clocked_store.face
        return
    with asyncio.Runner() as runner:
        yield lambda target: SyncFace(runner, target)


@pytest.fixture
def robots(clocked_store, clock, face):
    return face(MemoryRobotsStore(clock) if clocked_store is None else RedisRobotsStore(clocked_store.store))


@pytest.fixture
def session(clocked_store, clock, face):
    return face(
        MemorySessionStore(clock) if clocked_store is None else RedisSessionStore(clocked_store.store, job="j1")
    )
