"""Files: declared exports, -O, headers, and Scrapy's other formats."""

from __future__ import annotations

import csv
import json

from loopback import good, goods_recipe


def test_declared_exports_are_written_when_no_feed_is_given(run, tmp_path):
    tail = "exports:\n  - {name: all, item: good, format: csv}\n  - {name: lines, item: good, format: jsonl}\n"
    result = run(goods_recipe(tail=tail))
    with (tmp_path / "out" / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["url", "name", "price"]
    assert sorted(row["price"] for row in rows) == ["1.50", "2.50", "3.50", "4.50", "5.50"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "lines.jsonl").read_text().splitlines()]
    assert len(lines) == 5
    assert len(result.summary.facts.files) == 2


def test_with_a_feed_the_declared_exports_are_not_written(run, tmp_path):
    tail = "exports:\n  - {name: all, item: good, format: csv}\n"
    run(goods_recipe(tail=tail), {"FEEDS": {str(tmp_path / "mine.jsonl"): {"format": "jsonl"}}})
    assert not (tmp_path / "out").exists()
    assert len((tmp_path / "mine.jsonl").read_text().splitlines()) == 5


def test_a_file_has_its_header_even_without_rows(goods, run, tmp_path):
    goods["/"] = "<p>nothing here</p>"
    path = tmp_path / "goods.csv"
    result = run(settings={"FEEDS": {str(path): {"format": "csv"}}})
    assert path.read_text() == "url,name,price\n"
    assert result.summary.outcome == "empty"


def test_appending_writes_no_second_header(run, tmp_path):
    path = tmp_path / "goods.csv"
    for _ in range(2):
        run(settings={"FEEDS": {str(path): {"format": "csv", "overwrite": False}}})
    lines = path.read_text().splitlines()
    assert (len(lines), lines.count("url,name,price")) == (11, 1)


def test_other_feed_formats_of_scrapy_still_work(run, tmp_path):
    path = tmp_path / "goods.json"
    run(settings={"FEEDS": {str(path): {"format": "json"}}})
    assert {row["name"] for row in json.loads(path.read_text())} == {f"Good {number}" for number in range(1, 6)}


def test_a_disk_that_is_full_ends_the_crawl_and_says_so(goods, run):
    for number in range(1, 6):
        goods[f"/g/{number}"] = good("x" * 100_000)
    result = run(settings={"FEEDS": {"/dev/full": {"format": "jsonl", "overwrite": True}}})
    assert result.reason == "export_failed"
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 1)
    assert "rows could not be written: No space left on device" in result.summary.why


def test_a_disk_that_is_full_at_the_very_end_is_told_too(run):
    result = run(settings={"FEEDS": {"/dev/full": {"format": "csv", "overwrite": True}}})
    assert result.reason == "finished"
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 1)
