from __future__ import annotations

import pytest
from audit_forgeries import KEY, an_audit

from crawler.audit.anchors import anchors, pieces, put_anchor, put_piece, read_piece
from crawler.audit.chain import Entry, anchored, sealed
from crawler.errors import AuditDamaged, InvalidJob
from crawler.exports.keys import AUDIT, check_client, kind_of
from crawler.exports.objects_folder import FolderObjectStore


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path)


def test_anchors_come_back_in_the_order_of_their_times(objects):
    audit = an_audit(9)
    made = [anchored(KEY, audit.seals[number], at_ms=5_000 - number) for number in (2, 5, 8)]
    for anchor in (*made, made[0]):
        put_anchor(objects, anchor)
    objects.put(f"{AUDIT}/anchors/readme.txt", b"not ours", content_type="text/plain")
    assert anchors(objects) == made[::-1]


def test_a_piece_comes_back_as_it_was_put_even_with_bytes_that_are_no_text(objects):
    audit = an_audit(6)
    strange = Entry(id="9000-0", fields=(b"words", b"\xff\x00\xfe"))
    entries = [*audit.entries, strange]
    seals = [*audit.seals, *sealed(KEY, audit.head, [strange])]
    later = put_piece(objects, entries[4:], seals[4:])
    first = put_piece(objects, entries[:4], seals[:4])
    assert pieces(objects) == [first, later]
    assert read_piece(objects, first) == (entries[:4], seals[:4])
    assert read_piece(objects, later) == (entries[4:], seals[4:])
    assert (first.first, first.last, first.last_id, later.last) == (1, 4, "1030-0", 7)


@pytest.mark.parametrize("body", [b"", b"no zstd"])
def test_a_piece_that_is_none_is_refused_by_its_name(objects, body):
    audit = an_audit(2)
    piece = put_piece(objects, audit.entries, audit.seals)
    objects.put(piece.key, body, content_type="application/zstd")
    with pytest.raises(AuditDamaged, match="is no piece of the audit"):
        read_piece(objects, piece)
    objects.delete([piece.key])
    with pytest.raises(AuditDamaged, match="is no piece of the audit"):
        read_piece(objects, piece)


def test_what_the_audit_has_in_the_storage_can_be_no_clients(objects):
    audit = an_audit(2)
    put_anchor(objects, anchored(KEY, audit.head, at_ms=1))
    piece = put_piece(objects, audit.entries, audit.seals)
    kinds = sorted(kind_of(info.key) or "" for info in objects.list(f"{AUDIT}/"))
    assert kinds == ["anchor", "entries"]
    with pytest.raises(InvalidJob, match="is no id of a client"):
        check_client(piece.key.partition("/")[0])
