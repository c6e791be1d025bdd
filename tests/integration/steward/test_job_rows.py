"""`crawlery job rows` reads what is in segments and what is still in the store as one, also while rows move."""

from __future__ import annotations

import io

import pytest
from goods_and_faults import KEYS, goods

from crawler.cli.groups import CommandFailed
from crawler.cli.job_rows import JobRows, Selection, write_rows
from crawler.exports.segments import write_segment


def move(bench, *, limit_bytes: int = 1) -> None:
    """Moves rows at the head of the stream into a segment."""
    stream = bench.rows()
    before = bench.run(stream.last())
    chunk = bench.run(stream.read(limit_bytes=limit_bytes))
    segment = write_segment(
        bench.objects,
        KEYS,
        chunk.rows,
        number=1 if before is None else before.number + 1,
        previous="" if before is None else before.digest,
        last=chunk.last,
    )
    assert bench.run(stream.record(segment, chunk))


def read(bench, rows: JobRows) -> list[str]:
    async def names() -> list[str]:
        return [values["name"] async for values in rows.read("good")]

    return bench.run(names())


@pytest.mark.parametrize("moved", [0, 1, 3, 6])
def test_rows_are_read_from_both_places_in_their_order(bench, moved):
    bench.a_job()
    bench.crawl(6)
    for _ in range(moved):
        move(bench)
    assert read(bench, JobRows(bench.rows(), bench.objects)) == goods(6)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_rows_that_move_while_they_are_read_come_once(bench, at):
    bench.a_job()
    bench.crawl(4)
    move(bench)

    class Moves:
        """A stream of which rows are taken at the `at`th call."""

        def __init__(self) -> None:
            self._stream, self._calls = bench.rows(), 0

        def __getattr__(self, name):
            async def call(*args, **options):
                self._calls += 1
                if self._calls == at:
                    await move_now()
                return await getattr(self._stream, name)(*args, **options)

            return call

    async def move_now() -> None:
        stream = bench.rows()
        before = await stream.last()
        chunk = await stream.read(limit_bytes=20)
        segment = write_segment(
            bench.objects, KEYS, chunk.rows, number=before.number + 1, previous=before.digest, last=chunk.last
        )
        assert await stream.record(segment, chunk)

    assert read(bench, JobRows(Moves(), bench.objects)) == goods(4)


def test_without_a_storage_rows_in_segments_cannot_be_read(bench):
    bench.a_job()
    bench.crawl(2)
    move(bench)
    with pytest.raises(CommandFailed, match="STORAGE_URL"):
        read(bench, JobRows(bench.rows(), None))


def test_a_csv_of_both_places_has_one_header(bench):
    bench.a_job()
    bench.crawl(2)
    move(bench)
    file = io.StringIO(newline="")
    rows = JobRows(bench.rows(), bench.objects)
    written = bench.run(write_rows(rows, file, Selection(item="good"), fmt="csv"))
    assert written.rows == 4
    assert file.getvalue().splitlines()[0] == "url,name"
    assert len(file.getvalue().splitlines()) == 5
