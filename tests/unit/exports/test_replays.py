"""What a job leaves for its replay: read as it was written, or not at all."""

from __future__ import annotations

import pytest
import zstandard

from crawler.errors import NoSuchObject, ReplayDamaged
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.replays import KnownIds, ReplayWriter, read_replay
from crawler.jobs.failed_pages import FailedPage

KEYS = JobKeys(client="local", job="j")
PAGES = [
    FailedPage(id=-(2**63), outcome="timeout", host="a.example", stored=b"\x00\xff" * 5),
    FailedPage(id=2**63 - 1, outcome="http_5xx", host="", stored=b""),
]
IDS = list(range(-70_000, 70_000))


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


def written(tmp_path) -> bytes:
    with ReplayWriter(tmp_path / "replay", KEYS) as writer:
        for page in PAGES:
            writer.add_failed(page)
        writer.add_ids("seen", IDS)
        writer.add_ids("k:good", [7])
        writer.add_ids("u:none", [])
    return (tmp_path / "replay").read_bytes()


def test_it_is_read_as_it_was_written_ids_in_pieces(objects, tmp_path):
    objects.put("r", written(tmp_path), content_type="x/y")
    entries = list(read_replay(objects, "r"))
    assert entries[:2] == PAGES
    ids = {}
    for entry in entries[2:]:
        assert isinstance(entry, KnownIds)
        assert len(entry.ids) <= 50_000
        ids.setdefault(entry.name, []).extend(entry.ids)
    assert ids == {"seen": IDS, "k:good": [7]}


def test_one_that_is_cut_changed_or_of_another_version_is_refused(objects, tmp_path):
    content = written(tmp_path)
    middle = len(content) // 2
    broken = {
        "cut": content[:-20],
        "changed": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
        "none": b"no replay",
        "empty": b"",
        "later": zstandard.compress(b"\x0a\x00\x00\x00" + b"\x94\xa6header\x09\xa1c\xa1j"),
        "huge": zstandard.compress(b"\xff\xff\xff\xff"),
    }
    for name, damaged in broken.items():
        objects.put(name, damaged, content_type="x/y")
        with pytest.raises(ReplayDamaged, match=name):
            list(read_replay(objects, name))
    with pytest.raises(NoSuchObject):
        list(read_replay(objects, "gone"))


def test_one_whose_writer_failed_is_not_whole(objects, tmp_path):
    with pytest.raises(OSError, match="store"), ReplayWriter(tmp_path / "replay", KEYS) as writer:  # noqa: PT012 - the error is that of its user
        writer.add_failed(PAGES[0])
        raise OSError("the store is away")
    objects.put("r", (tmp_path / "replay").read_bytes(), content_type="x/y")
    with pytest.raises(ReplayDamaged, match="ends within"):
        list(read_replay(objects, "r"))
