"""What a steward makes of jobs of one series: files with signs, and states of which exactly one is the newest."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from goods_and_faults import Fails

from crawler.cli.job_rows import JobRows
from crawler.exports import series_store
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys, SeriesKeys
from crawler.exports.page_notes import PageNote
from crawler.exports.replay_orders import replay_of
from crawler.exports.segments import write_segment
from crawler.exports.series import series_id
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.jobs.model import Intended, Job
from crawler.jobs.rows import NOTE, encode_row
from crawler.recipe.loader import load_recipe_text
from crawler.steward.export import Export
from crawler.steward.finish import Finish
from crawler.steward.replays import prepare
from crawler.steward.retention import retain
from crawler.steward.series import SeriesBusy, series_of
from tests.valkey_server import mortal

CRAWLERY = Path(sys.executable).parent / "crawlery"

RECIPE = """schema_version: 1
name: goods
version: "1.0.0"
inputs: {site: {type: string, format: uri, default: "http://a.example"}}
start: [{urls: "{{ inputs.site }}/", page: good}]
pages:
  good: {item: good, fields: {sku: h1, price: .price}}
items:
  good:
    version: 1
    key: [sku]
    fields: {sku: {type: string, required: true}, price: {type: decimal}}
incremental: {skip_unchanged: [etag], gone_after: 1}
exports:
  - {name: goods, item: good, format: csv, changes: column}
"""
KEYS = SeriesKeys("local", series_id("local", "goods", {"site": "http://a.example"}))


class Runs:
    """Jobs of one recipe, whose pages are told: a price by number of page, None for one that is unchanged."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.recipe = RECIPE
        self._jobs = 0

    def crawl(self, prices, *, failed=(), **values) -> str:
        """A job all of whose pages have ended; its id."""
        self._jobs += 1
        name = values.pop("id", f"j{self._jobs}")
        order = {"id": name, "recipe": "goods", "recipe_text": self.recipe, "secret": secrets.token_bytes(32)}
        self.bench.run(self.bench.jobs.create(Job(**order, **values)))
        self.bench.run(self._crawl(name, prices, dict.fromkeys(failed, "http_5xx")))
        return name

    async def _crawl(self, name, prices, failed):
        frontier = self.bench.frontier(name)
        for call, (number, price) in enumerate({**prices, **failed}.items(), 1):
            await frontier.enqueue([FrontierRequest(id=1000 * self._jobs + number, host="a", body=b"x")])
            (lease,) = (await frontier.lease(worker="w", call=call, limit=1, ttl_s=60)).leases
            if number in failed:
                commit = PageCommit(lease=lease, outcome=failed[number])
            elif price is None:
                note = PageNote(page=number, unchanged=True)
                commit = PageCommit(lease=lease, outcome="not_modified", rows=(_row(note),))
            else:
                values = {"sku": f"s{number}", "price": Decimal(price)}
                key = int.from_bytes(hashlib.sha256(values["sku"].encode()).digest()[:7])
                note = PageNote(page=number, etag=f'"{price}"', fetched_ms=5, rows=1)
                rows = (Row(item="good", body=encode_row(values), key=key), _row(note))
                commit = PageCommit(lease=lease, outcome="ok", rows=rows)
            await frontier.commit([commit])

    def run(self, prices, **values) -> dict[str, str]:
        """Sign and price by number of each row of one more job."""
        name = self.crawl(prices, **values)
        self.end(name)
        return self.rows(name)

    def end(self, *names) -> None:
        self.bench.work(self.bench.ended(*names))

    def rows(self, name, file=0) -> dict[str, str]:
        text = self.bench.objects.get(self.bench.manifest(name).files[file].key).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        found = {row["sku"][1:]: row.get("change", "") + row["price"] for row in rows}
        assert len(found) == len(rows)
        return found

    def newest(self):
        return series_store.newest(self.bench.objects, KEYS)


def _row(note):
    return Row(item=NOTE, body=encode_row(note.values()))


@pytest.fixture
def runs(bench):
    return Runs(bench)


@pytest.mark.parametrize("storage", ["folder", "s3"])
def test_a_job_gives_what_is_new_changed_and_gone_since_the_one_before(runs):
    assert runs.run({1: "1", 2: "2", 3: "3"}) == {"1": "+1", "2": "+2", "3": "+3"}
    assert runs.run({1: "1", 2: "5", 4: "4"}) == {"2": "~5", "4": "+4", "3": "-"}
    manifest = runs.bench.manifest("j2")
    record = manifest.series
    assert (record.new, record.changed, record.unchanged, record.carried, record.gone) == (1, 1, 1, 0, 1)
    assert manifest.ledger.rows == {"good": 3}, "notes are no rows"
    assert runs.run({1: "1", 2: "5", 4: "4"}) == {}
    assert runs.newest().order == 3


def test_rows_of_unchanged_pages_are_judged_and_not_written(runs):
    runs.recipe += "quality: {items: {minimum: 3}}\n"
    runs.run({1: "1", 2: "2", 3: "3"})
    assert runs.run({1: None, 2: None, 3: None}) == {}
    assert str(runs.bench.manifest("j2").outcome) == "complete"
    assert runs.run({1: None, 2: "9", 3: None}) == {"2": "~9"}


@pytest.mark.parametrize(
    "values", [{"failed": [3]}, {"intended": Intended.CANCEL}, {"withheld": True}], ids=["partial", "cancelled", "bad"]
)
def test_only_a_whole_and_good_run_says_what_is_gone(runs, values):
    runs.run({1: "1", 2: "2"})
    if values.pop("withheld", False):
        runs.recipe += "quality: {items: {minimum: 100}}\n"
    intended = values.pop("intended", None)
    name = runs.crawl({1: "7"}, **values)
    if intended is not None:
        runs.bench.run(runs.bench.jobs.intend(name, intended))
    runs.end(name)
    assert runs.rows(name) == {"1": "~7"}
    known = runs.newest()
    assert (known.order, known.job) == ((2, name) if "failed" in values else (1, "j1"))


def test_a_page_that_is_not_there_does_not_keep_a_run_from_being_whole(runs):
    runs.run({1: "1", 2: "2"})
    name = runs.crawl({1: "1"})
    runs.bench.run(_settle(runs.bench.frontier(name), 99, "http_404"))
    runs.end(name)
    assert runs.rows(name) == {"2": "-"}
    assert str(runs.bench.manifest(name).outcome) == "partial"


async def _settle(frontier, number, outcome):
    await frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x")])
    (lease,) = (await frontier.lease(worker="w", call=99, limit=1, ttl_s=60)).leases
    await frontier.commit([PageCommit(lease=lease, outcome=outcome)])


def test_emit_and_changes_choose_what_is_in_which_file(runs):
    runs.recipe = RECIPE.replace("gone_after: 1", "gone_after: 1, emit: all").replace("column", "file")
    runs.run({1: "1", 2: "2"})
    name = runs.crawl({1: "1", 3: "3"})
    runs.end(name)
    assert [file.name for file in runs.bench.manifest(name).files] == ["goods.csv", "goods-changes.csv"]
    assert runs.rows(name) == {"1": "1", "3": "3"}
    assert runs.rows(name, 1) == {"1": "=1", "3": "+3", "2": "-"}
    runs.recipe = RECIPE.replace("gone_after: 1", "gone_after: 1, emit: new").replace(", changes: column", "")
    assert runs.run({1: "9", 4: "4"}) == {"4": "4"}


def test_two_jobs_that_end_one_after_the_other_are_each_compared_with_the_newest(runs):
    runs.run({1: "1", 2: "2"})
    first, second = runs.crawl({1: "7", 2: None}), runs.crawl({1: "7", 2: None})
    runs.end(first, second)
    found = sorted([runs.rows(first), runs.rows(second)], key=len)
    assert found == [{}, {"1": "~7"}]
    assert runs.newest().order == 3


@pytest.mark.parametrize("lost", ["/states/", "manifest.json", "/pointers/"])
def test_answers_that_get_lost_change_nothing(runs, lost):
    runs.run({1: "1", 2: "2"})
    runs.bench.objects = Fails(runs.bench.objects)
    runs.bench.objects.lose_answer_of = lost
    assert runs.run({1: "3", 4: "4"}) == {"1": "~3", "4": "+4", "2": "-"}
    assert (runs.newest().order, runs.newest().job) == (2, "j2")
    assert runs.run({1: "3", 4: "4"}) == {}


POINTS = ("put_state.half", "put_state.reply", "put_manifest.reply", "put_pointer.call", "put_pointer.reply")


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_a_steward_that_is_killed_leaves_it_to_the_next_one(runs, valkey, tmp_path, point):
    runs.run({1: "1", 2: "2"})
    name = runs.crawl({1: "3", 4: "4"})
    said = {
        "REDIS_URL": valkey.url,
        "STORAGE_URL": (tmp_path / "objects").as_uri(),
        "CRAWLERY_FAULT": f"{point}:1:kill",
    }
    died = subprocess.run(
        mortal(str(CRAWLERY), "steward", "--folder", str(tmp_path / "compose"), "--hold", "1"),
        cwd=tmp_path,
        env={**os.environ, **said},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    runs.end(name)
    assert runs.rows(name) == {"1": "~3", "4": "+4", "2": "-"}
    assert (runs.newest().order, runs.newest().job) == (2, name)
    assert runs.run({1: None, 4: None}) == {}


def test_the_files_of_one_job_of_a_series_are_made_at_a_time(runs):
    runs.run({1: "1"})
    name = runs.crawl({1: "2"})
    bench = runs.bench
    bench.run(bench.frontier(name).close("finished"))
    stored = bench.run(bench.jobs.get(name))
    ground = bench.ground()

    async def while_another_is_made():
        finish = Finish(ground, Export(ground))
        async with _held(ground, stored.job):
            with pytest.raises(SeriesBusy):
                await finish.run(stored)
        finish.forget(name)
        return await finish.run(stored)

    assert bench.run(while_another_is_made())


def _held(ground, job):
    return series_of(ground, replace(job, id="another"), load_recipe_text(RECIPE), JoinedRows(ground.objects, [()]))


def test_a_state_that_is_gone_lets_the_series_begin_anew(runs):
    runs.run({1: "1"})
    runs.bench.objects.delete([runs.newest().state])
    assert runs.run({1: "1"}) == {"1": "+1"}
    assert runs.newest().order == 2
    assert runs.run({1: "1"}) == {}


def test_states_that_are_old_and_neither_the_newest_nor_the_one_before_are_removed(runs):
    for price in ("1", "2", "3"):
        runs.run({1: price})
    objects = runs.bench.objects
    before = {info.key for info in objects.list("-series/")}
    for kept in ({"keep_orphans_s": 3600.0, "keep_jobs_s": 0.0}, {"keep_orphans_s": 0.0, "keep_jobs_s": 3600.0}):
        runs.bench.run(retain(runs.bench.ground(**kept)))
        assert {info.key for info in objects.list("-series/")} == before, "whoever is at it, or replays, may need them"
    runs.bench.run(retain(runs.bench.ground(keep_orphans_s=0.0, keep_jobs_s=0.0)))
    left = [info.key for info in objects.list("-series/")]
    assert len(left) == 4
    assert runs.newest().order == 3
    assert runs.run({1: "3"}) == {}


def test_a_pointer_that_cannot_be_read_keeps_only_its_own_series_from_being_tidied(runs):
    for price in ("1", "2", "3"):
        runs.run({1: price})
    objects = runs.bench.objects
    broken = SeriesKeys("local", "0" * 32).pointer(1, "j")
    objects.put(broken, b"{", content_type="application/json")
    assert series_store.tidy(objects, older_than_s=-1.0, now_s=time.time() + 86400.0) == 2
    assert objects.info(broken) is not None


def test_failed_pages_that_are_fetched_again_are_compared_as_their_first_job_was_and_not_built_upon(runs):
    runs.run({1: "1", 2: "2", 3: "3"})
    first = runs.crawl({1: "7", 3: None}, failed=[2])
    runs.end(first)
    assert runs.rows(first) == {"1": "~7"}
    bench = runs.bench
    stored = bench.run(bench.jobs.get(first))
    bench.run(bench.jobs.create(replay_of(stored, bench.manifest(first), "http_5xx", new_id="again")))
    wait_for(lambda: bench.run(prepare(bench.ground(), bench.run(bench.jobs.get("again")))))
    bench.run(_read_again(bench.frontier("again"), "9"))
    runs.end("again")
    assert runs.rows("again") == {"1": "~7", "2": "~9"}
    record = bench.manifest("again").series
    assert (record.state, record.base) == ("", bench.manifest(first).series.base)
    assert runs.newest().job == first
    assert runs.run({1: "7", 2: "9", 3: None}) == {"2": "~9"}


async def _read_again(frontier, price):
    (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=60)).leases
    row = Row(item="good", body=encode_row({"sku": "s2", "price": Decimal(price)}), key=2)
    await frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(row,))])


def wait_for(holds):
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_rows_of_a_job_that_runs_are_read_without_the_notes_among_them(runs):
    bench = runs.bench
    stream = bench.rows(runs.crawl({1: "1", 2: "2"}))
    assert _skus(bench, stream) == ["s1", "s2"], "from the store"
    chunk = bench.run(stream.read(limit_bytes=10**6))
    keys = JobKeys(client="local", job="j1")
    segment = write_segment(bench.objects, keys, chunk.rows, number=1, previous="", last=chunk.last)
    assert bench.run(stream.record(segment, chunk))
    assert (segment.row_count, segment.rows) == (2, {"good": 2, NOTE: 2})
    assert _skus(bench, stream) == ["s1", "s2"], "from a segment"


def _skus(bench, stream) -> list[str]:
    async def read():
        return [values["sku"] async for values in JobRows(stream, bench.objects).read(None)]

    return bench.run(read())
