"""`crawlery job publish`, and what `job status`, `job results` and `recipe bands` say before and after it."""

from __future__ import annotations

import pytest
from goods_and_faults import KEYS

BANDS = "quality: {bands: {minimum_runs: 3}, coverage: {name: 90%}}\n"


def run(bench, name, pages=10):
    bench.a_job(name, more=BANDS)
    bench.crawl(pages, name)
    bench.work(bench.ended(name))


@pytest.fixture
def bad(bench):
    for number in range(3):
        run(bench, f"r{number}")
    run(bench, "bad", 7)


def test_a_person_publishes_what_was_withheld_and_everybody_is_told(crawlery, bench, bad, tmp_path):
    status = crawlery("job", "status", "bad").stdout
    assert "band      rows.good: 19 to 21 (median 20 of 3 runs); here 14  <- outside" in status
    assert "coverage  2 of 2 fields are filled everywhere" in status
    refused = crawlery("job", "results", "bad", code=2).stderr
    assert "`crawlery job publish bad --reason TEXT` publishes them" in " ".join(refused.split())
    said = crawlery("job", "publish", "bad", "--reason", "the summer range\n is sold out").stderr
    assert "bad is published" in said
    assert "the summer range is sold out" in said
    crawlery("job", "results", "bad", "-o", "files")
    assert (tmp_path / "files" / "goods.csv").read_text().count("\n") == 15
    assert ": the summer range is sold out" in crawlery("job", "status", "bad").stdout
    assert "bad was withheld, and published" in crawlery("job", "results", "bad").stderr
    assert crawlery("job", "publish", "bad", "--reason", "again").stderr == said
    run(bench, "next", 7)
    assert bench.manifest("next").outcome == "complete"


def test_a_manifest_that_cannot_be_read_keeps_nobody_from_seeing_the_rest(crawlery, bench):
    run(bench, "j")
    bench.objects.put(KEYS.manifest, b"?", content_type="application/json")
    shown = crawlery("job", "status", "j")
    assert "rows      good 20" in shown.stdout
    assert "what it was judged by cannot be told" in shown.stderr


def test_what_need_not_be_published_is_not(crawlery, bench, bad):
    assert "are not withheld" in crawlery("job", "publish", "r0", "--reason", "x", code=2).stderr
    assert "--reason is one line" in crawlery("job", "publish", "bad", "--reason", " ", code=2).stderr
    bench.a_job("goes-on", more=BANDS)
    assert "no files to publish yet" in crawlery("job", "publish", "goes-on", "--reason", "x", code=2).stderr


def test_where_the_next_run_should_be_is_shown(crawlery, bad):
    shown = crawlery("recipe", "bands", "goods").stdout
    assert "newest run bad" in shown
    assert "rows.good: 19 to 21 (median 20 of 3 runs)" in shown
    assert "nothing was learned of other" in crawlery("recipe", "bands", "other").stderr
    assert "nothing was learned of goods" in crawlery("recipe", "bands", "goods", "--here").stderr
