"""How a worker's log lies in the storage of files: pieces with its bytes, and indexes that say what is in them.

    CLIENT/JOB/log/p-SEAT-000001.zst             the first piece: about 1 MiB of whole records, zstd-compressed
    CLIENT/JOB/log/i-STARTED-SEAT-0001.zst       what is in pieces 1 to 64; STARTED in ms since 1970, with 15 digits

The last piece of a worker that runs grows: it is put again with each flush, and is in no index before it is full. An
index says how many records of each level a piece has, and, in a bitmap, which three letters follow each other in it:
who looks for a word, or for errors, reads the few pieces that may have them. Knows neither who writes nor who reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec
import zstandard

from crawler.joblogs.lines import LEVELS, records_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.exports.keys import JobKeys

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/zstd"

#: A piece is full at so many bytes of log.
PIECE_BYTES: Final = 1024 * 1024

#: A record that is longer is cut into pieces in its midst.
MAX_PIECE_BYTES: Final = 4 * PIECE_BYTES

#: Pieces that one index is about.
PIECES_OF_INDEX: Final = 64

#: Bits for the triples of letters in a piece; a megabyte of log has some 20,000 different ones.
_GRAM_BITS: Final = 1 << 16

_INDEX_NAME: Final = re.compile(r"i-(\d{15})-([A-Za-z0-9]+)-(\d{4,})\.zst", re.ASCII)

_LEVEL: Final = 3


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A piece that is full, as its index has it.

    Attributes:
        start: where it begins in the log of its worker.
        size: its bytes.
        records: how many it has of each level, as in `LEVELS`.
        last: when its last record was written, to the second; "" if it does not say.
        grams: bitmap of the triples of letters in it.
    """

    start: int
    size: int
    records: tuple[int, ...]
    last: str
    grams: bytes

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.start + self.size

    def may_have(self, *, least: int, text: bytes) -> bool:
        """Whether there may be a record with a level of that rank or a higher one, and with the text, in lower case."""
        return any(self.records[least:]) and all(self.grams[gram >> 3] & (1 << (gram & 7)) for gram in _grams(text))


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a worker's log.

    Attributes:
        v: version of the format.
        seat: token of the seat that the worker had.
        node: where it ran.
        worker: its name.
        number: of this index, from 1.
        start: where the first of its pieces begins in the log.
        pieces: those that are full, in their order.
        ended: nothing more will come.
    """

    v: int = VERSION
    seat: str
    node: str = ""
    worker: str = ""
    number: int = 1
    start: int = 0
    pieces: tuple[Piece, ...] = ()
    ended: bool = False

    @property
    def is_sealed(self) -> bool:
        """Whether it changes no more."""
        return self.ended or len(self.pieces) >= PIECES_OF_INDEX

    @property
    def end(self) -> int:
        """Where the log goes on behind its pieces."""
        return self.pieces[-1].end if self.pieces else self.start

    def number_of(self, at: int) -> int:
        """Number of the piece at a place of `pieces`; that of the one which grows, behind the last."""
        return (self.number - 1) * PIECES_OF_INDEX + at + 1


class IndexKey(msgspec.Struct, frozen=True, order=True):
    """What the key of an index says: when its worker began (ms since 1970), the seat, the number of the index."""

    started_ms: int
    seat: str
    number: int


def index_prefix(keys: JobKeys) -> str:
    """What the keys of all indexes of a job begin with."""
    return keys.log("i-")


def index_key(keys: JobKeys, *, started_ms: int, seat: str, number: int) -> str:
    """The key of an index."""
    return keys.log(f"i-{started_ms:015}-{seat}-{number:04}.zst")


def read_index_key(key: str) -> IndexKey | None:
    """What a key says; None if it is not that of an index."""
    match = _INDEX_NAME.fullmatch(key.rpartition("/")[2])
    return IndexKey(int(match[1]), match[2], int(match[3])) if match else None


def piece_key(keys: JobKeys, *, seat: str, number: int) -> str:
    """The key of a piece."""
    return keys.log(f"p-{seat}-{number:06}.zst")


def describe(raw: bytes, *, start: int) -> Piece:
    """What an index says of a piece that is full."""
    counts, last = [0] * len(LEVELS), ""
    for found in records_in(raw):
        counts[found.rank] += 1
        last = found.time or last
    grams = bytearray(_GRAM_BITS >> 3)
    for gram in _grams(raw.lower()):
        grams[gram >> 3] |= 1 << (gram & 7)
    return Piece(start, len(raw), tuple(counts), last, bytes(grams))


def pack(raw: bytes) -> bytes:
    """The object of a piece."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(raw)


def unpack(packed: bytes) -> bytes:
    """The bytes of a piece.

    Raises:
        ValueError: it is none.
    """
    try:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=2 * MAX_PIECE_BYTES)
    except zstandard.ZstdError as error:
        raise ValueError(f"no piece of a log: {error}") from error


def encode_index(index: Index) -> bytes:
    """The object of an index."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(msgspec.msgpack.encode(index))


def decode_index(packed: bytes) -> Index:
    """The index that `encode_index` wrote.

    Raises:
        ValueError: no index, or one of another version.
    """
    try:
        index = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(packed), type=Index)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise ValueError(f"no index of a log: {error}") from error
    if index.v != VERSION:
        raise ValueError(f"an index of version {index.v}; this reader knows {VERSION}")
    return index


def _grams(text: bytes) -> Sequence[int]:
    """The bits of all triples in it; none of a text that is shorter."""
    return [crc32(bytes(gram)) % _GRAM_BITS for gram in set(zip(text, text[1:], text[2:], strict=False))]
