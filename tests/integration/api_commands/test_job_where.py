"""Whether the API or a store is asked, and what is said when that is not clear."""

from __future__ import annotations

import pytest

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


@pytest.fixture
def jobs(api):
    api.on("GET", "/v1/jobs", {"jobs": [], "next": None})
    return api


def test_a_store_that_is_named_is_asked_itself(jobs, crawlery, valkey):
    crawlery("job", "list", "--redis-url", valkey.url)
    crawlery("job", "list", REDIS_URL=valkey.url)
    crawlery("job", "list", "--prefix", "other", REDIS_URL=valkey.url)
    assert not jobs.requests


def test_otherwise_the_api_is(jobs, crawlery, valkey):
    crawlery("job", "list")
    crawlery("job", "list", "--api-url", jobs.url, REDIS_URL=valkey.url)
    assert len(jobs.requests) == 2


def test_the_running_platform_is_asked_through_its_api(jobs, nobody):
    nobody.platform(jobs.url, "of-the-platform")
    nobody("job", "list")
    assert len(jobs.requests) == 1


def test_a_running_platform_without_an_api_is_asked_in_its_store(nobody, valkey):
    (nobody.folder / "crawlery-data").mkdir()
    (nobody.folder / "crawlery-data" / "platform.env").write_text(f"REDIS_URL={valkey.url}\n")
    assert "there is no job yet" in nobody("job", "list").stderr
    assert "which API?" in nobody("job", "list", "--json", code=2).stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("list", "--redis-url", "redis://127.0.0.1:1", "--api-url", "http://127.0.0.1:1"), "which of the two?"),
        (("list", "--prefix", "other"), "--prefix is of a store"),
        (("status", "j", "--json", "--redis-url", "redis://127.0.0.1:1"), "--json is what the API says"),
        (("rows", "j"), "rows are read from the store itself: --redis-url"),
    ],
)
def test_what_does_not_go_together_is_told(crawlery, words, says):
    assert says in crawlery("job", *words, code=2).stderr


def test_without_both_it_is_told_how_either_is_named(nobody):
    said = nobody("job", "list", code=2).stderr
    assert "`crawlery login --url https://HOST`" in said
    assert "--redis-url redis://HOST:PORT/DB, or REDIS_URL in the environment" in said
