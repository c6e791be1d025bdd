"""Rows on their way out: keys, unique values, and what is rejected."""

from __future__ import annotations

import json

from loopback import good, goods_recipe


def test_rejected_rows_are_counted_by_field_and_rule_and_kept_beside_the_output(goods, run, tmp_path):
    goods["/g/2"] = "<p>no name</p>"
    goods["/g/3"] = good("Three", "-1")
    goods["/g/4"] = good("Four", "cheap")
    output = tmp_path / "goods.csv"
    result = run(settings={"FEEDS": {str(output): {"format": "csv", "overwrite": True}}})
    assert len(result.items) == 2
    assert result.stats["recipe/rejected/good/name/required"] == 1
    assert result.summary.as_dict()["rejects"] == {"good": {"name: required": 1, "price: minimum": 1, "price: type": 1}}
    kept = [json.loads(line) for line in (tmp_path / "goods.rejects.jsonl").read_text().splitlines()]
    assert {reject["url"] for reject in kept} == {f"{goods.url}/g/{number}" for number in (2, 3, 4)}
    assert kept[0]["item"] == "good"
    assert {"field", "rule", "message"} == kept[0]["reasons"][0].keys()
    assert str(tmp_path / "goods.rejects.jsonl") in result.summary.text()


def test_there_is_no_rejects_file_without_rejects(run, tmp_path):
    run(settings={"FEEDS": {str(tmp_path / "goods.csv"): {"format": "csv"}}})
    assert [path.name for path in tmp_path.iterdir()] == ["goods.csv"]


def test_a_row_whose_key_was_there_is_dropped_and_counted(goods, run):
    goods["/g/2"] = good("Good 1")
    result = run(goods_recipe().replace("key: [url]", "key: [name]"))
    assert len(result.items) == 4
    assert result.summary.facts.duplicates == {"good": 1}
    assert result.stats["recipe/duplicates/good"] == 1


def test_rows_of_a_contract_without_a_key_are_no_duplicates_of_each_other(goods, run):
    result = run(goods_recipe().replace("    key: [url]\n", ""))
    assert len(result.items) == 5
    assert not result.summary.facts.duplicates


def test_a_unique_value_that_was_there_is_a_reject(goods, run):
    unique = "name: {type: string, required: true, unique: true}"
    goods["/g/2"] = good("Good 1", "7")
    result = run(goods_recipe().replace("name: {type: string, required: true}", unique))
    assert len(result.items) == 4
    assert result.summary.as_dict()["rejects"] == {"good": {"name: unique": 1}}
    assert result.rejects[0].values["price"]
