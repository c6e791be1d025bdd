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
from crawler.joblogs import writer
from crawler.joblogs.lines import Level
from crawler.joblogs.pieces import describe
from crawler.joblogs.reader import IndexCache, JobLogs

pytestmark = pytest.mark.bench

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
def log(objects, tmp_path_factory):
    """A worker's log with one error, and words that are nowhere else, in the midst of it; put as nodes put it.

    Pieces repeat after a while, so what an index says of one is made once.
    """
    path = tmp_path_factory.mktemp("log") / "worker.log"
    rare = b"2026-11-29 12:00:00 [a] ERROR: The needle is here\n"
    blocks = [_lines(block, 1_000_000) for block in range(8)]
    known = {}

    def described(raw, *, start):
        piece = known.setdefault(hash(raw), describe(raw, start=0))
        return type(piece)(start, piece.size, piece.records, piece.last, piece.grams)

    with path.open("wb") as file:
        for number in range(GIB // 1_000_000):
            file.write(blocks[number % 8])
            if number == 600:
                file.write(rare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "describe", described)
        one = writer.LogWriter(objects, KEYS, path=path, seat="5ea7", node="n", worker="n/1/5ea7", started_ms=1)
        one.flush(ended=True)
    return path


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
    for _ in range(CALLS):
        warm += _answers(objects, cache, **asked)[0]
    record_property("cold_s", [round(seconds, 3) for seconds in cold])
    record_property("warm_median_s", round(statistics.median(warm), 3))
    print(f"{asked}: cold {[f'{each:.3f}' for each in cold]}, warm median {statistics.median(warm):.3f} s")
    assert max(cold) < MOST_S
    assert max(warm) < MOST_S
