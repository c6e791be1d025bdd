"""What only the stores of a fleet have to stand: keys that end, jobs side by side, short memory."""

from __future__ import annotations

import pytest
import redis
from clocked_store import ClockedStore

from crawler.frontier.shared_contract import ROBOTS_CLAIM_S, Robots, RobotsReply, Session
from crawler.frontier.shared_redis import RedisRobotsStore, RedisSessionStore

KEY = "crawlery:{site:https://shop.example:443}:robots"
SITE = "https://shop.example:443"


@pytest.fixture
def served(valkey):
    served = ClockedStore(valkey.url)
    yield served
    served.close()


@pytest.fixture
def raw(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def robots(served):
    return served.face(RedisRobotsStore(served.store))


def test_the_key_of_a_site_lives_as_long_as_what_it_knows(robots, raw):
    robots.ask(SITE, worker="w1")
    assert raw.pttl(KEY) / 1000 == pytest.approx(ROBOTS_CLAIM_S, abs=3)
    robots.keep(SITE, Robots(status=200))
    assert raw.pttl(KEY) / 1000 == pytest.approx(24 * 3600, abs=5)
    robots.keep("https://other.example:443", Robots(status=503))
    assert raw.pttl("crawlery:{site:https://other.example:443}:robots") / 1000 == pytest.approx(60, abs=5)


@pytest.fixture
def full(raw):
    raw.config_set("maxmemory-policy", "noeviction")
    raw.config_set("maxmemory", 1)
    yield
    raw.config_set("maxmemory", 0)


def test_while_memory_is_short_robots_txt_is_still_fetched_by_one_worker(robots, full):
    assert robots.ask(SITE, worker="w1") == RobotsReply(yours=True)
    robots.keep(SITE, Robots(status=200, body=b"x"))
    assert robots.ask(SITE, worker="w2").robots == Robots(status=200, body=b"x")


def test_while_memory_is_short_a_login_is_still_kept(served, full):
    session = served.face(RedisSessionStore(served.store, job="j1"))
    assert session.write(b"cookie", expected=0) == session.read() == Session(version=1, body=b"cookie")


def test_jobs_have_sessions_of_their_own(served, raw):
    first, second = (served.face(RedisSessionStore(served.store, job=job)) for job in ("j1", "j2"))
    first.write(b"one", expected=0)
    assert second.read() == Session()
    assert raw.hgetall("crawlery:{j1}:session") == {b"version": b"1", b"body": b"one"}
