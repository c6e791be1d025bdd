"""What a job leaves for whoever fetches its failed pages again: one object beside its files, named by its manifest.

It holds the failed pages with their requests, and all ids that the job knew: of pages, of keys of rows, of unique
values. Zstandard over msgpack: a header, failed pages, sets of ids in pieces, and an end, without which it is not
whole. It is as private as the rows.
"""

from __future__ import annotations

import array
import contextlib
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, cast

import msgspec
import zstandard

from crawler.errors import ReplayDamaged
from crawler.jobs.failed_pages import FailedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/zstd"

#: Ids in one piece: a piece is what is in memory at once.
_PIECE: Final = 50_000

#: Random ids cannot be compressed; requests can.
_LEVEL: Final = 1

_READ_BYTES: Final = 256 * 1024

#: More than any entry has.
_MAX_ENTRY_BYTES: Final = 16 * 1024 * 1024

_HEADER, _FAILED, _IDS, _END = "header", "failed", "ids", "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIds:
    """Ids of a set of the frontier, as the store has them: 64 bits with a sign."""

    name: str
    ids: Sequence[int]


class ReplayWriter:
    """Writes it to a file; whole when the context ends without an error."""

    def __init__(self, path: Path, keys: JobKeys) -> None:
        self._path = path
        self._keys = keys
        self._encoder = msgspec.msgpack.Encoder()
        self._files = contextlib.ExitStack()

    def __enter__(self) -> Self:
        file = self._files.enter_context(self._path.open("wb"))
        self._file = self._files.enter_context(
            zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).stream_writer(file)
        )
        self._write(_HEADER, VERSION, self._keys.client, self._keys.job)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._write(_END)
        self._files.close()

    def add_failed(self, page: FailedPage) -> None:
        """A page that failed. They come before all ids."""
        self._write(_FAILED, page.id, page.outcome, page.host, page.stored)

    def add_ids(self, name: str, ids: Sequence[int]) -> None:
        """Ids of a set, or some of them."""
        for first in range(0, len(ids), _PIECE):
            packed = array.array("q", ids[first : first + _PIECE])
            if sys.byteorder == "big":
                packed.byteswap()
            self._write(_IDS, name, packed.tobytes())

    def _write(self, *entry: Any) -> None:
        encoded = self._encoder.encode(entry)
        self._file.write(len(encoded).to_bytes(4, "little") + encoded)


def read_replay(objects: ObjectStore, key: str) -> Iterator[FailedPage | KnownIds]:
    """What was written: failed pages first, then ids, as they are read.

    Raises:
        ReplayDamaged: it is something else, or not whole; what came before that must not be used.
        NoSuchObject: it is not there.
        ObjectStoreError: it cannot be read.
    """
    with objects.open(key) as file:
        try:
            yield from _entries(zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", file)))
        except (zstandard.ZstdError, msgspec.DecodeError, ValueError, TypeError) as error:
            raise ReplayDamaged(f"{key}: it cannot be read: {error}") from error


def _entries(stream: zstandard.ZstdDecompressionReader) -> Iterator[FailedPage | KnownIds]:
    kind, version, *_ = _entry(stream)
    if (kind, version) != (_HEADER, VERSION):
        raise ValueError(f"it begins with {kind} {version}; this reader knows version {VERSION}")
    while True:
        kind, *values = _entry(stream)
        if kind == _END:
            return
        if kind == _FAILED:
            page, outcome, host, stored = values
            yield FailedPage(id=page, outcome=outcome, host=host, stored=stored)
        elif kind == _IDS:
            ids = array.array("q", values[1])
            if sys.byteorder == "big":
                ids.byteswap()
            yield KnownIds(name=values[0], ids=ids)
        else:
            raise ValueError(f"an entry of an unknown kind: {kind!r}")


def _entry(stream: zstandard.ZstdDecompressionReader) -> list[Any]:
    size = int.from_bytes(_exactly(stream, 4), "little")
    if size > _MAX_ENTRY_BYTES:
        raise ValueError(f"an entry of {size:,} bytes")
    entry: list[Any] = msgspec.msgpack.decode(_exactly(stream, size), type=list)
    return entry


def _exactly(stream: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = stream.read(min(_READ_BYTES, size - len(content)))
        if not part:
            raise ValueError("it ends within an entry")
        content += part
    return content
