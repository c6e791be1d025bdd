"""What earlier crawls on this machine were like: complete ones teach, and nothing here fails a crawl."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crawler.extensions.crawl_summary import CrawlFacts, JobFacts, judge
from crawler.extensions.local_history import LocalHistory
from crawler.recipe.quality_plan import BandsRule, Quality


def spider(bands=BandsRule(minimum_runs=3), **inputs):  # noqa: B008 - a frozen value
    return SimpleNamespace(recipe=SimpleNamespace(name="shop", quality=Quality(bands=bands)), inputs=inputs)


def facts(rows=100, **values):
    return CrawlFacts(**{"name": "shop", "is_recipe": True, "outcomes": {"ok": 9}, "rows": {"a": rows}} | values)


def crawl(history, rows=100, *, of=None, **values):
    of = of or spider()
    found = facts(rows, **values)
    summary = judge(found, of.recipe.quality, history.bands_of(of, found))
    history.remember(of, summary)
    return summary


@pytest.fixture
def history(tmp_path):
    return LocalHistory(tmp_path / "history")


def test_a_crawl_that_has_lost_rows_fails_once_there_are_enough_to_compare_with(history):
    assert [crawl(history).outcome for _ in range(3)] == ["complete"] * 3
    summary = crawl(history, 70)
    assert (summary.outcome, summary.exit_code) == ("quality_failed", 4)
    assert summary.why == (
        "quality.bands: 70 rows of a; the last 3 whole runs had 100 (median), so 95 to 105 is expected",
    )
    assert crawl(history, 96).outcome == "complete"


def test_what_failed_or_lost_a_page_or_had_other_inputs_teaches_nothing(history):
    crawl(history, outcomes={"ok": 9, "timeout": 1})
    crawl(history, outcomes={"ok": 9, "http_404": 1}, item_errors=1)
    crawl(history, of=spider(site="other"))
    crawl(history, finish_reason="shutdown")
    crawl(history)
    crawl(history, outcomes={"ok": 99, "http_404": 1})
    assert crawl(history, 1).bands.sentence == "nothing is compared before 3 whole runs; there were 2 so far"


def test_a_crawl_that_was_cut_short_is_compared_with_none(history):
    for _ in range(4):
        crawl(history)
    found = crawl(history, 5, limit="limits.items")
    assert (found.outcome, found.bands.bands) == ("complete", ())
    assert "did not come to its own end" in found.text()


def test_the_summary_says_that_it_is_as_ever(history):
    for _ in range(3):
        crawl(history)
    found = crawl(history)
    assert "bands     3 of 3 figures are as in the last 3 whole crawls" in found.text()
    assert found.as_dict()["bands"]["bands"][0]["figure"] == "rows.a"


def test_a_recipe_without_bands_leaves_nothing_behind(history, tmp_path):
    crawl(history, of=spider(bands=None))
    assert not (tmp_path / "history").exists()


def test_a_worker_of_a_job_is_not_compared(history):
    assert history.bands_of(spider(), facts(job=JobFacts(id="j", worker="w"))) is None


def test_a_folder_that_cannot_be_written_fails_no_crawl(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    history = LocalHistory(tmp_path / "file")
    assert crawl(history).outcome == "complete"
    assert "cannot be kept" in caplog.text or "cannot be read" in caplog.text
