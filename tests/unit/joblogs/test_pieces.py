"""Indexes say what pieces have, and nothing that they do not have."""

from __future__ import annotations

import pytest

from crawler.exports.keys import JobKeys
from crawler.joblogs.pieces import (
    PIECES_OF_INDEX,
    Index,
    IndexKey,
    decode_index,
    describe,
    encode_index,
    index_key,
    index_prefix,
    pack,
    piece_key,
    read_index_key,
    unpack,
)

KEYS = JobKeys(client="acme", job="monday")
LINE = b"2026-11-29 12:00:01 [a] INFO: Crawled (200) <GET http://shop.example/Page-17>\n"


def test_a_piece_may_have_what_it_has_and_not_what_it_has_not():
    piece = describe(LINE * 3, start=10)
    assert (piece.start, piece.end, piece.last) == (10, 10 + 3 * len(LINE), "2026-11-29 12:00:01")
    assert piece.records == (0, 3, 0, 0, 0)
    assert piece.may_have(least=1, text=b"page-17")
    assert piece.may_have(least=0, text=b"a")
    assert not piece.may_have(least=2, text=b"")
    assert not piece.may_have(least=0, text=b"timeout")


def test_an_index_comes_back_and_anything_else_is_refused():
    index = Index(seat="ab12", node="n", worker="w", number=2, start=7, pieces=(describe(LINE, start=7),))
    assert decode_index(encode_index(index)) == index
    assert (index.end, index.number_of(0), index.is_sealed) == (7 + len(LINE), PIECES_OF_INDEX + 1, False)
    with pytest.raises(ValueError, match="no index"):
        decode_index(b"x")
    with pytest.raises(ValueError, match="version 9"):
        decode_index(encode_index(Index(v=9, seat="a")))
    with pytest.raises(ValueError, match="no piece"):
        unpack(b"x")
    assert unpack(pack(LINE)) == LINE


def test_keys_say_what_they_are_of():
    key = index_key(KEYS, started_ms=5, seat="ab12", number=3)
    assert key == "acme/monday/log/i-000000000000005-ab12-0003.zst"
    assert key.startswith(index_prefix(KEYS))
    assert read_index_key(key) == IndexKey(5, "ab12", 3)
    assert read_index_key(piece_key(KEYS, seat="ab12", number=3)) is None
