"""Pages that failed are told by outcome, a page of them at a time."""

from __future__ import annotations

import pytest
from clocked_store import ClockedStore

from crawler.frontier.contract import FrontierRequest, PageCommit
from crawler.frontier.failures import RedisFailures
from crawler.frontier.redis import RedisFrontier


@pytest.fixture
def store(valkey):
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def failures(store):
    return store.face(RedisFailures(store.store, job="j"))


@pytest.fixture
def failed(store):
    """Five pages that failed, of two kinds in turn."""
    frontier = store.face(RedisFrontier(store.store, job="j", ttl_s=60))
    frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x") for number in range(2, 7)])
    leases = frontier.lease(worker="w", call=1, limit=9, ttl_s=60).leases
    outcomes = ("timeout", "http_404")
    commits = [
        PageCommit(lease=lease, outcome=outcomes[at % 2], url=f"http://a/{at}", reason="because")
        for at, lease in enumerate(leases)
    ]
    frontier.commit(commits)


def every(failures, **asked):
    pages = [failures.page(**asked)]
    while pages[-1].next:
        pages.append(failures.page(after=pages[-1].next, **asked))
    return [[failure.url for failure in page.failures] for page in pages]


@pytest.mark.usefixtures("failed")
def test_all_are_told_once_however_few_come_at_a_time(failures, monkeypatch):
    urls = [f"http://a/{at}" for at in range(5)]
    assert every(failures, limit=5) == [urls]
    monkeypatch.setattr("crawler.frontier.failures._AT_ONCE", 2)
    assert every(failures, limit=2) == [urls[:2], urls[2:4], urls[4:]]


@pytest.mark.usefixtures("failed")
def test_those_of_one_outcome_are_told_alone(failures):
    assert every(failures, limit=2, outcome="timeout") == [["http://a/0", "http://a/2"], ["http://a/4"]]
    assert every(failures, limit=9, outcome="poison") == [[]]


def test_a_job_without_failures_has_none(failures):
    assert every(failures, limit=9) == [[]]
