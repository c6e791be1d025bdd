"""The process in which recipes of strangers are tried: what it is given, what it may use, and what is left of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.recipe.pages_archive import pack_pages
from crawler.trials import process
from crawler.trials.process import TooCostly, TrialRefused, difference

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

#: What would take minutes on `LONG`.
ENDLESS = OLD.replace("name: h1", "name: {xpath: 'count(//p[count(preceding::p[count(preceding::p) > 0]) > 0])'}")
LONG = b"<p>x</p>" * 15_000


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


@pytest.mark.parametrize(("limit", "value"), [("MAX_CPU_S", 1), ("MAX_CLOCK_S", 0.5)])
def test_who_takes_too_much_time_is_ended(monkeypatch, limit, value):
    monkeypatch.setattr(process, limit, value)
    with pytest.raises(TooCostly):
        difference(ENDLESS, NEW, [pack_pages({"a.html": LONG})], most=10)


def test_who_takes_too_much_memory_is_ended(monkeypatch):
    monkeypatch.setattr(process, "MAX_MEMORY_BYTES", 120 * 1024 * 1024)
    with pytest.raises(TooCostly):
        difference(OLD, NEW, [bytes(64 * 1024 * 1024)], most=10)
