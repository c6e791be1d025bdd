"""What a crawl that is shared has of its job, and that one of its own has nothing of that."""

from __future__ import annotations

import asyncio

import pytest
from scrapy import Spider
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from crawler.extensions.fleet import Fleet
from crawler.extensions.fleet_worker import FleetWorker
from crawler.frontier.gate_redis import RedisGate
from crawler.frontier.redis import RedisFrontier


class Plain(Spider):
    name = "plain"


def crawler_of(**settings):
    crawler = get_crawler(Plain, settings, prevent_warnings=False)
    crawler.spider = Plain.from_crawler(crawler)
    return crawler


@pytest.fixture
def settings():
    return {
        "STORE_PREFIX": "crawlery",
        "LEASE_TTL": 60.0,
        "NODE_NAME": "alpha",
        "SEAT_TOKEN": "seat",
        "BLOCKED_IN_A_ROW": 0,
    }


def test_a_crawl_of_its_own_is_no_worker(settings):
    with pytest.raises(NotConfigured):
        Fleet.from_crawler(crawler_of(**settings))


def test_a_shared_crawl_joins_its_job_and_has_frontier_gate_and_seats_of_one_store(settings, valkey):
    crawler = crawler_of(**settings, REDIS_URL=valkey.url)
    fleet = Fleet.from_crawler(crawler)
    assert isinstance(fleet, FleetWorker)
    assert fleet.job.spider == "plain"
    assert fleet.worker.startswith("alpha/")
    assert fleet.worker.endswith("/seat")
    membership, shared = fleet.membership(), fleet.shared()
    assert isinstance(membership.frontier, RedisFrontier)
    assert isinstance(shared.gate, RedisGate)
    assert membership.worker == shared.worker == fleet.worker

    async def seats_and_end():
        seats = await fleet.seats().of(fleet.job.id)
        await fleet.engine_stopped()
        return seats

    assert asyncio.run(seats_and_end()) == ()
