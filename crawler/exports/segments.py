"""Segments: pieces of a job's rows as objects, written once, read in the order of their numbers.

A segment is a zstd-compressed file of JSON lines in UTF-8. The first line says what it is, each further one is a row:

    {"version":1,"client":"acme","job":"monday","number":1}
    {"item":"book","page":"7312406","row":{"title":"The Salt Road","price":51.77}}

How a row keeps the types of its values is told in `exact_json`; one for which that would be too long is `packed`. Which
segments count is not known here: the store's record says it, with the size, the hash and the number of rows, which are
checked when a segment is read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, cast

import msgspec
import zstandard

from crawler.errors import SegmentDamaged
from crawler.exports.exact_json import TypesTooLong, json_of, restore
from crawler.jobs.rows import MAX_ROW_BYTES, decode_row
from crawler.jobs.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/zstd"

#: zstd's own default: a fifth of the size at several hundred MB a second.
_LEVEL: Final = 3

#: So many bytes of lines are compressed, and decompressed, at once.
_CHUNK_BYTES: Final = 256 * 1024

#: JSON writes a control character as six bytes; no row is longer than that.
_MAX_LINE_BYTES: Final = 6 * MAX_ROW_BYTES + 64 * 1024

#: A reader needs that much memory for the window; what asks for more is not ours.
_MAX_WINDOW_BYTES: Final = 8 * 1024 * 1024

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class EncodedRow(Protocol):
    """A row as the frontier keeps it; its `StoredRow` is one."""

    @property
    def page(self) -> int:
        """Id of the page that gave it."""
        ...

    @property
    def item(self) -> str:
        """Name of its type."""
        ...

    @property
    def body(self) -> bytes:
        """What `crawler.jobs.rows.encode_row` wrote."""
        ...


class SegmentRow(NamedTuple):
    """A row to be written, see `EncodedRow`."""

    page: int
    item: str
    body: bytes


class ReadRow(NamedTuple):
    """A row that was read: the page that gave it, its type, and its values in their order.

    `change`: its sign in an incremental run, see `crawler.exports.changes`.
    """

    page: int
    item: str
    values: dict[str, Any]
    change: str = ""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    client: str = ""
    job: str = ""
    number: int = 0


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    item: str
    page: str  # 64 bits are more than a number holds in many readers of JSON
    row: dict[str, Any] = {}
    types: dict[str, str] = {}
    packed: bytes = b""  # instead of both: the row as the frontier had it


_HEADERS: Final = msgspec.json.Decoder(_Header)
_LINES: Final = msgspec.json.Decoder(_Line, float_hook=Decimal)


def write_segment(
    objects: ObjectStore, keys: JobKeys, rows: Sequence[EncodedRow], *, number: int, previous: str, last: str
) -> Segment:
    """Writes a piece of a job's rows as a new object; it counts when the store has recorded what this returns.

    Args:
        objects: where to.
        keys: of the job.
        rows: in the order of their commits.
        number: of the segment: 1, or one more than the one before.
        previous: `digest` of the segment before; "" for the first.
        last: entry of the row stream with which it ends.

    Raises:
        Undecodable: a row is none.
        ObjectStoreError: it cannot be written.
    """
    header = _Header(version=VERSION, client=keys.client, job=keys.job, number=number)
    content = _compressed(header, rows)
    segment = Segment(
        number=number,
        key=keys.new_segment(number),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        rows=dict(Counter(row.item for row in rows)),
        last=last,
        previous=previous,
    )
    objects.put(segment.key, content, content_type=CONTENT_TYPE)
    return segment


def read_segment(objects: ObjectStore, segment: Segment) -> Iterator[ReadRow]:
    """The rows of a recorded segment, as they are read: what comes before an error must not be used.

    Raises:
        SegmentDamaged: it is not what was recorded.
        NoSuchObject: it is not there.
        ObjectStoreError: it cannot be read.
    """
    found: Counter[str] = Counter()
    with objects.open(segment.key) as file:
        hashed = _Hashed(file)
        try:
            header, lines = _parsed(hashed)
            _check_header(header, segment)
            for line in lines:
                found[line.item] += 1
                yield ReadRow(int(line.page), line.item, _values(line))
        except (zstandard.ZstdError, msgspec.DecodeError, ValueError) as error:
            raise SegmentDamaged(f"{segment.key}: it cannot be read: {error}") from error
    if (hashed.sha256.hexdigest(), hashed.size) != (segment.sha256, segment.size_bytes):
        raise SegmentDamaged(f"{segment.key}: its {hashed.size:,} bytes are not those that were recorded")
    if found != segment.rows:
        raise SegmentDamaged(f"{segment.key}: it holds {dict(found)} rows, not {segment.rows} as was recorded")


def check_chain(segments: Sequence[Segment]) -> None:
    """Whether these are all segments of a job from the first one on, in their order.

    Raises:
        SegmentDamaged: one is missing, out of order or exchanged.
    """
    previous = ""
    for number, segment in enumerate(segments, 1):
        if segment.number != number:
            raise SegmentDamaged(f"{segment.key}: segment {segment.number} stands where {number} should")
        if segment.previous != previous:
            raise SegmentDamaged(f"{segment.key}: segment {number} does not follow the one before it")
        previous = segment.digest


def _compressed(header: _Header, rows: Iterable[EncodedRow]) -> bytes:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
    pieces: list[bytes] = []
    lines = bytearray(_ENCODER.encode(header) + b"\n")
    for row in rows:
        lines += _encoded(row)
        lines += b"\n"
        if len(lines) >= _CHUNK_BYTES:
            pieces.append(compressor.compress(bytes(lines)))
            lines.clear()
    pieces += (compressor.compress(bytes(lines)), compressor.flush())
    return b"".join(pieces)


def _encoded(row: EncodedRow) -> bytes:
    """A row's line; packed if JSON would make it absurdly long, which nothing but an attack does."""
    page = str(row.page)
    try:
        values, types = json_of(decode_row(row.body))
    except TypesTooLong:
        pass
    else:
        line = _ENCODER.encode(_Line(item=row.item, page=page, row=values, types=types))
        if len(line) <= _MAX_LINE_BYTES:
            return line
    return _ENCODER.encode(_Line(item=row.item, page=page, packed=row.body))


def _values(line: _Line) -> dict[str, Any]:
    if line.packed:
        return decode_row(line.packed)
    return restore(line.row, line.types) if line.types else line.row


def _check_header(header: _Header, segment: Segment) -> None:
    """Whether the object is what its key says.

    Raises:
        SegmentDamaged: it is another one.
    """
    if header.version != VERSION:
        raise SegmentDamaged(f"{segment.key}: version {header.version} of the format; this reader knows {VERSION}")
    if not segment.key.startswith(f"{header.client}/{header.job}/"):
        raise SegmentDamaged(f"{segment.key}: it says that it is of job {header.job} of {header.client}")
    if header.number != segment.number:
        raise SegmentDamaged(f"{segment.key}: it says that it is segment {header.number}, not {segment.number}")


def _parsed(file: _Hashed) -> tuple[_Header, Iterator[_Line]]:
    """The first line, and those after it as they come."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    chunks = _whole_lines(decompressor.stream_reader(cast("IO[bytes]", file), read_size=_CHUNK_BYTES))
    head, _, rest = next(chunks, b"").partition(b"\n")
    header = _HEADERS.decode(head)
    return header, _decoded(rest, chunks)


def _decoded(first: bytes, chunks: Iterator[bytes]) -> Iterator[_Line]:
    yield from _LINES.decode_lines(first)
    for chunk in chunks:
        yield from _LINES.decode_lines(chunk)


def _whole_lines(stream: zstandard.ZstdDecompressionReader) -> Iterator[bytes]:
    """The stream in pieces that end with a line.

    Raises:
        ValueError: it ends within a line, or a line is longer than any row.
    """
    begun = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield bytes(begun) + chunk[:end]
            begun.clear()
        begun += chunk[end:]
        if len(begun) > _MAX_LINE_BYTES:
            raise ValueError(f"a line is longer than {_MAX_LINE_BYTES:,} bytes")
    if begun:
        raise ValueError("it ends within a line")


class _Hashed:
    """A file that notes what was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256 = hashlib.sha256()
        self.size = 0
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        chunk = self._file.read(size)
        self.sha256.update(chunk)
        self.size += len(chunk)
        return chunk
