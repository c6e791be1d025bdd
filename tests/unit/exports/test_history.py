"""What earlier runs were like: written once however often, read though one of both places was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.exports.bands import BandsInForce
from crawler.exports.figures import Figures
from crawler.exports.history import (
    RunRecord,
    decode_record,
    earlier_runs,
    encode_record,
    learned_of_recipe,
    read_records,
    record_of,
    series_of_recipe,
    write_record,
)
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import Judged, LedgerSummary, Manifest, publish
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.overrides import Override, manifest_sha256, put_override
from crawler.exports.series import series_id
from crawler.jobs.model import Outcome, State
from crawler.recipe.quality_plan import BandsRule

RULE = BandsRule(minimum_runs=3)
SERIES = series_id("acme", "shop", {})
KEYS = JobKeys("acme", "j1")


def manifest(job="j1", at=1, **values):
    judged = Judged(figures=Figures(rows={"a": 5}), bands=BandsInForce(series=SERIES, rule=RULE))
    facts = {
        "job": job, "client": "acme", "recipe": "shop", "state": State.SUCCEEDED, "outcome": Outcome.COMPLETE,
        "judged": judged, "created_ms": at,
    }  # fmt: skip
    return Manifest(**facts | values)


WITHHELD = {"state": State.FAILED, "outcome": Outcome.QUALITY_FAILED, "withheld": True}


def record(job="j1", at=1, **values):
    return replace(record_of(manifest(job, at)), **values)


def read(objects, most=20, copies=None):
    return read_records(objects, "acme", "shop", SERIES, most=most, copies=copies or {})


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": Outcome.PARTIAL, "ledger": LedgerSummary(settled={"ok": 9, "timeout": 1})},
        {"outcome": Outcome.PARTIAL, "ledger": LedgerSummary(settled={"ok": 9}, unfetched=("5 pages",))},
        {"outcome": Outcome.EMPTY},
        {"state": State.CANCELLED},
        {"state": State.EXPIRED, "outcome": Outcome.PARTIAL},
        {"joined": ("j0",)},
        {"judged": Judged()},
    ],
)
def test_a_run_that_is_not_whole_or_was_compared_with_nothing_leaves_nothing(values):
    assert record_of(manifest(**values)) is None


def test_a_run_whose_only_failures_are_pages_that_do_not_exist_teaches():
    books = LedgerSummary(settled={"ok": 9, "http_404": 1, "timeout": 0, "robots": 3})
    assert record_of(manifest(outcome=Outcome.PARTIAL, ledger=books)) is not None


def test_a_record_is_made_of_the_manifest_alone():
    found = record_of(manifest())
    assert found == RunRecord(
        job="j1", client="acme", recipe="shop", series=SERIES, at_ms=1, figures=Figures(rows={"a": 5}), rule=RULE
    )
    assert found.key == f"-runs/acme/shop/{SERIES}/000000000000001-j1.json"
    assert decode_record(encode_record(found)) == found


@pytest.mark.parametrize("encoded", [b"", b"{}", b"null", b'{"v":2}'])
def test_what_is_no_record_is_left_out(encoded):
    assert decode_record(encoded) is None


def test_a_record_of_a_newer_version_is_left_out():
    assert decode_record(encode_record(record(v=2))) is None


def test_written_twice_it_is_there_once(objects):
    write_record(objects, record())
    write_record(objects, record())
    assert read(objects) == [record()]


def test_the_newest_runs_are_read_the_oldest_of_them_first(objects):
    for number in range(9):
        write_record(objects, record(f"j{number}", at=100 - number))
    assert [each.job for each in read(objects, most=3)] == ["j2", "j1", "j0"]


def test_a_run_that_was_withheld_teaches_nothing_and_leaves_room_for_others(objects):
    write_record(objects, record("good", at=1))
    write_record(objects, record("bad", at=2, withheld=True))
    found = read(objects, most=1)
    assert [each.job for each in found] == ["good", "bad"]
    assert [run.job for run in earlier_runs(found)] == ["good"]


def test_a_run_that_a_person_has_published_teaches_though_nobody_had_time_to_note_it(objects):
    publish(objects, KEYS, manifest(**WITHHELD))
    write_record(objects, record_of(manifest(**WITHHELD)))
    assert earlier_runs(read(objects)) == []
    sha256 = manifest_sha256(objects, KEYS)
    put_override(
        objects,
        KEYS,
        Override(job="j1", client="acme", manifest_sha256=sha256, by="alice", reason="right", at_ms=9),
    )
    (found,) = earlier_runs(read(objects))
    assert (found.job, found.is_overridden) == ("j1", True)


def test_what_only_the_store_has_is_read_too_and_a_copy_saves_a_look(objects):
    write_record(objects, record("j1", at=1))
    write_record(objects, record("j2", at=2))
    copies = {"j2": record("j2", at=2, figures=Figures(rows={"a": 7})), "j3": record("j3", at=3)}
    found = read(objects, copies=copies)
    assert [(each.job, each.figures.rows["a"]) for each in found] == [("j1", 5), ("j2", 7), ("j3", 5)]


def test_a_job_is_not_compared_with_itself():
    assert earlier_runs([record("j1"), record("j2")], but="j1") == earlier_runs([record("j2")])


def test_of_a_long_series_the_oldest_runs_are_forgotten(objects, monkeypatch):
    monkeypatch.setattr("crawler.exports.history.MOST_RUNS", 4)
    for number in range(7):
        write_record(objects, record(f"j{number}", at=number))
    listed = sorted(info.key for info in objects.list("-runs/"))
    assert len(listed) == 4
    assert listed[0].endswith("-j3.json")


def test_the_series_of_a_recipe_are_found_by_its_name(objects):
    other = series_id("acme", "shop", {"site": "x"})
    write_record(objects, record("j1", at=1))
    write_record(objects, record("j2", at=2, series=other))
    write_record(objects, record("j3", at=3, recipe="other"))
    assert series_of_recipe(objects, "acme", "shop") == {other: "j2", SERIES: "j1"}
    assert series_of_recipe(objects, "other", "shop") == {}


def test_where_the_next_run_should_be_is_told_by_series_the_newest_first(objects):
    other = series_id("acme", "shop", {"site": "x"})
    for number in range(4):
        write_record(objects, record(f"j{number}", at=number))
    write_record(objects, record("late", at=9, series=other))
    newest, first = learned_of_recipe(objects, "acme", "shop")
    assert (newest.series, newest.job, newest.at_ms, newest.bands.bands) == (other, "late", 9, ())
    assert (first.series, first.job, first.bands.runs) == (SERIES, "j3", 4)
    assert {band.figure: band.value for band in first.bands.bands}["rows.a"] is None
    assert learned_of_recipe(objects, "acme", "shop", most=1) == [newest]
    assert learned_of_recipe(objects, "acme", "_.no name") == []
