"""The process in which recipes of strangers are tried: what it is given, what it may use, and what is left of it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from decimal import Decimal

import pytest

from crawler.egress.addresses import EgressPolicy
from crawler.recipe.confinement import MIB
from crawler.recipe.pages_archive import pack_pages
from crawler.trials import process
from crawler.trials.process import LIMITS, TooCostly, TrialRefused, difference, preview

OLD = """\
schema_version: 1
name: chairs
version: "1.0.0"
start: [{urls: "https://shop.test/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1, price: {css: .price, process: [price]}}}}
items: {chair: {version: 1, key: [name], fields: {name: {type: string}, price: {type: decimal}}}}
tests:
  - {page: chair, snapshot: a.html, url: "https://shop.test/a", expect: {rows: 1}}
  - {page: chair, snapshot: b.html, url: "https://shop.test/b", expect: {rows: 1}}
"""
NEW = OLD.replace(".price", ".now").replace("1.0.0", "1.1.0")
PAGE = b"<h1>Oak</h1><p class=price>5.00</p><p class=now>4.50</p>"

#: What takes seconds on `LONG`: each of it would be borne, all of it is too much.
SLOW = "{xpath: '//p[count(preceding::p) > 100000]'}"
ENDLESS = OLD.replace("name: h1", f"name: [{', '.join([SLOW] * 100)}]")
LONG = b"<p>x</p>" * 2_000


def test_two_versions_are_compared_over_the_pages_that_are_there():
    report = difference(OLD, NEW, [pack_pages({"a.html": PAGE})], most=10)
    assert (report["old"]["version"], report["new"]["version"]) == ("1.0.0", "1.1.0")
    assert (report["pages"], report["pages_absent"]) == (1, ["b.html"])
    (one,) = report["differences"]
    assert one["changes"] == [{"path": "price", "old": Decimal("5.00"), "new": Decimal("4.50")}]


def test_a_text_that_is_no_recipe_is_named():
    with pytest.raises(TrialRefused) as caught:
        difference(OLD, "name: x", [], most=10)
    assert caught.value.part == "new"
    assert caught.value.messages[0].startswith("<recipe>")


@pytest.mark.parametrize(("limit", "value"), [("cpu_s", 1), ("wall_s", 0.5)])
def test_who_takes_too_much_time_is_ended_and_leaves_nothing_behind(monkeypatch, tmp_path, limit, value):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(process, "LIMITS", replace(LIMITS, **{limit: value}))
    with pytest.raises(TooCostly):
        difference(ENDLESS, NEW, [pack_pages({"a.html": LONG})], most=10)
    assert list(tmp_path.iterdir()) == []


def test_who_takes_too_much_memory_is_ended(monkeypatch):
    monkeypatch.setattr(process, "LIMITS", replace(LIMITS, memory_bytes=200 * MIB))
    hog = OLD.replace("price: {css: .price, process: [price]}", "price: {template: '" + "{{ item.name }}" * 60 + "'}")
    hog = hog.replace("price: {type: decimal}", "price: {type: string}")
    with pytest.raises(TooCostly):
        difference(hog, NEW, [pack_pages({"a.html": b"<h1>" + b"x y " * 1_000_000})], most=10)


def test_inputs_may_be_whole_numbers_of_any_size():
    text = NEW.replace("start:", "inputs: {big: {type: integer}}\nstart:")
    order = {"recipe_text": text, "inputs": {"big": 10**30}, "url": "https://shop.test/a", "page": None}
    found = preview({**order, "body": PAGE.decode(), "content_type": "text/html"}, EgressPolicy())
    assert found["rows"] == [{"name": "Oak", "price": Decimal("4.50")}]


def test_a_mistake_of_ours_is_not_blamed_on_the_recipe():
    with pytest.raises(RuntimeError, match="KeyError"):
        preview({"recipe_text": NEW}, EgressPolicy())
