"""A site that keeps a fleet out pauses its job, which says why; resumed, it goes on and has lost nothing."""

from __future__ import annotations

import pytest
import redis
from click.testing import CliRunner
from terminals import LISTS, PER_LIST, wait_until

from crawler.cli.main import cli

IN_A_ROW = 6

#: The product that the spiders' pipeline drops.
UNLUCKY = 13

SETTINGS = {"BLOCKED_IN_A_ROW": IN_A_ROW, "RETRY_BACKOFF_MIN": 0.1, "RETRY_BACKOFF_MAX": 1.0, "RETRY_TIMES": 20}


@pytest.fixture
def crawlery(valkey, tmp_path, monkeypatch):
    """`crawlery job ...` on the store of the fleet; answers what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey.url)

    def run(*words):
        result = CliRunner().invoke(cli, ["job", *words])
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.mark.long
def test_a_fleet_that_is_kept_out_is_paused_and_loses_nothing_by_it(shop, start, stored, crawlery, valkey):
    shop.walled = True
    workers = [start("hand", job="j1", **SETTINGS) for _ in range(2)]
    for worker in workers:
        worker.wait_for("of job j1 at")
    records = redis.Redis.from_url(valkey.url)
    wait_until(lambda: records.hget("crawlery:{j1}:job", "state") == b"paused", what="the pause")
    records.close()
    said = " ".join(crawlery("status", "j1").split())
    assert f"why 127.0.0.1 keeps us out: {IN_A_ROW} answers without a page that could be read" in said
    assert "(the last one: challenge page (cf-mitigated: challenge)); resume the job when" in said
    books = stored("j1").ledger()
    assert books.balanced
    assert "blocked" not in books.settled
    assert books.retries >= IN_A_ROW
    workers[0].wait_for("The job is paused: no pages are given out until it goes on (127.0.0.1 keeps us out")
    shop.walled = False
    crawlery("resume", "j1")
    assert [worker.finished() for worker in workers] == [0, 0]
    assert shop.challenges >= IN_A_ROW
    books = stored("j1").ledger()
    assert (books.closed, books.settled["ok"]) == ("finished", 1 + 1 + 1 + LISTS + LISTS * PER_LIST)
    urls = [row["url"] for row in stored("j1").rows() if "/item/" in row["url"]]
    kept = [number for number in range(LISTS * PER_LIST) if number != UNLUCKY]
    assert sorted(urls) == sorted(f"{shop.url}/item/{number}" for number in kept)
