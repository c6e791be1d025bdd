"""Every storage of files keeps the promises of `crawler.exports.objects`."""

from __future__ import annotations

import io
import os
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import pytest
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

import crawler.exports.objects
from crawler.errors import NoSuchObject
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import PART_BYTES, S3ObjectStore

BACK_ENDS = ("folder", "s3")


@pytest.fixture(params=BACK_ENDS)
def objects(request, tmp_path):
    if request.param == "folder":
        return FolderObjectStore(tmp_path / "objects")
    seaweed = request.getfixturevalue("seaweed")
    return S3ObjectStore(
        bucket=BUCKET,
        prefix=f"contract/{uuid.uuid4().hex}",
        endpoint_url=seaweed.url,
        credentials=(ACCESS_KEY, SECRET_KEY, None),
    )


def put(objects, key, body=b"x", **options):
    return objects.put(key, body, content_type="text/plain", **options)


def keys(objects, prefix=""):
    return sorted(found.key for found in objects.list(prefix))


@pytest.mark.parametrize("body", [b"", b"rows", bytes(range(256)) * 1000])
def test_what_was_put_is_read_again(objects, body):
    assert put(objects, "a/b.csv", body)
    assert objects.get("a/b.csv") == body
    with objects.open("a/b.csv") as file:
        assert file.read() == body


def test_an_object_that_is_put_again_is_replaced(objects):
    put(objects, "a", b"old and long")
    put(objects, "a", b"new")
    assert objects.get("a") == b"new"


def test_only_new_leaves_what_is_there_alone(objects):
    assert put(objects, "a", b"first", only_new=True) is True
    assert put(objects, "a", b"second", only_new=True) is False
    assert objects.get("a") == b"first"


def test_of_many_that_put_only_new_at_once_one_wins_and_its_bytes_are_there(objects):
    results, barrier = {}, threading.Barrier(6)

    def write(number):
        barrier.wait()
        results[number] = put(objects, "manifest", b"%d" % number * 1000, only_new=True)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, won in results.items() if won]
    assert len(winners) == 1
    assert objects.get("manifest") == b"%d" % winners[0] * 1000


@pytest.mark.parametrize("size", [0, 1000, PART_BYTES, PART_BYTES + 1])
def test_a_file_is_put_from_its_beginning_whatever_its_size(objects, tmp_path, size):
    path = tmp_path / "body"
    path.write_bytes(os.urandom(1000) * (size // 1000) + b"x" * (size % 1000))
    with path.open("rb") as file:
        file.seek(min(size, 10))
        put(objects, "file", file)
    assert objects.info("file").size_bytes == size
    with objects.open("file") as file:
        assert file.read() == path.read_bytes()


def test_a_large_file_too_is_put_only_when_there_is_none(objects):
    large = io.BytesIO(b"x" * (PART_BYTES + 1))
    assert put(objects, "large", large, only_new=True) is True
    assert put(objects, "large", io.BytesIO(b"y" * (PART_BYTES + 1)), only_new=True) is False
    with objects.open("large") as file:
        assert file.read(2) == b"xx"


def test_a_part_of_an_object_may_be_read_and_the_rest_left(objects):
    put(objects, "a", b"0123456789" * 100_000)
    with objects.open("a") as file:
        assert (file.read(3), file.read(3)) == (b"012", b"345")


def test_what_is_not_there_is_said_to_be_missing(objects):
    with pytest.raises(NoSuchObject, match="there is no such object"):
        objects.get("nothing/here")
    with pytest.raises(NoSuchObject), objects.open("nothing/here"):
        pass
    assert objects.info("nothing/here") is None
    assert keys(objects) == []


def test_info_tells_size_and_time(objects):
    before = time.time()
    put(objects, "a/b", b"12345")
    info = objects.info("a/b")
    assert (info.key, info.size_bytes) == ("a/b", 5)
    assert before - 5 < info.modified_s < time.time() + 5
    assert objects.info("a") is None


def test_a_list_has_all_keys_that_begin_so_and_each_once(objects):
    names = ["j/1/a", "j/1-b", "j/1/segments/000001-x", "j/10", "k", "j/1.x", "j/1/a.b"]
    for name in names:
        put(objects, name, name.encode())
    assert keys(objects) == sorted(names)
    assert keys(objects, "j/1") == sorted(name for name in names if name.startswith("j/1"))
    assert keys(objects, "j/1/") == ["j/1/a", "j/1/a.b", "j/1/segments/000001-x"]
    assert keys(objects, "j/1/seg") == ["j/1/segments/000001-x"]
    assert {found.key: found.size_bytes for found in objects.list("k")} == {"k": 1}


def test_objects_are_deleted_and_those_that_are_not_there_are_no_error(objects):
    for name in ("a/1", "a/2", "b"):
        put(objects, name)
    objects.delete(["a/1", "a/2", "a/3", "nowhere/at/all"])
    objects.delete([])
    assert keys(objects) == ["b"]


def test_a_link_leads_to_the_bytes(objects):
    put(objects, "files/books-x.csv", b"title\n")
    url = objects.link("files/books-x.csv", file_name='bo"oks\n.csv', expires_s=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"title\n"


def test_a_storage_that_can_be_used_passes_its_check_and_keeps_nothing_of_it(objects):
    objects.check()
    assert keys(objects) == []


def test_nothing_of_a_put_that_fails_half_way_is_there(objects):
    class Torn(io.BytesIO):
        def read(self, size=-1):
            part = super().read(size)
            if self.tell() > PART_BYTES:
                raise RuntimeError("torn")
            return part

    with pytest.raises(RuntimeError, match="torn"):
        put(objects, "torn", Torn(b"x" * (3 * PART_BYTES)))
    assert objects.info("torn") is None
    assert keys(objects) == []


def test_both_back_ends_are_tested():
    modules = {path.stem for path in Path(crawler.exports.objects.__file__).parent.glob("objects_*.py")}
    assert modules == {f"objects_{name}" for name in BACK_ENDS}
