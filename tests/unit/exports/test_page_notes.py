"""Notes travel as rows do, and say only what there is to say."""

from crawler.exports.page_notes import PageNote, note_of, packed_ids, unpacked_ids
from crawler.jobs.rows import decode_row, encode_row


def test_a_note_comes_back_from_the_wire_as_it_was():
    note = PageNote(page=(1 << 64) - 1, etag='W/"1"', lastmod="2026", fetched_ms=7, rows=2, children=b"\0x")
    assert note_of(decode_row(encode_row(note.values()))) == note


def test_what_is_not_said_takes_no_room():
    assert PageNote(page=0).values() == {"page": 0}
    assert PageNote(page=1, unchanged=True).values() == {"page": 1, "unchanged": True}


def test_what_a_later_version_says_is_left_out():
    assert note_of({"page": 1, "colour": "red"}) == PageNote(page=1)


def test_ids_are_packed_without_loss():
    ids = [0, 1, (1 << 64) - 1]
    assert list(unpacked_ids(packed_ids(ids))) == ids
