"""A log of a gigabyte in an S3: its end, its errors and a word in it are answered in 300 ms.

Run by `make bench-logs`, on an idle machine.
"""

from __future__ import annotations

import secrets
import statistics
import time

import pytest
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

from crawler.exports.keys import JobKeys
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.joblogs.lines import Level
from crawler.joblogs.pieces import (
    CONTENT_TYPE,
    PIECE_BYTES,
    PIECES_OF_INDEX,
    Index,
    Piece,
    describe,
    encode_index,
    index_key,
    pack,
    piece_key,
)
from crawler.joblogs.reader import IndexCache, JobLogs

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

GIB = 1024**3
MOST_S = 0.3
CALLS = 20

KEYS = JobKeys("acme", "monday")


def _lines(block: int, size: int) -> bytes:
    """Lines of a crawl that are all different."""
    made, total, number = [], 0, 0
    while total < size:
        line = f"2026-11-29 12:00:00 [scrapy.core.engine] DEBUG: Crawled (200) <GET http://a/{block}/{number}> (None)\n"
        made.append(line)
        total += len(line)
        number += 1
    return "".join(made).encode()


@pytest.fixture(scope="module")
def objects(seaweed):
    """A place of their own in an S3."""
    return S3ObjectStore(
        bucket=BUCKET, prefix=f"logs-{secrets.token_hex(4)}", endpoint_url=seaweed.url,
        credentials=(ACCESS_KEY, SECRET_KEY, None),
    )  # fmt: skip


@pytest.fixture(scope="module")
def log(objects):
    """A worker's log with one error, and words that are nowhere else, in the midst of it.

    Its bytes repeat after eight pieces, which makes it quick to write and no quicker to read.
    """
    blocks = [_lines(block, PIECE_BYTES - 1000) for block in range(8)]
    blocks.append(blocks[0] + b"2026-11-29 12:00:00 [a] ERROR: The needle is here\n")
    packed, said = [pack(block) for block in blocks], [describe(block, start=0) for block in blocks]
    pieces, start = [], 0
    for number in range(1, GIB // PIECE_BYTES + 1):
        kind = 8 if number == 600 else number % 8
        objects.put(piece_key(KEYS, seat="5ea7", number=number), packed[kind], content_type=CONTENT_TYPE)
        pieces.append(Piece(start, said[kind].size, said[kind].records, said[kind].last, said[kind].grams))
        start += said[kind].size
    for number, first in enumerate(range(0, len(pieces), PIECES_OF_INDEX), 1):
        index = Index(
            seat="5ea7", number=number, start=pieces[first].start, ended=first + PIECES_OF_INDEX >= len(pieces),
            pieces=tuple(pieces[first : first + PIECES_OF_INDEX]),
        )  # fmt: skip
        key = index_key(KEYS, started_ms=1, seat="5ea7", number=number)
        objects.put(key, encode_index(index), content_type=CONTENT_TYPE)


def _answers(objects, cache, **asked):
    """Seconds of each call that it takes to find what is asked for, and what was found."""
    logs, took, place, found = JobLogs(objects, KEYS, cache=cache), [], None, []
    while not found:
        began = time.perf_counter()
        page = logs.newest(limit=100, before=place, **asked)
        took.append(time.perf_counter() - began)
        found, place = page.records, page.earlier
        if place is None:
            break
    return took, found


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 100),
        ({"level": Level.ERROR}, 1),
        ({"text": "the needle"}, 1),
        ({"text": "no such words"}, 0),
        ({"text": "crawled (200) <get http://a/3/77>"}, 100),
    ],
    ids=["tail", "errors", "a rare word", "an absent word", "a frequent word"],
)
@pytest.mark.usefixtures("log")
def test_a_gigabyte_is_answered_in_300_ms(objects, asked, count, record_property):
    cold, found = _answers(objects, IndexCache(), **asked)
    assert len(found) <= count
    assert bool(found) == bool(count)
    cache, warm = IndexCache(), []
    _answers(objects, cache, **asked)
    began = time.process_time()
    for _ in range(CALLS):
        warm += _answers(objects, cache, **asked)[0]
    record_property("cold_s", [round(seconds, 3) for seconds in cold])
    record_property("warm_median_s", round(statistics.median(warm), 3))
    cpu_s = (time.process_time() - began) / len(warm)
    print(
        f"{asked}: cold {[f'{each:.3f}' for each in cold]}, warm median {statistics.median(warm):.3f} s,"
        f" longest {max(warm):.3f} s, processor time {cpu_s:.3f} s a call, {len(warm) // CALLS} calls"
    )
    assert max(cold) < MOST_S
    assert max(warm) < MOST_S
