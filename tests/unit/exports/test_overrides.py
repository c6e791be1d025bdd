"""A person publishes files that were withheld: once, for one manifest, whoever comes later."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.errors import ManifestDamaged
from crawler.exports.manifest import encode_manifest, publish, read_manifest
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.overrides import override_of, read_override
from crawler.exports.publication import publish_withheld

sys.path.insert(0, str(Path(__file__).parent))

from test_history import KEYS, WITHHELD, manifest

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
