"""Spiders that read seeds: none is lost or doubled, bad ones harm nobody, and an idle job ends."""

from __future__ import annotations

import json
import time

import pytest
import redis
from terminals import wait_until


@pytest.fixture
def client(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def job(stored):
    return stored("seeded-1")


def urls(job):
    return sorted(row["url"] for row in job.rows())


def test_two_workers_crawl_each_seed_once_and_the_job_ends_when_it_is_idle(start, shop, client, job):
    client.rpush("seeded:start_urls", *(f"{shop.url}/item/{number}" for number in range(60)))
    workers = [start("seeded"), start("seeded")]
    wait_until(lambda: job.settled() > 60, what="all seeds")
    client.rpush("seeded:start_urls", f"{shop.url}/item/7", f"{shop.url}/item/77")  # one of them is known
    assert [worker.finished() for worker in workers] == [0, 0], workers[0].log()
    assert urls(job) == sorted(f"{shop.url}/item/{number}" for number in [*range(60), 77])
    assert set(shop.hits.values()) == {1}
    assert not [key for key in client.keys("seeded*") if not key.endswith(b":held")]
    assert job.ledger().closed == "finished"


def test_bad_seeds_go_to_the_dead_and_the_others_of_their_batch_are_crawled(start, shop, client, job):
    bad = ["123", "[1,2]", '"str"', "not a url", '{"urls": 1}']
    client.rpush("seeded:start_urls", f"{shop.url}/item/1", *bad, f"{shop.url}/item/2")
    worker = start("seeded")
    assert worker.finished() == 0
    assert urls(job) == [f"{shop.url}/item/1", f"{shop.url}/item/2"]
    dead = [json.loads(entry) for entry in client.lrange("seeded:start_urls:dead", 0, -1)]
    assert sorted(entry["seed"] for entry in dead) == sorted(bad)
    assert all(entry["reason"] for entry in dead)
    assert worker.log().count("is not read, and lies in seeded:start_urls:dead") == len(bad)
    assert "Traceback" not in worker.log()


@pytest.mark.long
def test_seeds_in_json_say_how_they_are_asked_for_and_may_ask_for_a_known_page_again(start, shop, client, job):
    form = json.dumps({"url": f"{shop.url}/search", "method": "POST", "q": "stools", "meta": {"mine": {"a": 1}}})
    again = json.dumps({"url": f"{shop.url}/item/1", "dont_filter": True})
    client.rpush("seeded:start_urls", form, f"{shop.url}/item/1", again, again)
    workers = [start("seeded"), start("seeded")]
    assert [worker.finished() for worker in workers] == [0, 0]
    assert {"item": "dict", "url": f"{shop.url}/search", "method": "POST", "mine": {"a": 1}} in job.rows()
    assert shop.hits["/item/1"] == 3
    assert len(job.rows()) == 4


@pytest.mark.long
@pytest.mark.parametrize("dies_at", ["/item/4", "take"])
def test_a_worker_that_is_killed_at_its_seeds_loses_and_doubles_none(start, shop, client, stored, dies_at):
    again = [json.dumps({"url": f"{shop.url}/list/{page}", "dont_filter": True}) for page in range(4)]
    client.rpush("seeded:start_urls", *again, *(f"{shop.url}/item/{number}" for number in range(5)))
    assert start("dying", job="j1", DIES_AT=dies_at, LEASE_TTL=2).finished() == -9
    assert client.llen("seeded:start_urls") == 9
    assert start("dying", job="j1").finished() == 0
    expected = [*(f"item/{number}" for number in range(5)), *(f"list/{page}" for page in range(4))]
    assert sorted(row["url"] for row in stored("j1").rows()) == sorted(f"{shop.url}/{path}" for path in expected)


@pytest.mark.long
def test_seeds_may_be_a_sorted_set(start, shop, client, job):
    seeds = [f"{shop.url}/item/{number}" for number in range(5)]
    client.zadd("seeded:start_urls", dict.fromkeys(seeds, 1))
    assert start("seeded", REDIS_START_URLS_AS_ZSET=1).finished() == 0
    assert urls(job) == sorted(seeds)


@pytest.mark.long
def test_rules_are_followed_from_seeds(start, shop, client, stored):
    client.rpush("rules:seeds", f"{shop.url}/list/0", f"{shop.url}/list/1")
    assert start("seeded_rules").finished() == 0
    assert len(stored("seeded_rules-1").rows()) == 20


@pytest.mark.long
def test_a_seed_of_which_no_request_is_made_goes_to_the_dead(start, shop, client, stored):
    client.rpush("several:start_urls", "2", "0")
    assert start("several").finished() == 0
    assert len(stored("several-1").rows()) == 2
    (dead,) = client.lrange("several:start_urls:dead", 0, -1)
    assert json.loads(dead) == {"seed": "0", "reason": "make_request_from_data made no request of it"}


@pytest.mark.long
def test_a_worker_stays_while_the_job_is_at_work_elsewhere_and_goes_with_the_job(start, shop, client, job):
    idle, busy = start("seeded", REDIS_START_URLS_KEY="nothing"), start("seeded")
    idle.wait_for("Reading seeds")
    busy.wait_for("Reading seeds")
    for number in range(5):
        client.rpush("seeded:start_urls", f"{shop.url}/item/{number}")
        before = job.settled()
        wait_until(lambda before=before: job.settled() > before, what="the page of a seed")
        later = time.monotonic() + 0.7
        wait_until(lambda later=later: time.monotonic() > later, what="some time")
    assert idle.running
    assert [idle.finished(), busy.finished()] == [0, 0]
    assert len(job.rows()) == 5


def test_a_worker_that_waits_for_seeds_goes_when_the_job_is_cancelled(start, job):
    worker = start("seeded", max_idle_time=0)
    wait_until(lambda: job.settled() == 1, what="the end of start()")
    job.ask(lambda frontier: frontier.close("cancelled"))
    worker.finished()
    assert "Spider closed (finished)" in worker.log()


@pytest.mark.long
def test_a_job_that_is_paused_is_not_idle_and_takes_its_seeds_up_again(start, shop, client, job):
    worker = start("seeded")
    wait_until(lambda: job.settled() == 1, what="the end of start()")
    client.hset("crawlery:{seeded-1}:job", "state", "paused")
    worker.wait_for("The job is paused")
    later = time.monotonic() + 3.5
    wait_until(lambda: time.monotonic() > later, what="some time")
    assert worker.running
    client.rpush("seeded:start_urls", f"{shop.url}/item/1")
    client.hset("crawlery:{seeded-1}:job", "state", "running")
    assert worker.finished() == 0
    assert len(job.rows()) == 1


def test_a_key_of_another_type_is_a_message(start, client):
    client.set("seeded:start_urls", "x")
    worker = start("seeded")
    worker.finished()
    assert "The seeds in seeded:start_urls cannot be read (REDIS_START_URLS_AS_SET" in worker.log()
    assert "Traceback" not in worker.log()


def test_seeds_without_a_store_are_a_message(start):
    worker = start("seeded", store="")
    assert worker.finished() == 2
    assert "spider seeded reads its seeds from a store; -s REDIS_URL=redis://HOST:PORT says where" in worker.log()
    assert "Traceback" not in worker.log()


@pytest.mark.long
def test_spider_and_pipeline_of_scrapy_redis_itself_work_too(start, shop, client, stored):
    client.rpush("stock:start_urls", *(f"{shop.url}/item/{number}" for number in range(10)))
    pipelines = json.dumps({"scrapy_redis.pipelines.RedisPipeline": 300})
    worker = start("stock", SCHEDULER="crawler.scheduler.Scheduler", ITEM_PIPELINES=pipelines, SCHEDULER_PERSIST=1)
    assert worker.finished() == 0
    assert len(stored("stock-1").rows()) == client.llen("stock:items") == 10
    assert worker.log().count("SCHEDULER_PERSIST has no meaning here") == 1
