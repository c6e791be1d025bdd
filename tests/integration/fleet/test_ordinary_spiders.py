"""Hand-written spiders that share a job: nothing is lost, nothing is doubled, also when a worker is killed."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from terminals import LISTS, PER_LIST, wait_until

KINDS = ("dict", "Chair", "Table", "Lamp")


def expected_rows(site):
    rows = [
        {
            "item": KINDS[number % PER_LIST % 4],
            "url": f"{site}/item/{number}",
            "name": f"Item {number}",
            "price": number + 0.5,
            "found_on": number // PER_LIST,
        }
        for number in range(LISTS * PER_LIST)
        if not str(number).endswith("13")
    ]
    rows.append({"item": "dict", "url": f"{site}/search", "name": "Stool", "price": 9.5, "found_on": -1})
    rows.append({"item": "dict", "url": f"{site}/missing", "failed": "HttpError"})
    return rows


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def test_two_workers_give_each_row_once_whatever_items_are_made_of(start_two, stored, shop):
    workers = start_two("hand", job="j1")
    assert [worker.finished() for worker in workers] == [0, 0], workers[0].log()
    assert counted(stored("j1").rows()) == counted(expected_rows(shop.url))
    assert set(shop.hits.values()) == {1}
    assert stored("j1").ledger().settled == {"ok": LISTS * PER_LIST + LISTS + 3, "http_404": 1}


@pytest.mark.long
@pytest.mark.parametrize("restarted", [False, True])
def test_a_worker_that_is_killed_in_mid_crawl_loses_and_doubles_nothing(start, stored, shop, restarted):
    def worker(name):
        return start("hand", job="j1", USER_AGENT=name, LEASE_TTL=2)

    shop.delay_s = 0.1  # so that something is left for whoever comes
    victim, other = worker("victim"), worker("other")
    wait_until(lambda: min(shop.visits["victim"], shop.visits["other"]) > 3, what="two workers that are at work")
    victim.kill()
    assert stored("j1").ledger().closed == ""
    workers = [other]
    if restarted:
        shop.delay_s = 0.2
        workers.append(worker("restarted"))
        wait_until(lambda: shop.visits["restarted"] > 0, what="a request of the restarted worker")
    shop.delay_s = 0.0
    assert [worker.finished() for worker in workers] == [0] * len(workers), other.log()
    assert counted(stored("j1").rows()) == counted(expected_rows(shop.url))
    assert stored("j1").ledger().balanced


@pytest.mark.long
def test_a_job_that_was_killed_and_then_stopped_goes_on_and_the_run_after_its_end_is_a_new_one(start, stored, shop):
    shop.delay_s = 0.05
    first = start("hand", LEASE_TTL=2)
    wait_until(lambda: stored("hand-1").settled() > 10, what="pages that have an outcome")
    first.kill()
    second = start("hand", LEASE_TTL=2)
    so_far = stored("hand-1").settled()
    wait_until(lambda: stored("hand-1").settled() > so_far + 10, what="pages of the second one")
    second.interrupt()
    assert stored("hand-1").ledger().closed == ""
    shop.delay_s = 0.0
    assert start("hand").finished() == 0
    assert counted(stored("hand-1").rows()) == counted(expected_rows(shop.url))
    assert start("hand").finished() == 0
    assert counted(stored("hand-2").rows()) == counted(expected_rows(shop.url))


def test_start_counts_once_though_both_workers_run_it(start_two, stored, shop):
    workers = start_two("urls", job="j1")
    assert [worker.finished() for worker in workers] == [0, 0]
    urls = ["start", *(f"{shop.url}/list/{page}" for page in range(3))]
    assert sorted(row["url"] for row in stored("j1").rows()) == sorted(urls)
    assert set(shop.hits.values()) == {1}


def test_a_worker_that_is_killed_within_start_loses_and_doubles_no_page_though_the_next_one_gives_them_backwards(
    start, stored, shop
):
    victim = start("shuffled", job="j1", LEASE_TTL=1, FORWARDS=1)
    wait_until(lambda: stored("j1").settled() == 3, what="the pages of the first half of start()")
    victim.kill()
    assert start("shuffled", job="j1", LEASE_TTL=1).finished() == 0
    assert shop.hits == {f"/list/{page}": 1 for page in range(6)}
    assert stored("j1").ledger().settled == {"ok": 7}


def test_a_callback_that_cannot_travel_is_refused_with_a_message(start, stored, shop):
    worker = start("lambdas", job="j1")
    worker.finished()
    assert f"{shop.url}/list/1 cannot travel to other workers: its callback" in worker.log()
    assert "is no method of spider 'lambdas'; make it one" in worker.log()
    assert stored("j1").ledger().settled == {"ok": 1, "page_error": 1}
    assert "/list/1" not in shop.hits


def test_without_a_filter_each_request_is_a_page_also_where_workers_share(start, stored, shop):
    assert start("twice", job="j1", DUPEFILTER_CLASS="scrapy.dupefilters.BaseDupeFilter").finished() == 0
    assert shop.hits == {"/list/0": 2}
    assert len(stored("j1").rows()) == 2


def test_with_the_filter_of_scrapy_redis_a_page_is_crawled_once(start, stored, shop):
    assert start("twice", job="j1", DUPEFILTER_CLASS="scrapy_redis.dupefilter.RFPDupeFilter").finished() == 0
    assert shop.hits == {"/list/0": 1}
    assert len(stored("j1").rows()) == 1


def test_a_filter_that_is_none_is_a_message(start):
    worker = start("twice", DUPEFILTER_CLASS="nowhere.Filter")
    assert worker.finished() == 2
    assert "DUPEFILTER_CLASS is 'nowhere.Filter', which cannot be loaded" in worker.log()
    assert "Traceback" not in worker.log()


@pytest.mark.parametrize(
    ("spider", "settings", "message"),
    [
        ("urls", {"REDIS_PARAMS": '{"foo":1}'}, "REDIS_URL or REDIS_PARAMS cannot be used"),
        ("urls", {"LEASE_TTL": "abc"}, "LEASE_TTL is 'abc'; it must be a number"),
        ("urls", {"CONCURRENT_REQUESTS": "abc"}, "CONCURRENT_REQUESTS is 'abc'; it must be a whole number"),
        ("seeded", {"REDIS_ENCODING": "klingon"}, "there is no such encoding"),
        ("seeded", {"REDIS_PARAMS": "[1"}, "REDIS_PARAMS is no dict"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line_and_a_status_of_their_own(start, spider, settings, message):
    worker = start(spider, **settings)
    assert worker.finished() == 2
    (line,) = worker.log().splitlines()[-1:]
    assert message in line
    assert "Traceback" not in worker.log()
