"""Who publishes files is noted first, and the run may teach after it; twice is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import NothingToPublish, ObjectStoreError
from crawler.exports.history import earlier_runs
from crawler.exports.manifest import publish, read_manifest
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
