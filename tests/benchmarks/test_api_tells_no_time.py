"""Times tell nothing: not whether somebody else has a job, nor whether a key exists.

Run by `make bench-api`: times are those of a machine that does nothing else. Calls of two kinds in turn, in random
order, over a connection that stays; the slowest twentieth of each is left out; then Welch's t.
"""

from __future__ import annotations

import http.client
import math
import random
import time
from statistics import fmean, variance
from urllib.parse import urlsplit

import pytest
from api_people import in_store, new_people
from api_process import ApiProcess

from crawler.access.keys import _checksum
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

PAIRS = 5_000
CUT = 0.05

#: Beyond it the two kinds are told apart, as tests for leaks of time take it.
LIMIT_T = 4.5

BOBS, NOBODYS = "b" * 26, "n" * 26


@pytest.fixture
def quiet(new_valkey, tmp_path):
    store = new_valkey(appendfsync=None)
    people = new_people(store.url, rate_limit="9999999/second")
    job = Job(id=BOBS, client="bob", recipe="shop", recipe_text="name: shop", secret=bytes(32))
    in_store(store.url, lambda _, opened: RedisJobStore(opened).create(job))
    process = ApiProcess(
        tmp_path / "api",
        redis_url=store.url,
        storage={"STORAGE_URL": f"file://{tmp_path}/files"},
        API_FAILURE_LIMIT="9999999/second",
        CRAWLERY_LOG_LEVEL="WARNING",
    )
    process.start()
    yield process, people
    process.kill()


def wrong(key: str, *, key_id: str) -> str:
    """A key that is well-formed, of that id and with another secret."""
    secret = key[18:61][::-1]
    return f"ck_live_{key_id}_{secret}{_checksum(key_id, secret)}"


def welch(first: list[float], second: list[float]) -> float:
    cut = [sorted(each)[: int(len(each) * (1 - CUT))] for each in (first, second)]
    spread = sum(variance(each) / len(each) for each in cut)
    return (fmean(cut[0]) - fmean(cut[1])) / math.sqrt(spread)


def measured(process, status: int, *calls) -> tuple[float, float]:
    """Welch's t of two kinds of calls (path and key of each), and how many microseconds they differ by."""
    where = urlsplit(process.url)
    connection = http.client.HTTPConnection(where.hostname, where.port)
    took: tuple[list[float], list[float]] = ([], [])
    order = [0, 1]
    for turn in range(PAIRS + 200):
        random.shuffle(order)
        for kind in order:
            path, key = calls[kind]
            began = time.perf_counter_ns()
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            answer.read()
            if turn >= 200:  # before that everything warms up
                took[kind].append((time.perf_counter_ns() - began) / 1000)
            assert answer.status == status
    connection.close()
    return welch(*took), fmean(took[0]) - fmean(took[1])


@pytest.mark.parametrize("what", ["", "/results", "/failures"])
def test_a_job_of_somebody_else_takes_as_long_as_none(what, quiet):
    process, people = quiet
    t, differ_us = measured(
        process, 404, (f"/v1/jobs/{BOBS}{what}", people.alice), (f"/v1/jobs/{NOBODYS}{what}", people.alice)
    )
    print(f"\nanother client's job{what} and none: t = {t:.2f}, {differ_us:+.1f} us")
    assert abs(t) < LIMIT_T


def test_a_key_that_exists_with_a_wrong_secret_takes_as_long_as_none(quiet):
    process, people = quiet
    known, unknown = (wrong(people.alice, key_id=key_id) for key_id in (people.alice[8:16], "aaaaaaaa"))
    t, differ_us = measured(process, 401, ("/v1/me", known), ("/v1/me", unknown))
    print(f"\na key that exists and none: t = {t:.2f}, {differ_us:+.1f} us")
    assert abs(t) < LIMIT_T
