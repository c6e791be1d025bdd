"""A store whose time moves when a test says so, with what nodes and stewards share there."""

from __future__ import annotations

import pytest
from clocked_store import ClockedStore

from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.seats import RedisSeats

SECRET = b"0123456789abcdef"


@pytest.fixture
def clocked(valkey):
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def clock(clocked):
    return clocked.clock


@pytest.fixture
def jobs(clocked):
    return clocked.face(RedisJobStore(clocked.store))


@pytest.fixture
def seats(clocked):
    return clocked.face(RedisSeats(clocked.store))


@pytest.fixture
def frontier_of(clocked):
    return lambda job, **options: clocked.face(RedisFrontier(clocked.store, job=job, **options))


@pytest.fixture
def a_job(jobs):
    """Makes a job: `a_job("j", client="acme", max_workers=4)`."""

    def make(name: str = "j", **values):
        job, _ = jobs.create(Job(**{"id": name, "secret": SECRET, "spider": "books", **values}))
        return job

    return make
