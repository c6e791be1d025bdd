"""The rows of a job on their way into files: read from the stream in whole entries, recorded as segments, then gone.

The steward's side of the frontier; workers only add rows. A segment is recorded by one script: number and predecessor
must be those that follow, and in the same moment its rows leave the stream. So each row is in the stream or in exactly
one recorded segment, whoever dies, and however many stewards there are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.frontier.words import pages_of_rows
from crawler.jobs.segments import decode_segment, encode_segment
from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.frontier.contract import StoredRow
    from crawler.jobs.segments import Segment
    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"
_RECORD: Final = load_script(_LUA, "record.lua", preludes=("frontier.lua",))
_LIMIT: Final = load_script(_LUA, "rows_limit.lua", preludes=("frontier.lua",))

#: Entries of the stream that are read in one call; one has up to 300 rows.
_ENTRIES: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Rows from the head of the stream.

    Attributes:
        rows: in the order of their commits.
        last: the entry with which they end; "" without rows.
        digest: of that entry; another one may have its name after a loss of power.
        size_bytes: of their bodies.
        oldest_ms: when the first of them was committed, ms of the store's clock; 0 without rows.
    """

    rows: tuple[StoredRow, ...] = ()
    last: str = ""
    digest: str = ""
    size_bytes: int = 0
    oldest_ms: int = 0


class RedisRowStream:
    """The rows of one job that are not in a segment yet, and the segments."""

    def __init__(self, store: Caller, *, job: str) -> None:
        self._store = store
        self._base = f"{store.prefix}:{{{job}}}:"

    async def read(self, *, limit_bytes: int, after: str = "") -> Chunk:
        """Rows of whole entries behind the entry `after`, one entry at least, until they are `limit_bytes` or more.

        Raises:
            StoreError: the store refuses us.
        """
        rows: list[StoredRow] = []
        last, size, oldest = after, 0, ""
        words: list[bytes] = []
        while size < limit_bytes:
            start = _behind(last) if last else "-"
            entries = await self._store.command("XRANGE", f"{self._base}rows", start, "+", "COUNT", _ENTRIES)
            for name, words in entries:
                last = name.decode()
                oldest = oldest or last
                pages = pages_of_rows(last, words)
                rows += [row for page in pages for row in page]
                size += sum(len(row.body) for page in pages for row in page)
                if size >= limit_bytes:
                    break
            if len(entries) < _ENTRIES:
                break
        if not rows:
            return Chunk()
        oldest_ms = int(oldest.partition("-")[0])
        return Chunk(rows=tuple(rows), last=last, digest=_digest(words), size_bytes=size, oldest_ms=oldest_ms)

    async def record(self, segment: Segment, chunk: Chunk) -> bool:
        """Makes the segment of a chunk count, and takes the rows of that from the stream.

        Returns:
            False if another one has its place: whoever wrote it was not the only one; or if the store has lost rows of
            it since they were read, as with its power, unless it syncs each write. Its object does not count then.

        Raises:
            StoreError: the store refuses us.
        """
        words = (
            0,
            0,
            segment.number,
            segment.previous,
            segment.digest,
            segment.last,
            _behind(segment.last),
            chunk.size_bytes,
            encode_segment(segment),
            chunk.digest,
        )
        return bool(await self._store.call(_RECORD, (f"{self._base}books",), words))

    async def segments(self, *, after: int = 0) -> tuple[Segment, ...]:
        """The recorded segments behind number `after`, in order.

        Raises:
            StoreError: the store refuses us.
            Undecodable: one of them is of another version.
        """
        records: list[bytes] = await self._store.command("LRANGE", f"{self._base}segments", after, -1)
        return tuple(decode_segment(record) for record in records)

    async def last(self) -> Segment | None:
        """The last recorded segment; None if there is none.

        Raises:
            StoreError: the store refuses us.
            Undecodable: it is of another version.
        """
        segments = await self.segments(after=-1)
        return segments[0] if segments else None

    async def waiting(self) -> tuple[int, int]:
        """Bytes of rows in the stream, and when the oldest was committed (ms of the store's clock; 0 = there is none).

        Raises:
            StoreError: the store refuses us.
        """
        size = await self._store.command("HGET", f"{self._base}books", "rows_bytes")
        first = await self._store.command("XRANGE", f"{self._base}rows", "-", "+", "COUNT", 1)
        return int(size or 0), int(first[0][0].partition(b"-")[0]) if first else 0

    async def set_limit(self, limit_bytes: int) -> None:
        """From now on no pages are given out while more bytes of rows than these wait.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.call(_LIMIT, (f"{self._base}books",), (0, 0, limit_bytes))


def _digest(words: Sequence[bytes]) -> str:
    """Of the words of an entry, as `record.lua` makes it."""
    return hashlib.sha1(b"".join(b"%d:%s" % (len(word), word) for word in words), usedforsecurity=False).hexdigest()


def _behind(entry: str) -> str:
    """The first name that an entry behind this one can have."""
    ms, _, number = entry.partition("-")
    return f"{ms}-{int(number) + 1}"
