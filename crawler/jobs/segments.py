"""The recorded segments of a job: which pieces of its rows are objects by now, in one unbroken chain.

A segment counts from the moment at which the store has recorded it; an object that is not recorded does not exist.
Only values are here: how a segment is written is the business of `crawler.exports.segments`, how it is recorded that of
the frontier, whose rows it takes away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from crawler.jobs.rows import NOTE
from crawler.wire import decode_record, encode_record

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One recorded piece of a job's rows.

    Attributes:
        number: 1, 2, ... without a gap.
        key: of its object.
        sha256: of the object's bytes, in hexadecimal.
        size_bytes: of the object.
        rows: how many, by item; and notes on pages, see `crawler.jobs.rows.NOTE`.
        last: the entry of the row stream with which it ends.
        previous: `digest` of the segment before it; "" for the first.
    """

    number: int
    key: str
    sha256: str
    size_bytes: int
    rows: dict[str, int] = field(default_factory=dict)
    last: str
    previous: str = ""

    @property
    def row_count(self) -> int:
        """How many rows it has in all; notes on pages are none."""
        return sum(count for item, count in self.rows.items() if item != NOTE)

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says, in hexadecimal: the next one names it, so that none can be exchanged."""
        return hashlib.sha256(encode_segment(self)).hexdigest()


def encode_segment(segment: Segment) -> bytes:
    """The bytes of a segment's record; the same for the same segment."""
    return encode_record(segment, version=VERSION)


def decode_segment(encoded: bytes) -> Segment:
    """The record that `encode_segment` wrote.

    Raises:
        Undecodable: no such record, or one of another version.
    """
    return decode_record(encoded, Segment, version=VERSION)
