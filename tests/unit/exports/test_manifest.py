from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.errors import ManifestDamaged, ObjectStoreError
from crawler.exports.compose import ComposedFile, compose, plan_exports
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import (
    LedgerSummary,
    Manifest,
    decode_manifest,
    encode_manifest,
    orphans,
    publish,
    read_manifest,
)
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import check_chain, read_segment
from crawler.jobs.model import Outcome, State

sys.path.insert(0, str(Path(__file__).parent))

from composing import KEYS, segments_of

FILE = ComposedFile(
    name="books.csv",
    item="book",
    format="csv",
    content_type="text/csv",
    key="acme/monday/files/books-1.csv",
    rows=2,
    size_bytes=10,
    sha256="ab" * 32,
    columns=("title", "price"),
    guarded=1,
)


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


def manifest(segments=(), **values):
    settings = {
        "job": "monday",
        "client": "acme",
        "recipe": "books",
        "recipe_sha256": "cd" * 32,
        "state": State.SUCCEEDED,
        "outcome": Outcome.PARTIAL,
        "why": ("1 page: http_404 (404 or 410: the page does not exist)",),
        "files": (FILE,),
        "segments": tuple(segments),
        "ledger": LedgerSummary(accepted=3, settled={"ok": 2, "http_404": 1}, rows={"book": 2}),
        "created_ms": 1_750_000_000_000,
    }
    return Manifest(**settings | values)


def test_a_manifest_comes_back_as_it_was(objects):
    made = manifest(segments_of(objects, [("book", {"n": n}) for n in range(7)]), withheld=True, attempt=3)
    assert decode_manifest(encode_manifest(made)) == made
    assert len(made.segments) == 3


def test_it_is_json_for_people_and_the_same_bytes_for_the_same_manifest():
    text = encode_manifest(manifest()).decode()
    assert text.startswith('{\n  "version": 1,\n  "job": "monday",\n')
    assert json.loads(text)["files"][0]["key"] == FILE.key
    other = replace(manifest(), ledger=LedgerSummary(accepted=3, settled={"http_404": 1, "ok": 2}, rows={"book": 2}))
    assert encode_manifest(other).decode() == text


def test_its_chain_names_all_segments(objects):
    made = segments_of(objects, [("book", {"n": n}) for n in range(7)])
    assert manifest(made).chain == made[-1].digest
    assert manifest().chain == ""
    with pytest.raises(ValueError, match="the chain of a manifest is"):
        replace(manifest(made), segments=(*made[:-1], replace(made[-1], last="0-0")))


def test_a_manifest_whose_segments_were_changed_is_refused(objects):
    encoded = encode_manifest(manifest(segments_of(objects, [("book", {"n": 1})])))
    with pytest.raises(ManifestDamaged, match="chain"):
        decode_manifest(encoded.replace(b'"last": "1-1"', b'"last": "9-9"'))


def test_its_segments_can_be_read_by_it_alone(objects):
    made = manifest(segments_of(objects, [("book", {"n": n}) for n in range(7)]))
    read = decode_manifest(encode_manifest(made)).segments
    check_chain(read)
    assert [row.values["n"] for segment in read for row in read_segment(objects, segment)] == list(range(7))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"no json",
        b"{}",
        b'{"version":1}',
        b"[]",
        encode_manifest(manifest()).replace(b'"succeeded"', b'"done"'),
        encode_manifest(manifest())[:-20],
    ],
)
def test_what_is_no_manifest_is_refused(encoded):
    with pytest.raises(ManifestDamaged, match="no manifest"):
        decode_manifest(encoded)


def test_another_version_is_refused_whatever_it_holds():
    with pytest.raises(ManifestDamaged, match="version 2 of the format; this reader knows 1"):
        decode_manifest(b'{"version": 2, "quite": "different"}')


# --- publishing -------------------------------------------------------------------------------------------------------


def test_the_first_manifest_is_that_of_the_job(objects):
    first, second = manifest(), manifest(attempt=2, outcome=Outcome.COMPLETE)
    assert read_manifest(objects, KEYS) is None
    assert publish(objects, KEYS, first) == first
    assert publish(objects, KEYS, second) == first
    assert read_manifest(objects, KEYS) == first


def test_all_who_publish_at_once_adopt_the_same_one(objects):
    answers, barrier = [], threading.Barrier(8)

    def run(attempt):
        barrier.wait()
        answers.append(publish(objects, KEYS, manifest(attempt=attempt)))

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert set(map(encode_manifest, answers)) == {objects.get(KEYS.manifest)}


def test_after_a_lost_answer_it_finds_its_own_manifest(objects, monkeypatch):
    put = objects.put

    def lose(*arguments, **options):
        put(*arguments, **options)
        raise ObjectStoreError("no answer", passing=True)

    monkeypatch.setattr(objects, "put", lose)
    with pytest.raises(ObjectStoreError, match="no answer"):
        publish(objects, KEYS, manifest())
    monkeypatch.setattr(objects, "put", put)
    assert publish(objects, KEYS, manifest()) == manifest()


def test_a_manifest_that_vanishes_in_between_is_worth_another_try(objects, monkeypatch):
    monkeypatch.setattr(objects, "put", lambda *_, **__: False)
    with pytest.raises(ObjectStoreError, match="is not any more") as caught:
        publish(objects, KEYS, manifest())
    assert caught.value.passing


@pytest.mark.parametrize(
    "foreign",
    [
        manifest(job="tuesday"),
        manifest(client="other"),
        manifest(files=(replace(FILE, key="other/monday/files/x-1.csv"),)),
    ],
)
def test_a_manifest_of_another_job_is_never_put(objects, foreign):
    with pytest.raises(ValueError, match="which names"):
        publish(objects, KEYS, foreign)
    assert not list(objects.list(""))


@pytest.mark.parametrize("content", [b"torn", encode_manifest(manifest(job="tuesday"))])
def test_what_is_not_the_jobs_manifest_is_not_adopted(objects, content):
    objects.put(KEYS.manifest, content, content_type="application/json")
    with pytest.raises(ManifestDamaged):
        publish(objects, KEYS, manifest())
    assert objects.get(KEYS.manifest) == content


# --- orphans ----------------------------------------------------------------------------------------------------------


def orphan_keys(objects, known, *, keys=KEYS, after_s=100.0, older_than_s=50.0):
    newest = max(found.modified_s for found in objects.list(""))
    return {found.key for found in orphans(objects, keys, known, older_than_s=older_than_s, now_s=newest + after_s)}


def test_what_nothing_names_is_an_orphan(objects, tmp_path):
    segments = segments_of(objects, [("book", {"n": n}) for n in range(7)])
    lost = segments_of(objects, [("book", {"n": n}) for n in range(2)])
    plans = plan_exports(None, {"book": 7})
    first, files = (compose(objects, KEYS, JoinedRows(objects, [segments]), plans, folder=tmp_path) for _ in range(2))
    for key in (KEYS.record, KEYS.log("a.log"), KEYS.manifest):
        objects.put(key, b"x", content_type="text/plain")
    segments_of(objects, [("book", {"n": 1})], keys=JobKeys("acme", "monday-2"))
    gone = {one.key for one in (*lost, *first)}
    assert orphan_keys(objects, manifest(segments, files=files)) == gone
    assert orphan_keys(objects, segments) == gone | {file.key for file in files}
    assert orphan_keys(objects, []) == gone | {one.key for one in (*files, *segments)}


def test_what_is_young_may_still_be_recorded(objects):
    made = segments_of(objects, [("book", {"n": 1})])
    assert orphan_keys(objects, [], after_s=49.0) == set()
    assert orphan_keys(objects, [], after_s=51.0) == {made[0].key}
