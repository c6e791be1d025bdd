from __future__ import annotations

import pytest
import redis

from crawler.jobs.holds import Holds


@pytest.fixture
def two(clocked):
    return clocked.face(Holds(clocked.store)), clocked.face(Holds(clocked.store))


def test_one_at_a_time_has_a_duty(two):
    first, second = two
    assert first.hold("export", ttl_s=30, job="j")
    assert not second.hold("export", ttl_s=30, job="j")
    assert first.hold("export", ttl_s=30, job="j")
    assert second.hold("export", ttl_s=30, job="another")
    assert second.hold("retention", ttl_s=30)


def test_a_duty_that_is_let_go_is_free_at_once_and_only_its_holder_can_let_it_go(two):
    first, second = two
    first.hold("export", ttl_s=30, job="j")
    second.let_go("export", job="j")
    assert not second.hold("export", ttl_s=30, job="j")
    first.let_go("export", job="j")
    assert second.hold("export", ttl_s=30, job="j")


def test_a_hold_lives_no_longer_than_it_says(two, valkey):
    first, _ = two
    first.hold("export", ttl_s=30, job="j")
    with redis.Redis.from_url(valkey.url) as client:
        assert 29_000 < client.pttl("crawlery:{j}:duty:export") <= 30_000
