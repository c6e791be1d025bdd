"""What a worker writes is put in pieces, whole whatever fails, and bounded."""

from __future__ import annotations

import pytest
from log_workers import KEYS, all_backwards, line, texts

from crawler.joblogs.pieces import PIECE_BYTES


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
    for module in ("pieces", "writer"):
        monkeypatch.setattr(f"crawler.joblogs.{module}.PIECES_OF_INDEX", 4)
    one = worker(max_pieces=8)
    total = 30
    one.says("".join(line(n, f"{n} {'x' * 900}") for n in range(total)), ended=True)
    found = [int(text.split()[0]) for text in all_backwards(logs, limit=1000)]
    assert found == list(range(total))[-len(found) :]
    assert 8 <= len(found) <= 10
    assert len([*objects.list(KEYS.log_prefix)]) < 16


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
