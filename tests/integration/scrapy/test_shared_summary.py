"""What a worker of a shared job says at its end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from loopback import good, goods_recipe, html

from crawler.errors import ConfigError
from crawler.extensions.summary import Summary


@pytest.fixture
def share(goods, run, valkey):
    """Crawls as one worker of job j1."""

    def crawl(text=None, **settings):
        return run(text, settings={"REDIS_URL": valkey.url, **settings}, job="j1")

    return crawl


def test_a_worker_tells_its_part_and_the_books_and_judges_no_quality(share):
    result = share(goods_recipe(tail="quality: {items: {minimum: 900}}"))
    facts = result.summary.facts
    assert (result.summary.outcome, result.summary.exit_code) == ("complete", 0)
    assert (facts.outcomes, facts.rows) == ({"ok": 8}, {"good": 5})
    assert (facts.job.id, facts.job.ended, facts.job.accepted, facts.job.open) == ("j1", "finished", 9, 0)
    assert (facts.job.settled, facts.job.rows) == ({"ok": 9}, {"good": 5})
    assert facts.fields["good"]["name"].filled == 5


def test_rows_that_the_frontier_does_not_keep_do_not_count(goods, share):
    goods["/g/2"] = good("Good 1")
    facts = share(goods_recipe().replace("key: [url]", "key: [name]")).summary.facts
    assert facts.rows == facts.job.rows == {"good": 4}
    assert facts.duplicates == {"good": 1}


def test_failed_pages_and_lost_lists_of_this_worker_are_named(goods, share):
    goods["/g/2"] = html("gone", status=404)
    goods["/?page=2"] = html("no", status=403)
    result = share()
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)
    assert result.summary.facts.failures == {
        "http_404": (f"{goods.url}/g/2",),
        "http_4xx": (f"{goods.url}/?page=2",),
    }
    assert result.summary.facts.reasons[f"{goods.url}/g/2"] == "status 404"


def test_a_limit_of_the_job_is_told(share):
    result = share(REQUESTS_LIMIT=3)
    assert result.summary.facts.limit == "limits.requests"
    assert result.summary.facts.job.ended == "limits.requests"
    assert result.summary.facts.job.settled["cancelled"] > 0


def test_a_limit_that_another_worker_has_reached_is_told_too(share):
    result = share()
    job = replace(result.summary.facts.job, ended="limits.items")
    assert result.crawler.get_extension(Summary)._limit("finished", job) == "limits.items"


def test_a_file_of_a_worker_is_remarked(share, tmp_path, caplog):
    share(FEEDS={str(tmp_path / "rows.csv"): {"format": "csv"}})
    remarks = [record.getMessage() for record in caplog.records if "crawlery job rows" in record.getMessage()]
    assert any(remark.startswith("A file that a worker writes") for remark in remarks)


def test_a_job_that_has_ended_is_not_crawled_again(share):
    share()
    with pytest.raises(ConfigError, match="job j1 takes no more pages"):
        share()
