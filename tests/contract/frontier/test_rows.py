"""Rows count with the commit of their page: each key once, unique values once, and no more than were asked for."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import Reply, Row, RowFate
from crawler.jobs.rows import NOTE

HIGHEST = (1 << 64) - 1


@pytest.fixture
def commit(job, page):
    """Accepts, leases and commits a page with rows; gives what became of them."""

    def commit(number, *rows, outcome="ok"):
        job.add(page(number))
        return job.settle(job.take_one(), outcome, rows=rows).rows

    return commit


def book(body=b"x", **kwargs):
    return Row(item="book", body=body, **kwargs)


def read(job, limit=100):
    return [(row.page, row.item, row.body) for row in job.read_rows(limit=limit)]


def test_rows_are_read_as_they_were_committed(job, commit):
    assert commit(7, book(b"\x00\xff"), Row(item="pen")) == (RowFate.STORED, RowFate.STORED)
    commit(8)
    commit(HIGHEST, book(b"last"))
    assert read(job) == [(7, "book", b"\x00\xff"), (7, "pen", b""), (HIGHEST, "book", b"last")]
    assert job.check().rows == {"book": 2, "pen": 1}


def test_rows_of_a_stale_commit_do_not_count(job, page):
    job.add(page(7))
    lease = job.take_one()
    job.release(worker="w1")
    reply = job.settle(lease, rows=(book(key=1),))
    assert (reply.reply, reply.rows) == (Reply.STALE, ())
    assert read(job) == []
    assert job.settle(job.take_one(), rows=(book(key=1),)).rows == (RowFate.STORED,)


def test_a_second_row_with_the_same_key_is_not_kept(job, commit):
    assert commit(7, book(b"a", key=1), book(b"b", key=1)) == (RowFate.STORED, RowFate.DUPLICATE)
    assert commit(8, book(b"c", key=1), book(b"d", key=2)) == (RowFate.DUPLICATE, RowFate.STORED)
    assert [body for *_, body in read(job)] == [b"a", b"d"]
    books = job.check()
    assert (books.duplicates, books.rows) == (2, {"book": 2})


def test_keys_count_within_their_item_only(commit):
    assert commit(7, book(key=1), Row(item="pen", key=1)) == (RowFate.STORED, RowFate.STORED)


def test_rows_without_a_key_are_never_duplicates(commit):
    assert commit(7, book(), book()) == (RowFate.STORED, RowFate.STORED)


def test_keys_and_values_use_all_their_bits(commit):
    rows = [book(key=HIGHEST, unique=(HIGHEST,)), book(key=1 << 63, unique=(1 << 63,))]
    assert commit(7, *rows, book(key=HIGHEST), book(unique=(1 << 63,))) == (
        RowFate.STORED,
        RowFate.STORED,
        RowFate.DUPLICATE,
        RowFate.NOT_UNIQUE,
    )


def test_a_row_that_repeats_a_unique_value_is_not_kept_and_takes_nothing(job, commit):
    assert commit(7, book(key=1, unique=(10, 11))) == (RowFate.STORED,)
    assert commit(8, book(key=2, unique=(12, 11))) == (RowFate.NOT_UNIQUE,)
    assert commit(9, book(key=2, unique=(12,))) == (RowFate.STORED,)
    assert job.check().not_unique == 1


def test_unique_values_count_within_their_item_only(commit):
    assert commit(7, book(unique=(10,)), Row(item="pen", unique=(10,))) == (RowFate.STORED, RowFate.STORED)


def test_a_row_may_name_a_value_twice(commit):
    assert commit(7, book(unique=(10, 10))) == (RowFate.STORED,)


def test_a_known_key_is_a_duplicate_whatever_its_values(job, commit):
    commit(7, book(key=1, unique=(10,)))
    assert commit(8, book(key=1, unique=(10,))) == (RowFate.DUPLICATE,)
    assert job.check().not_unique == 0


def test_no_more_rows_are_kept_than_the_job_may_have(make_job, page):
    job = make_job(max_rows=2)
    job.add(page(7))
    rows = (book(key=1), book(key=1), Row(item="pen"), book(key=2), book(key=1), book(key=2))
    fates = job.settle(job.take_one(), rows=rows).rows
    assert [fate.value for fate in fates] == ["stored", "duplicate", "stored", "over_limit", "duplicate", "over_limit"]
    assert len(read(job)) == 2
    job.check()


def test_a_job_that_may_have_no_row_keeps_none(make_job, page):
    job = make_job(max_rows=0)
    job.add(page(7))
    assert job.settle(job.take_one(), rows=(book(),)).rows == (RowFate.OVER_LIMIT,)


def test_rows_are_read_page_by_page_and_on_from_any_of_them(job, commit):
    for number in range(4):
        commit(10 + number, book(b"a"), book(b"b"))
    parts, after = [], ""
    while part := job.read_rows(after=after, limit=5):
        parts.append([row.page for row in part])
        after = part[-1].position
    assert parts == [[10, 10, 11, 11], [12, 12, 13, 13]]


def test_a_page_is_read_whole_however_many_rows_it_has(job, commit):
    commit(7, *[book()] * 20)
    commit(8, book())
    first = job.read_rows(limit=3)
    assert [row.page for row in first] == [7] * 20
    assert [row.page for row in job.read_rows(after=first[0].position, limit=3)] == [8]


def test_rows_can_be_read_after_the_end(job, commit):
    commit(7, book(b"a"))
    job.close("done")
    assert read(job) == [(7, "book", b"a")]


def test_a_note_on_a_page_is_kept_behind_its_rows_and_counts_as_none(job, commit):
    note = Row(item=NOTE, body=b"etag")
    assert commit(7, book(b"a", key=1), note) == (RowFate.STORED, RowFate.STORED)
    assert commit(8, note, outcome="not_modified") == (RowFate.STORED,)
    assert read(job) == [(7, "book", b"a"), (7, NOTE, b"etag"), (8, NOTE, b"etag")]
    assert job.check().rows == {"book": 1}


def test_notes_take_no_room_of_the_rows_that_a_job_may_keep(make_job, page):
    job = make_job(max_rows=1)
    fates = []
    for number in (7, 8, 9):
        job.add(page(number))
        fates += job.settle(job.take_one(), rows=(Row(item=NOTE, body=b"n"), book(), Row(item=NOTE, body=b"n"))).rows
    stored, over = RowFate.STORED, RowFate.OVER_LIMIT
    assert fates == [stored, stored, stored, *[stored, over, stored] * 2]
    assert job.check().rows == {"book": 1}
