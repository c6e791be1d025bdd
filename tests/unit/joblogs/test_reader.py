"""What workers write is read as it was written: from its end, on from a place, and only what is looked for."""

from __future__ import annotations

import pytest

from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.joblogs.pieces import PIECE_BYTES, PIECES_OF_INDEX
from crawler.joblogs.reader import JobLogs
from crawler.joblogs.writer import LogWriter

KEYS = JobKeys(client="acme", job="monday")


def line(second, text, level="INFO"):
    return f"2026-11-29 12:{second // 60:02}:{second % 60:02} [a] {level}: {text}\n"


class Worker:
    """One that writes: `worker.says("text")`, `worker.flush()`."""

    def __init__(self, objects, folder, seat, *, started_ms=1, **options):
        self.path = folder / f"{seat}.log"
        self.path.touch()
        self.writer = LogWriter(
            objects, KEYS, path=self.path, seat=seat, node="node-1", worker=f"node-1-{seat}", started_ms=started_ms,
            **options,
        )  # fmt: skip

    def says(self, text, *, flush=True, ended=False):
        with self.path.open("a") as file:
            file.write(text)
        if flush or ended:
            self.writer.flush(ended=ended)


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def worker(objects, tmp_path):
    return lambda seat="s1", **options: Worker(objects, tmp_path, seat, **options)


@pytest.fixture
def logs(objects):
    return JobLogs(objects, KEYS, budget_s=60)


def texts(page):
    return [record.text.partition(": ")[2] for record in page.records]


def all_backwards(logs, *, limit, **asked):
    """Every record, read from the end page by page."""
    pages = [logs.newest(limit=limit, **asked)]
    while pages[-1].earlier is not None:
        pages.append(logs.newest(limit=limit, before=pages[-1].earlier, **asked))
    return [text for page in reversed(pages) for text in texts(page)]


def all_forwards(logs, places, *, limit, **asked):
    """Every record behind a place, page by page."""
    found = []
    while page := logs.after(places, limit=limit, **asked):
        places = page.next
        found += texts(page)
        if not page.records:
            return found, places
    raise AssertionError("a page is always there")


def test_the_last_records_of_all_workers_come_in_the_order_of_their_times(worker, logs):
    one, two = worker("s1"), worker("s2", started_ms=2)
    one.says(line(1, "a") + line(3, "c"))
    two.says(line(2, "b") + line(4, "d"), ended=True)
    page = logs.newest(limit=3)
    assert texts(page) == ["b", "c", "d"]
    assert page.records[0].worker == "node-1-s2"
    assert texts(logs.newest(limit=3, before=page.earlier)) == ["a"]
    assert logs.newest(limit=3, before=page.earlier).earlier is None
    assert texts(logs.newest(limit=9, worker="node-1-s1")) == ["a", "c"]


def test_a_job_without_logs_has_none(logs):
    page = logs.newest(limit=10)
    assert (page.records, page.earlier, logs.is_empty) == ((), None, True)
    assert logs.after(page.next, limit=10).records == ()


def test_a_reader_goes_on_where_it_was_whoever_comes_and_goes(worker, logs):
    one = worker("s1")
    one.says(line(1, "a"))
    places = logs.newest(limit=10).next
    assert logs.after(places, limit=10).records == ()
    one.says(line(2, "b") + "cut in the mid")
    two = worker("s2", started_ms=2)
    two.says(line(3, "c") + line(4, "d"), ended=True)
    one.says("st\n", ended=True)
    found, places = all_forwards(logs, places, limit=1)
    assert found == ["b\ncut in the midst", "c", "d"]
    assert logs.after(places, limit=10).records == ()


def test_levels_and_texts_are_looked_for_in_all_of_a_long_log(worker, logs):
    one = worker()
    total, rare = 20_000, {5, 8_000, 19_999}
    filler = "x" * 80
    said = [(f"Page {n} Needle", "ERROR") if n in rare else (f"{n} {filler}", "INFO") for n in range(total)]
    one.says("".join(line(n // 12, text, level) for n, (text, level) in enumerate(said)), ended=True)
    assert len(one.writer._index.pieces) >= 3
    expected = [f"Page {n} Needle" for n in sorted(rare)]
    assert all_backwards(logs, limit=2, level="error") == expected
    assert all_backwards(logs, limit=100, text="nEEDLE") == expected
    assert all_backwards(logs, limit=100, text="no such text") == []
    every = all_backwards(logs, limit=4000)
    assert len(every) == total
    assert every == all_forwards(logs, logs.newest(limit=1, before=None, worker="nobody").next, limit=4000)[0]


def test_a_log_in_pieces_is_the_log_and_the_last_piece_grows(worker, logs, objects):
    one = worker()
    said = [f"{n} {'y' * 1000}" for n in range(1500)]
    for at in range(0, len(said), 100):
        one.says("".join(line(n, said[n]) for n in range(at, at + 100)))
        assert texts(logs.newest(limit=1)) == [said[at + 99]]
    assert all_backwards(logs, limit=500) == said
    pieces = [info.key for info in objects.list(KEYS.log_prefix + "p-")]
    assert len(pieces) == 2


def test_a_record_longer_than_a_piece_and_a_log_without_any_record_are_kept(worker, logs, objects):
    one = worker()
    one.says("z" * (5 * PIECE_BYTES) + "\n" + line(1, "a"), ended=True)
    assert texts(logs.newest(limit=1)) == ["a"]
    size = sum(piece.size for piece in one.writer._index.pieces)
    assert size == one.path.stat().st_size


def test_of_a_very_long_log_the_newest_pieces_are_kept(worker, logs, objects, monkeypatch):
    monkeypatch.setattr("crawler.joblogs.writer.PIECE_BYTES", 1000)
    one = worker(max_pieces=PIECES_OF_INDEX)
    total = 3 * PIECES_OF_INDEX
    one.says("".join(line(n, f"{n} {'x' * 900}") for n in range(total)), ended=True)
    found = [int(text.split()[0]) for text in all_backwards(logs, limit=1000)]
    assert found == list(range(total))[-len(found) :]
    assert PIECES_OF_INDEX <= len(found) <= PIECES_OF_INDEX + 2
    assert len([*objects.list(KEYS.log_prefix)]) < PIECES_OF_INDEX + 6


def test_a_call_without_time_comes_a_step_further_all_the_same(worker, objects):
    worker("s1").says("".join(line(n, str(n)) for n in range(20)), ended=True)
    worker("s2", started_ms=2).says("".join(line(n, str(n)) for n in range(20)))
    hurried = JobLogs(objects, KEYS, budget_s=0)
    assert len(all_backwards(hurried, limit=100)) == 40


def test_what_a_flush_could_not_put_the_next_one_does(worker, logs, objects, monkeypatch):
    one = worker()
    one.says(line(1, "a"))
    with monkeypatch.context() as away:
        away.setattr(objects, "put", lambda *_, **__: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            one.says("".join(line(n, f"{n} {'x' * 1000}") for n in range(2000)))
        with pytest.raises(OSError, match="away"):
            one.writer.flush()
    one.says(line(2, "b"), ended=True)
    assert len(all_backwards(logs, limit=1000)) == 2002
