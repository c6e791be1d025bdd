"""A person publishes files that were withheld: once, for one manifest, whoever comes later."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.errors import ManifestDamaged, NothingToPublish, ObjectStoreError
from crawler.exports.history import earlier_runs
from crawler.exports.manifest import encode_manifest, publish, read_manifest
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.overrides import override_of, read_override
from crawler.exports.publication import publish_withheld

sys.path.insert(0, str(Path(__file__).parent))

from test_history import KEYS, WITHHELD, manifest, read

FACTS = {"by": "alice", "key": "k1", "reason": "it is right", "at_ms": 7}


@pytest.fixture
def objects(tmp_path):
    objects = FolderObjectStore(tmp_path / "objects")
    publish(objects, KEYS, manifest(**WITHHELD))
    return objects


def published(objects, of=None, *, note=lambda: None, **facts):
    return publish_withheld(objects, KEYS, of or read_manifest(objects, KEYS), note=note, **FACTS | facts)


def test_who_when_and_why_lies_beside_the_manifest_which_stays_as_it_is(objects):
    before = objects.get(KEYS.manifest)
    made = published(objects)
    assert (made.by, made.key, made.reason, made.at_ms) == ("alice", "k1", "it is right", 7)
    assert read_override(objects, KEYS) == made
    assert override_of(objects, KEYS, read_manifest(objects, KEYS)) == made
    assert objects.get(KEYS.manifest) == before


def test_twice_answers_the_same_and_asks_the_audit_once(objects):
    noted = []
    first = published(objects, note=lambda: noted.append(1))
    again = published(objects, note=lambda: noted.append(2), by="bob", reason="other", at_ms=99)
    assert (again, noted) == (first, [1])


def test_of_two_who_publish_at_once_the_first_one_has_done_it(objects):
    def somebody_else_is_faster():
        published(objects, by="bob")

    made = published(objects, note=somebody_else_is_faster)
    assert (made.by, read_override(objects, KEYS).by) == ("bob", "bob")


def test_nothing_is_published_before_the_audit_has_it(objects):
    def refuse():
        assert read_override(objects, KEYS) is None
        raise ObjectStoreError("full", passing=True)

    with pytest.raises(ObjectStoreError):
        published(objects, note=refuse)
    assert read_override(objects, KEYS) is None


def test_a_run_teaches_once_it_is_published(objects):
    assert earlier_runs(read(objects)) == []
    published(objects)
    (run,) = earlier_runs(read(objects))
    assert run.is_overridden


def test_files_that_are_not_withheld_need_no_person(tmp_path):
    objects = FolderObjectStore(tmp_path / "others")
    publish(objects, KEYS, manifest())
    with pytest.raises(NothingToPublish, match="the files of job j1 are not withheld"):
        published(objects)
    assert override_of(objects, KEYS, manifest()) is None


def test_an_override_holds_for_one_manifest_only(objects):
    published(objects)
    other = replace(read_manifest(objects, KEYS), created_ms=99)
    objects.put(KEYS.manifest, encode_manifest(other), content_type="application/json")
    with pytest.raises(ManifestDamaged, match="another manifest"):
        override_of(objects, KEYS, other)


@pytest.mark.parametrize("encoded", [b"", b"{}", b'{"version": 1}'])
def test_what_is_no_override_publishes_nothing(objects, encoded):
    objects.put(KEYS.override, encoded, content_type="application/json")
    with pytest.raises(ManifestDamaged, match=r"override\.json"):
        override_of(objects, KEYS, read_manifest(objects, KEYS))


def test_an_override_of_another_job_publishes_nothing(objects):
    made = published(objects)
    objects.put(
        KEYS.override,
        objects.get(KEYS.override).replace(b'"job": "j1"', b'"job": "j2"'),
        content_type="application/json",
    )
    assert made.job == "j1"
    with pytest.raises(ManifestDamaged, match="that of job j2"):
        read_override(objects, KEYS)
