"""What a fleet's jobs are compared with: earlier ones of the same series, though store or files were lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from goods_and_faults import KEYS
from valkey_server import mortal

from crawler.exports.keys import JobKeys
from crawler.exports.overrides import read_override
from crawler.exports.publication import publish_withheld
from crawler.exports.series import series_id
from crawler.jobs.model import Limits, Outcome, State
from crawler.steward.export import Export
from crawler.steward.finish import Finish
from crawler.steward.judging import remember

CRAWLERY = Path(sys.executable).parent / "crawlery"
PATIENCE_S = 60.0

BANDS = "quality: {bands: {minimum_runs: 3}}\n"
SERIES = series_id("local", "goods", {})


def run(bench, name, pages=10, *, more=BANDS, **values):
    bench.a_job(name, more=more, **values)
    bench.crawl(pages, name)
    bench.work(bench.ended(name))
    return bench.manifest(name)


def taught(bench):
    for number in range(3):
        assert run(bench, f"r{number}").outcome is Outcome.COMPLETE


def keys_of_runs(bench):
    return sorted(info.key.rpartition("-")[2] for info in bench.objects.list("-runs/"))


def test_a_job_that_has_lost_rows_is_withheld_and_says_what_was_expected(bench):
    taught(bench)
    bad = run(bench, "bad", 7)
    assert (bad.outcome, bad.withheld) == (Outcome.QUALITY_FAILED, True)
    assert bad.why == (
        "quality.bands: 14 rows of good; the last 3 whole runs had 20 (median), so 19 to 21 is expected",
    )
    (rows,) = [band for band in bad.judged.bands.bands if band.figure == "rows.good"]
    assert (rows.value, rows.median, rows.low, rows.high, rows.is_kept) == (14, 20, 19, 21, False)
    assert bench.status("bad").outcome is Outcome.QUALITY_FAILED
    good = run(bench, "good")
    assert (good.outcome, good.judged.bands.runs) == (Outcome.COMPLETE, 3)


def test_the_manifest_has_the_figures_that_were_judged(bench):
    manifest = run(bench, "j", 5, more="quality: {coverage: {name: 100%}, http_errors: {maximum: 5%}}\n")
    figures = manifest.judged.figures
    assert (figures.rows, figures.rejected, figures.http_errors) == ({"good": 10}, 0, {})
    assert [(each.field, each.places, each.filled) for each in figures.coverage] == [("name", 10, 10)]
    assert manifest.judged.bands.series == ""
    assert list(bench.objects.list("-runs/")) == []


@pytest.mark.parametrize("lost", ["store", "storage"])
def test_either_place_may_lose_what_was_learned(bench, lost):
    taught(bench)
    before = keys_of_runs(bench)
    if lost == "store":
        bench.run(bench.store.command("DEL", f"crawlery:{{series:{SERIES}}}:runs"))
    else:
        bench.objects.delete([info.key for info in bench.objects.list("-runs/")])
    assert run(bench, "next", 7).outcome is Outcome.QUALITY_FAILED
    assert keys_of_runs(bench) == sorted([*before, "next.json"])
    assert bench.run(bench.store.command("HLEN", f"crawlery:{{series:{SERIES}}}:runs")) == 4


def test_a_run_that_a_person_has_published_teaches(bench):
    taught(bench)
    run(bench, "bad", 7)
    keys = JobKeys("local", "bad")
    publish_withheld(
        bench.objects, keys, bench.manifest("bad"), by="alice", reason="sold out", at_ms=1, note=lambda: None
    )
    assert read_override(bench.objects, keys).reason == "sold out"
    again = run(bench, "again", 7)
    assert (again.outcome, again.judged.bands.runs) == (Outcome.COMPLETE, 4)
    assert run(bench, "as-ever").outcome is Outcome.COMPLETE


def test_a_job_that_its_own_limit_has_ended_is_compared_with_none_and_teaches_none(bench):
    taught(bench)
    bench.a_job("few", more=BANDS, limits=Limits(items=4))
    bench.crawl(2, "few")
    bench.run(bench.frontier("few").close("limits.items"))
    bench.work(bench.ended("few"))
    few = bench.manifest("few")
    assert (few.outcome, few.judged.bands.series) == (Outcome.COMPLETE, "")
    assert few.judged.bands.sentence == "a job that its own limits.items has ended is compared with none"
    assert keys_of_runs(bench) == ["r0.json", "r1.json", "r2.json"]


def test_a_limit_that_was_not_reached_or_is_the_recipes_makes_no_difference(bench):
    taught(bench)
    assert run(bench, "far", 7, limits=Limits(items=4_000)).outcome is Outcome.QUALITY_FAILED
    bench.a_job("same", more=BANDS)
    bench.crawl(10, "same")
    bench.run(bench.frontier("same").close("limits.items"))
    bench.work(bench.ended("same"))
    assert bench.manifest("same").judged.bands.runs == 3


def test_jobs_with_other_inputs_or_of_other_clients_are_another_series(bench):
    taught(bench)
    other = run(bench, "other", 2, inputs={"site": "https://other.example"})
    assert (other.outcome, other.judged.bands.runs) == (Outcome.COMPLETE, 0)
    bench.a_job("hers", more=BANDS, client="acme")
    bench.crawl(2, "hers")
    bench.work(bench.ended("hers"))
    assert bench.status("hers").outcome is Outcome.COMPLETE


def test_a_steward_that_dies_behind_the_manifest_leaves_the_rest_to_the_next_one(bench, monkeypatch):
    """The manifest is there, and nothing was remembered; who adopts it remembers it, once."""
    bench.a_job(more=BANDS)
    bench.crawl(3)
    bench.run(bench.frontier().close("finished"))

    async def dies(*_):
        raise OSError("gone")

    with monkeypatch.context() as patched:
        patched.setattr("crawler.steward.finish.remember", dies)
        stored = bench.run(bench.jobs.get("j"))
        with pytest.raises(OSError, match="gone"):
            bench.run(Finish(bench.ground(), Export(bench.ground())).run(stored))
    assert bench.objects.info(KEYS.manifest) is not None
    assert keys_of_runs(bench) == []
    bench.work(bench.ended())
    assert keys_of_runs(bench) == ["j.json"]
    bench.run(remember(bench.ground(), bench.manifest()))
    assert keys_of_runs(bench) == ["j.json"]
    assert bench.status().state is State.SUCCEEDED


def test_a_store_without_room_does_not_keep_a_job_from_ending(bench, monkeypatch):
    class Full:
        def __init__(self, *_args, **_options):
            pass

        async def put(self, *_):
            await asyncio.sleep(60)

        async def all(self):
            return {}

        async def drop(self, *_):
            await asyncio.sleep(60)

    monkeypatch.setattr("crawler.steward.judging.RedisRunRecords", Full)
    monkeypatch.setattr("crawler.steward.judging._PATIENCE_S", 0.05)
    assert run(bench, "j").outcome is Outcome.COMPLETE
    assert keys_of_runs(bench) == ["j.json"]


@pytest.mark.parametrize(
    "point",
    [
        "put_run.call",
        pytest.param("put_manifest.reply", marks=pytest.mark.long),
        pytest.param("put_run.reply", marks=pytest.mark.long),
    ],
)
def test_a_steward_that_is_killed_around_the_record_leaves_one_manifest_and_one_record(bench, valkey, tmp_path, point):
    bench.a_job(more=BANDS)
    bench.crawl(3)
    said = {"REDIS_URL": valkey.url, "STORAGE_URL": f"file://{tmp_path}/objects", "CRAWLERY_FAULT": f"{point}:1:kill"}
    process = subprocess.Popen(
        mortal(str(CRAWLERY), "steward", "--hold", "1", "--folder", str(tmp_path / "compose")),
        cwd=tmp_path,
        env={**os.environ, **said},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
    first = bench.objects.get(KEYS.manifest)
    bench.work(bench.ended())
    assert bench.objects.get(KEYS.manifest) == first
    assert keys_of_runs(bench) == ["j.json"]
    assert bench.run(bench.store.command("HLEN", f"crawlery:{{series:{SERIES}}}:runs")) == 1
