"""What a crawl says of itself at its end."""

from __future__ import annotations

import asyncio
import json

from loopback import goods_recipe, html
from scrapy import signals


def test_alternatives_that_won_are_in_the_summary(goods, run):
    goods["/g/2"] = '<h1>Good 2</h1><b class="sale">1</b><b class="price">2</b>'
    result = run()
    assert result.summary.as_dict()["alternatives"] == {"good.price": {"1: b.sale": 1, "2: b.price": 4}}
    assert result.stats["recipe/alternative/good/price/2"] == 4
    assert str(next(item for item in result.items if item["name"] == "Good 2")["price"]) == "1"


def test_too_few_rows_or_too_many_rejects_fail_the_quality(goods, run):
    result = run(goods_recipe(tail="quality: {items: {minimum: 6}}"))
    assert (result.summary.outcome, result.summary.exit_code) == ("quality_failed", 4)
    assert "quality.items.minimum is 6; there are 5 rows" in result.summary.why
    goods["/g/2"] = "<p>no name</p>"
    result = run(goods_recipe(tail="quality: {rejected: {maximum: 10%}}"))
    assert result.summary.outcome == "quality_failed"
    assert "20.0% of the rows were rejected (1)" in result.summary.why[0]
    assert run(goods_recipe(tail="quality: {rejected: {maximum: 1}}")).summary.outcome == "complete"


def test_an_empty_result_names_its_likely_cause(goods, run):
    goods["/"] = '<script src="app.js"></script><div id="root"></div>'
    result = run()
    assert result.summary.outcome == "empty"
    assert "listing: `a.l` matched 0 on 1 page (status 200" in result.summary.cause
    assert "probably rendered by JavaScript" in result.summary.cause


def test_an_empty_result_because_of_the_start_page_says_so(goods, run):
    goods["/"] = html("no", status=403)
    result = run()
    assert "no page could be read" in result.summary.cause
    assert "status 403" in result.summary.cause


def test_an_empty_result_because_of_rejects_says_so(goods, run):
    for number in range(1, 6):
        goods[f"/g/{number}"] = "<p>no name</p>"
    assert "all 5 rows were rejected: name: required (5)" in run().summary.cause


def test_the_summary_is_written_as_json(goods, run, tmp_path):
    path = tmp_path / "deep" / "summary.json"
    run(settings={"SUMMARY_FILE": str(path)})
    summary = json.loads(path.read_text())
    assert summary["outcome"] == "complete"
    assert summary["pages"] == 8
    assert summary["rows"] == {"good": 5}
    assert {"rejects", "failures", "alternatives", "elapsed_s", "recipe_version"} <= summary.keys()


def test_a_cancelled_crawl_keeps_its_rows_and_says_so(goods, run, tmp_path):
    path = tmp_path / "goods.jsonl"
    stopped = []

    class Stopper:
        def __init__(self, crawler):
            self.crawler = crawler
            crawler.signals.connect(self.item_scraped, signal=signals.item_scraped)

        @classmethod
        def from_crawler(cls, crawler):
            return cls(crawler)

        def item_scraped(self):
            if not stopped:
                stopped.append(asyncio.get_running_loop().create_task(self.crawler.stop_async()))

    settings = {"FEEDS": {str(path): {"format": "jsonl"}}, "EXTENSIONS": {Stopper: 1}}
    result = run(settings=settings)
    assert (result.summary.outcome, result.summary.exit_code) == ("cancelled", 130)
    assert len(path.read_text().splitlines()) == len(result.items) >= 1
    assert result.outcomes.get("cancelled", 0) >= 1
