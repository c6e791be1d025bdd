"""Recipes of clients that the store has forgotten come back as they were, and nothing comes back that is no more."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from crawler.audit.listing import event_of
from crawler.audit.store import AuditStore
from crawler.catalog.model import CheckReport, RecipeFacts, RecipeVersion, Standing
from crawler.catalog.objects import keep_pages, keep_text, keep_version, kept_pushes, text_sha256
from crawler.catalog.store import Catalog
from crawler.exports.keys import recipe_text_key
from crawler.steward.reimport_recipes import reimport_recipes

FACTS = RecipeFacts(description="goods", items={"good": {"x-version": 1}})


class Shelf:
    """Pushes and judges as the API and a steward do: written down first, then in the store."""

    def __init__(self, bench) -> None:
        self.bench, self.catalog = bench, Catalog(bench.store)
        self._ms = 1_700_000_000_000

    def push(self, version="1.0.0", *, text="text", client="alice", into_store=True, **values) -> RecipeVersion:
        self._ms += 1
        sha256 = keep_text(self.bench.objects, text)
        new = RecipeVersion(client=client, name="goods", version=version, sha256=sha256, pushed_ms=self._ms, **values)
        keep_version(self.bench.objects, new)
        return self.bench.run(self.catalog.push(new, text)) if into_store else new

    def judge(self, read, standing=Standing.PASSED, *, into_store=True) -> RecipeVersion:
        self._ms += 1
        report = CheckReport(problems=("bad",) if standing is Standing.REJECTED else ())
        judged = replace(read, standing=standing, checked_ms=self._ms, report=report)
        keep_version(self.bench.objects, judged, FACTS)
        if into_store:
            seen = self.bench.run(self.catalog.current(read.client, "goods"))
            assert self.bench.run(self.catalog.judge(read, judged, FACTS, seen=seen))
        return judged

    def lose(self) -> None:
        self.bench.run(self.bench.store.command("FLUSHDB"))

    def back(self) -> int:
        return self.bench.run(reimport_recipes(self.bench.ground(name="s1")))

    @property
    def versions(self):
        return self.bench.run(self.catalog.versions("alice", "goods"))

    @property
    def current(self):
        found = self.bench.run(self.catalog.current("alice", "goods"))
        return found and found.version


@pytest.fixture
def shelf(bench):
    return Shelf(bench)


def test_all_of_a_lost_store_is_back_once_and_as_it_was(bench, shelf):
    pages = keep_pages(bench.objects, io.BytesIO(b"pages"))
    for version, standing in (
        ("1.0.0", Standing.PASSED), ("2.0.0", Standing.PASSED), ("1.5.0", Standing.PASSED),
        ("3.0.0", Standing.REJECTED), ("4.0.0", Standing.UNTESTED),
    ):  # fmt: skip
        shelf.judge(shelf.push(version, text=f"text {version}", pages_sha256=pages), standing)
    shelf.push("5.0.0", text="not checked yet")
    shelf.judge(shelf.push(client="bob", text="of bob"))
    before, bobs = shelf.versions, bench.run(shelf.catalog.versions("bob", "goods"))
    shelf.lose()
    assert shelf.versions == ()
    assert shelf.back() == 7
    assert shelf.versions == before
    assert shelf.current == "2.0.0"
    assert bench.run(shelf.catalog.versions("bob", "goods")) == bobs
    assert bench.run(shelf.catalog.text("alice", "goods", "2.0.0")) == "text 2.0.0"
    assert bench.run(shelf.catalog.facts_of([before[0].sha256, before[-1].sha256])) == {before[-1].sha256: FACTS}
    assert [each.version for each in bench.run(shelf.catalog.pending())] == ["5.0.0"]
    noted = [event_of(entry) for entry in bench.run(AuditStore(bench.store).entries())]
    assert {(each.by, each.source) for each in noted} == {("steward", "s1")}
    assert {each.client for each in noted} == {"alice", "bob"}
    assert shelf.back() == 0
    assert len(bench.run(AuditStore(bench.store).entries())) == len(noted)


def test_what_was_pushed_anew_is_back_and_what_it_has_replaced_is_not(bench, shelf):
    shelf.judge(shelf.push(text="wrong"), Standing.REJECTED)
    shelf.judge(shelf.push(text="mended"))
    assert shelf.back() == 0
    before = shelf.versions
    shelf.lose()
    shelf.back()
    assert shelf.versions == before
    assert bench.run(shelf.catalog.text("alice", "goods", "1.0.0")) == "mended"
    shelf.push("2.0.0", text="bare")
    shelf.judge(shelf.versions[0], Standing.UNTESTED)
    shelf.judge(shelf.push("2.0.0", text="bare", forced=True))
    before = shelf.versions
    shelf.lose()
    shelf.back()
    assert shelf.versions == before
    assert shelf.current == "2.0.0"


def test_a_store_that_was_rewound_gets_what_came_later_and_loses_nothing(shelf):
    first = shelf.push(text="wrong")
    second = shelf.push("1.1.0", text="good")
    shelf.judge(first, Standing.REJECTED, into_store=False)
    shelf.judge(second, into_store=False)
    third = shelf.push(text="mended", into_store=False)
    assert shelf.back() == 2
    assert [(each.version, each.standing) for each in shelf.versions] == [
        ("1.1.0", Standing.PASSED), ("1.0.0", Standing.CHECKING),
    ]  # fmt: skip
    assert shelf.versions[1] == third


def test_a_push_that_was_refused_or_cut_short_does_not_replace_what_is_there(bench, shelf, caplog):
    shelf.push(text="cut short", into_store=False)
    kept = shelf.push(text="kept")
    late = shelf.push(text="refused", into_store=False)
    assert shelf.back() == 0
    assert shelf.versions == (kept,)
    passed = shelf.judge(kept)
    assert shelf.back() == 0
    shelf.lose()
    assert shelf.back() == 1
    assert shelf.versions == (passed,)
    assert len(kept_pushes(bench.objects)["alice", "goods"]["1.0.0"]) == 3
    assert late.sha256 != passed.sha256
    assert shelf.back() == 0
    assert "cannot be brought back" not in caplog.text


def test_a_push_whose_api_died_before_the_store_knew_of_it_is_checked(bench, shelf):
    new = shelf.push(into_store=False)
    assert shelf.back() == 1
    assert shelf.versions == (new,)
    assert [each.version for each in bench.run(shelf.catalog.pending())] == ["1.0.0"]


def test_a_record_that_cannot_be_used_keeps_no_other_one_waiting(bench, shelf, caplog):
    shelf.judge(shelf.push("1.0.0", text="a"))
    shelf.judge(shelf.push("1.1.0", text="b"))
    shelf.judge(shelf.push("1.2.0", text="c"))
    shelf.lose()
    pushes = kept_pushes(bench.objects)["alice", "goods"]
    bench.objects.put(pushes["1.1.0"][0].key, b"no record", content_type="text/plain")
    other = bench.objects.get(pushes["1.2.0"][0].key)
    bench.objects.put(pushes["1.2.0"][0].key.replace("alice", "mallory"), other, content_type="application/json")
    shelf.judge(shelf.push("1.3.0", text="d"))
    bench.objects.put(recipe_text_key(text_sha256("d")), b"another", content_type="application/yaml")
    shelf.lose()
    assert shelf.back() == 2
    assert [each.version for each in shelf.versions] == ["1.2.0", "1.0.0"]
    assert bench.run(shelf.catalog.versions("mallory", "goods")) == ()
    assert "Recipe goods 1.1.0 of alice cannot be brought back" in caplog.text
    assert "Recipe goods 1.2.0 of mallory cannot be brought back" in caplog.text
