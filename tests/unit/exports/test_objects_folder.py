from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from crawler.errors import ObjectStoreError
from crawler.exports.objects_folder import FolderObjectStore


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../out", "a/../../out", "a//b", "a/", "./a", "a\\b", "a\0b", ".writing/x", "a/" + "x" * 256],
)
def test_a_key_that_could_be_another_file_is_refused(objects, key, tmp_path):
    for call in (
        lambda: objects.put(key, b"x", content_type="text/plain"),
        lambda: objects.get(key),
        lambda: objects.delete([key]),
        lambda: objects.link(key, file_name="x", expires_s=1),
    ):
        with pytest.raises(ValueError, match="is no key of an object"):
            call()
    assert not list(tmp_path.rglob("*"))


def test_what_a_killed_process_has_left_half_written_is_in_no_listing(objects, tmp_path):
    objects.put("a", b"x", content_type="text/plain")
    (tmp_path / "objects" / ".writing" / "torn").write_bytes(b"half")
    assert [found.key for found in objects.list("")] == ["a"]


def test_a_full_disk_passes_and_a_forbidden_folder_does_not(objects, monkeypatch):
    def refuse(number):
        def fsync(_descriptor):
            raise OSError(number, os.strerror(number))

        return fsync

    for number, passing in ((errno.ENOSPC, True), (errno.EACCES, False)):
        monkeypatch.setattr(os, "fsync", refuse(number))
        with pytest.raises(ObjectStoreError, match=os.strerror(number)) as caught:
            objects.put("a/b", b"x", content_type="text/plain")
        assert caught.value.passing is passing
    assert not [path for path in Path(objects._folder).rglob("*") if path.is_file()]


def test_a_folder_that_is_a_file_is_told_by_the_check(tmp_path):
    (tmp_path / "objects").write_text("no folder")
    with pytest.raises(ObjectStoreError, match="cannot write it"):
        FolderObjectStore(tmp_path / "objects").check()
