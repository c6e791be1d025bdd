"""Rows leave the stream as recorded segments: in order, each in exactly one, whoever records them."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import FrontierRequest, PageCommit, Reply, Row
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.segments import Segment


@pytest.fixture
def stream(clocked):
    return clocked.face(RedisRowStream(clocked.store, job="j"))


@pytest.fixture
def crawled(frontier_of):
    """Commits pages with rows: `crawled(3)` is three pages of two rows each, in calls of their own."""
    frontier, calls = frontier_of("j"), iter(range(1, 1000))

    def crawl(pages: int) -> None:
        for _ in range(pages):
            number = next(calls)
            frontier.enqueue([FrontierRequest(id=number + 1, host="a", body=b"x")])
            (lease,) = frontier.lease(worker="w", call=number, limit=1, ttl_s=60).leases
            rows = tuple(Row(item="product", body=b"%d-%d" % (number, each)) for each in (1, 2))
            frontier.commit([PageCommit(lease=lease, outcome="ok", rows=rows)])

    return crawl


def segment_of(chunk, *, number: int = 1, previous: str = "", key: str = "k") -> Segment:
    return Segment(
        number=number,
        key=key,
        sha256="s",
        size_bytes=1,
        rows={"product": len(chunk.rows)},
        last=chunk.last,
        previous=previous,
    )


def test_a_chunk_has_the_rows_at_the_head_in_whole_entries(stream, crawled):
    crawled(3)
    chunk = stream.read(limit_bytes=1)
    assert [row.body for row in chunk.rows] == [b"1-1", b"1-2"]
    assert chunk.size_bytes == 6
    everything = stream.read(limit_bytes=1_000)
    assert [row.body for row in everything.rows] == [b"%d-%d" % (n, i) for n in (1, 2, 3) for i in (1, 2)]
    assert [row.body for row in stream.read(limit_bytes=1_000, after=chunk.last).rows] == [
        b"2-1",
        b"2-2",
        b"3-1",
        b"3-2",
    ]


def test_an_empty_stream_has_no_chunk(stream):
    assert stream.read(limit_bytes=10).rows == ()
    assert stream.waiting() == (0, 0)


def test_recorded_rows_are_gone_from_the_stream_and_the_rest_stays(stream, crawled):
    crawled(3)
    assert stream.waiting()[0] == 18
    first = stream.read(limit_bytes=7)
    one = segment_of(first)
    assert stream.record(one, first)
    assert stream.segments() == (one,)
    assert stream.waiting()[0] == 6
    rest = stream.read(limit_bytes=100)
    assert [row.body for row in rest.rows] == [b"3-1", b"3-2"]
    two = segment_of(rest, number=2, previous=one.digest)
    assert stream.record(two, rest)
    assert stream.waiting() == (0, 0)
    assert stream.segments(after=1) == (two,)


def test_the_same_segment_twice_is_one(stream, crawled):
    crawled(2)
    chunk = stream.read(limit_bytes=1)
    assert stream.record(segment_of(chunk), chunk)
    assert stream.record(segment_of(chunk), chunk)
    assert len(stream.segments()) == 1
    assert stream.waiting()[0] == 6


def test_of_two_who_record_the_same_rows_one_counts(stream, crawled):
    crawled(2)
    mine = stream.read(limit_bytes=1)
    theirs = stream.read(limit_bytes=100)
    assert stream.record(segment_of(mine, key="mine"), mine)
    assert not stream.record(segment_of(theirs, key="theirs"), theirs)
    assert [segment.key for segment in stream.segments()] == ["mine"]
    assert [row.body for row in stream.read(limit_bytes=100).rows] == [b"2-1", b"2-2"]


def test_a_segment_on_another_predecessor_is_refused(stream, crawled):
    crawled(2)
    chunk = stream.read(limit_bytes=1)
    assert stream.record(segment_of(chunk), chunk)
    rest = stream.read(limit_bytes=100)
    assert not stream.record(segment_of(rest, number=2, previous="another"), rest)
    assert not stream.record(segment_of(rest, number=3, previous=""), rest)
    assert stream.waiting()[0] == 6


def test_rows_that_the_store_has_lost_since_they_were_read_are_recorded_by_nobody(stream, crawled, clocked):
    crawled(2)
    chunk = stream.read(limit_bytes=100)
    base = f"{clocked.store.prefix}:{{j}}:rows"
    clocked.run(clocked.store.command("XDEL", base, chunk.last))  # as a loss of power takes the end of all that is kept
    assert not stream.record(segment_of(chunk), chunk)
    assert stream.segments() == ()
    again = stream.read(limit_bytes=100)
    assert [row.body for row in again.rows] == [b"1-1", b"1-2"]
    assert stream.record(segment_of(again), again)


def test_other_rows_under_the_name_of_those_that_were_read_are_not_taken_for_them(stream, crawled, clocked):
    crawled(2)
    chunk = stream.read(limit_bytes=100)
    base = f"{clocked.store.prefix}:{{j}}:rows"
    clocked.run(clocked.store.command("XTRIM", base, "MAXLEN", 0))
    # What comes after a loss of power, with a clock that is behind: names that follow on the last one that was kept.
    for entry, words in ((b"1-1", ("", 2, "product", "1-1")), (chunk.last, ("", 3, "product", "2-"))):
        rows = ("product", "1", "product", "2-2") if entry == chunk.last else ()
        clocked.run(clocked.store.command("XADD", f"{base}:new", entry, *words, *rows))
    clocked.run(clocked.store.command("RENAME", f"{base}:new", base))
    assert not stream.record(segment_of(chunk), chunk)
    again = stream.read(limit_bytes=100)
    assert [row.body for row in again.rows] == [b"1-1", b"2-", b"1", b"2-2"]
    assert stream.record(segment_of(again), again)
    assert stream.waiting()[1] == 0


def test_no_pages_are_given_out_while_too_many_rows_wait(stream, crawled, frontier_of):
    crawled(2)
    stream.set_limit(11)
    frontier = frontier_of("j")
    frontier.enqueue([FrontierRequest(id=900, host="a", body=b"x")])
    assert frontier.lease(worker="v", call=1, limit=1, ttl_s=60).reply is Reply.FULL
    chunk = stream.read(limit_bytes=1)
    stream.record(segment_of(chunk), chunk)
    assert len(frontier.lease(worker="v", call=2, limit=1, ttl_s=60).leases) == 1
