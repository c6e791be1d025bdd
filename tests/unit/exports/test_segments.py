from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings

from crawler.errors import NoSuchObject, SegmentDamaged
from crawler.exports import segments
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import SegmentRow, check_chain, read_segment, write_segment
from crawler.jobs.rows import MAX_ROW_BYTES, encode_row
from crawler.wire import NotEncodable, Undecodable

sys.path.insert(0, str(Path(__file__).parent))

from plain_values import ROWS, shown

KEYS = JobKeys("acme", "monday")


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path)


def rows_of(*values, item="book", page=7):
    return [SegmentRow(page, item, encode_row(one)) for one in values]


def write(objects, rows, *, number=1, previous="", last="5-1"):
    return write_segment(objects, KEYS, rows, number=number, previous=previous, last=last)


def replaced(objects, segment, content):
    """The segment with other bytes, and with a record that fits them."""
    objects.put(segment.key, content, content_type="application/zstd")
    return replace(segment, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def compressed(*lines):
    return zstandard.ZstdCompressor().compress("".join(f"{line}\n" for line in lines).encode())


HEAD = '{"version":1,"client":"acme","job":"monday","number":1}'
ROW = '{"item":"book","page":"7","row":{"title":"A"}}'


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(row=ROWS)
def test_rows_come_back_as_they_were(tmp_path_factory, row):
    objects = FolderObjectStore(tmp_path_factory.getbasetemp() / "round-trip")
    try:
        rows = rows_of(row, {"title": "B"}, page=2**64 - 1)
    except NotEncodable:
        return
    read = list(read_segment(objects, write(objects, rows)))
    assert [(one.page, one.item) for one in read] == [(2**64 - 1, "book")] * 2
    assert [shown(one.values) for one in read] == [shown(row), shown({"title": "B"})]


def test_a_segment_is_json_lines_that_anybody_can_read(objects):
    segment = write(objects, rows_of({"title": "The Salt Road", "price": Decimal("51.70")}, {"half": 0.5}))
    text = zstandard.ZstdDecompressor().decompressobj().decompress(objects.get(segment.key)).decode()
    assert text.splitlines() == [
        HEAD,
        '{"item":"book","page":"7","row":{"title":"The Salt Road","price":51.70}}',
        '{"item":"book","page":"7","row":{"half":0.5},"types":{"/half":"float"}}',
    ]
    assert json.loads(text.splitlines()[1])["row"]["price"] == 51.7


def test_its_record_says_what_was_written(objects):
    rows = [*rows_of({"title": "A"}, {"title": "B"}), *rows_of({"name": "C"}, item="author")]
    segment = write(objects, rows, number=3, previous="abc", last="9-9")
    content = objects.get(segment.key)
    assert segment.key.startswith("acme/monday/segments/000003-")
    assert (segment.sha256, segment.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (segment.rows, segment.number, segment.previous, segment.last) == (
        {"book": 2, "author": 1},
        3,
        "abc",
        "9-9",
    )


def test_a_segment_may_be_without_rows(objects):
    segment = write(objects, [])
    assert segment.rows == {}
    assert list(read_segment(objects, segment)) == []


def test_two_writings_of_one_segment_are_two_objects(objects):
    rows = rows_of({"title": "A"})
    assert write(objects, rows).key != write(objects, rows).key


@pytest.mark.parametrize("size", [segments._CHUNK_BYTES - 70, segments._CHUNK_BYTES, MAX_ROW_BYTES - 100])
def test_rows_longer_than_a_chunk_come_back(objects, size):
    rows = [{"text": "\x01" * size}, {"text": "ä" * (size // 2)}, {"text": "b"}]
    assert [row.values for row in read_segment(objects, write(objects, rows_of(*rows)))] == rows


@pytest.mark.parametrize(
    "row",
    [
        {"k" * 100_000: [dt.date(2026, 3, 1)] * 10_000},
        {"k" * 300: {"m" * 300: [(), ()] * 50_000}},
        {"a": [0.5] * 110_000},
        {"a": [()] * 330_000},
    ],
)
def test_rows_with_absurdly_many_types_come_back_and_do_not_blow_up(objects, row):
    segment = write(objects, rows_of(row))
    assert segment.size_bytes < 2_000_000
    assert [one.values for one in read_segment(objects, segment)] == [row]


def test_bytes_that_are_no_row_are_refused(objects):
    with pytest.raises(Undecodable):
        write(objects, [SegmentRow(1, "book", b"no row")])
    assert list(objects.list("")) == []


def test_a_segment_that_is_not_there_is_missing(objects):
    segment = write(objects, rows_of({"title": "A"}))
    objects.delete([segment.key])
    with pytest.raises(NoSuchObject):
        list(read_segment(objects, segment))


def test_bytes_that_were_changed_are_found(objects):
    segment = write(objects, rows_of({"title": "A"}))
    replaced(objects, segment, compressed(HEAD, ROW.replace("A", "B")))
    with pytest.raises(SegmentDamaged, match="are not those that were recorded"):
        list(read_segment(objects, segment))


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_segment_that_was_cut_off_is_found(objects, cut):
    segment = write(objects, rows_of(*({"title": f"{number}" * 50} for number in range(100))))
    objects.put(segment.key, objects.get(segment.key)[:-cut], content_type="x")
    with pytest.raises(SegmentDamaged):
        list(read_segment(objects, segment))


@pytest.mark.parametrize("more", [b"x", b"x" * 1_000_000, compressed(ROW)])
def test_bytes_behind_its_end_are_found(objects, more):
    segment = write(objects, rows_of({"title": "A"}))
    objects.put(segment.key, objects.get(segment.key) + more, content_type="x")
    with pytest.raises(SegmentDamaged):
        list(read_segment(objects, segment))


def test_bytes_behind_its_end_are_found_also_behind_the_last_that_are_needed(objects, monkeypatch):
    segment = write(objects, rows_of({"title": "A"}))
    content = objects.get(segment.key)
    monkeypatch.setattr(segments, "_CHUNK_BYTES", len(content))
    objects.put(segment.key, content + b"more", content_type="x")
    with pytest.raises(SegmentDamaged):
        list(read_segment(objects, segment))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it cannot be read"),
        (b"not compressed", "it cannot be read"),
        (compressed(HEAD), "holds {} rows, not {'book': 1}"),
        (compressed(HEAD, ROW, ROW), "holds {'book': 2} rows, not {'book': 1}"),
        (compressed(HEAD, ROW.replace("book", "bock")), "holds {'bock': 1} rows"),
        (compressed(HEAD.replace('"version":1', '"version":2'), ROW), "version 2 of the format; this reader knows 1"),
        (compressed(HEAD.replace('"number":1', '"number":2'), ROW), "it says that it is segment 2, not 1"),
        (compressed(HEAD.replace("acme", "else"), ROW), "it says that it is of job monday of else"),
        (compressed(ROW), "it cannot be read"),
        (compressed(HEAD, "no json"), "it cannot be read"),
        (compressed(HEAD, ROW.replace('"7"', '"x"')), "it cannot be read"),
        (compressed(HEAD, ROW[:-1] + ',"types":{"/nowhere":"date"}}'), "it cannot be read"),
        (zstandard.ZstdCompressor().compress(f"{HEAD}\n{ROW}".encode()), "it ends within a line"),
        (compressed(HEAD, " " * 10_000_000), "a line is longer than"),
    ],
)
def test_what_is_no_segment_or_another_one_is_said(objects, content, says):
    segment = replaced(objects, write(objects, rows_of({"title": "A"})), content)
    with pytest.raises(SegmentDamaged) as caught:
        list(read_segment(objects, segment))
    assert says in str(caught.value)
    assert segment.key in str(caught.value)


def chain(objects, count=4):
    made = []
    for number in range(1, count + 1):
        previous = made[-1].digest if made else ""
        made.append(write(objects, rows_of({"n": number}), number=number, previous=previous, last=f"{number}-1"))
    return made


def test_a_whole_chain_is_accepted(objects):
    check_chain(chain(objects))
    check_chain([])


@pytest.mark.parametrize(
    "broken",
    [
        lambda made: made[1:],
        lambda made: [replace(made[0], number=2)],
        lambda made: [made[0], *made[2:]],
        lambda made: [made[0], made[2], made[1], made[3]],
        lambda made: [*made, made[-1]],
        lambda made: [replace(made[0], last="other"), *made[1:]],
        lambda made: [*made[:2], replace(made[2], sha256="0" * 64), made[3]],
        lambda made: [replace(made[0], previous="x"), *made[1:]],
    ],
)
def test_a_chain_with_a_gap_or_an_exchanged_link_is_refused(objects, broken):
    with pytest.raises(SegmentDamaged):
        check_chain(broken(chain(objects)))
