"""Puts the log of a worker into the storage of files while it is written: each flush, what has come since the last.

Reads the file that the worker writes, so nothing is lost when a flush fails: the next one has it, too. Calls block, and
come one after the other; who calls, and how often, is the node's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.joblogs.lines import last_start
from crawler.joblogs.pieces import (
    CONTENT_TYPE,
    MAX_PIECE_BYTES,
    PIECE_BYTES,
    PIECES_OF_INDEX,
    Index,
    describe,
    encode_index,
    index_key,
    pack,
    piece_key,
)

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectStore

#: So much of the file is read at once.
_READ_BYTES: Final = PIECE_BYTES

#: Of a longer log the newest pieces are kept: 4 GiB.
MAX_PIECES: Final = 64 * PIECES_OF_INDEX


class LogWriter:
    """The log of one worker."""

    def __init__(
        self,
        objects: ObjectStore,
        keys: JobKeys,
        *,
        path: Path,
        seat: str,
        node: str,
        worker: str,
        started_ms: int,
        max_pieces: int = MAX_PIECES,
    ) -> None:
        """Reads nothing yet.

        Args:
            objects: where to.
            keys: of the job.
            path: the file that the worker writes.
            seat: token of the seat that it has.
            node: where it runs.
            worker: its name.
            started_ms: when it was started, ms since 1970.
            max_pieces: so many are kept.
        """
        self._objects = objects
        self._keys = keys
        self._path = path
        self._started_ms = started_ms
        self._max_pieces = max_pieces
        self._index = Index(seat=seat, node=node, worker=worker)
        self._raw = b""  # of the piece that grows
        self._put = -1  # so many bytes of that have been put; -1: nor has its index
        self._read = 0  # of the file, with lines that are not whole yet

    def flush(self, *, ended: bool = False) -> None:
        """Puts what has come; with `ended` everything, and that nothing more will come.

        Raises:
            ObjectStoreError: the storage of files does not take it; to be called again.
            OSError: the log cannot be read.
        """
        if self._put < 0:
            self._put_index(self._index)
            self._put = 0
        more = True
        while more:
            more = self._take()
            while len(self._raw) >= PIECE_BYTES and self._close_piece():
                pass
        if ended:
            self._end()
        elif len(self._raw) > self._put:
            self._put_piece(self._raw)
            self._put = len(self._raw)

    def _take(self) -> bool:
        """Reads on in the file; whether there may be more."""
        at = self._index.end + len(self._raw)
        with self._path.open("rb") as file:
            file.seek(at)
            read = file.read(_READ_BYTES)
        whole = read.rfind(b"\n") + 1
        if not whole and len(read) == _READ_BYTES:
            whole = len(read)  # a line that is longer than a piece
        self._raw += read[:whole]
        return len(read) == _READ_BYTES

    def _close_piece(self) -> bool:
        """Cuts a full piece off before a record; whether there was one."""
        cut = last_start(self._raw, within=PIECE_BYTES)
        if not cut:
            if len(self._raw) < MAX_PIECE_BYTES:
                return False
            cut = PIECE_BYTES
        self._index = self._with_piece(self._raw[:cut])
        self._raw, self._put = self._raw[cut:], 0
        self._drop_oldest()
        return True

    def _with_piece(self, raw: bytes, *, ended: bool = False) -> Index:
        """The index with one more piece, both put."""
        index = self._index
        if index.is_sealed:
            index = Index(
                seat=index.seat, node=index.node, worker=index.worker, number=index.number + 1, start=index.end
            )
        pieces = index.pieces
        if raw:
            self._put_piece(raw)
            pieces = (*pieces, describe(raw, start=index.end))
        grown = Index(
            seat=index.seat, node=index.node, worker=index.worker, number=index.number, start=index.start,
            pieces=pieces, ended=ended,
        )  # fmt: skip
        self._put_index(grown)
        return grown

    def _end(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._index.end + len(self._raw))
            rest = file.read(_READ_BYTES)  # the line that was cut short
        self._index = self._with_piece(self._raw + rest, ended=True)
        self._raw = b""

    def _put_piece(self, raw: bytes) -> None:
        key = piece_key(self._keys, seat=self._index.seat, number=self._index.number_of(len(self._index.pieces)))
        self._objects.put(key, pack(raw), content_type=CONTENT_TYPE)

    def _put_index(self, index: Index) -> None:
        key = index_key(self._keys, started_ms=self._started_ms, seat=index.seat, number=index.number)
        self._objects.put(key, encode_index(index), content_type=CONTENT_TYPE)

    def _drop_oldest(self) -> None:
        index = self._index
        oldest = index.number_of(len(index.pieces)) - 1 - self._max_pieces
        if oldest < 1:
            return
        keys = [piece_key(self._keys, seat=index.seat, number=oldest)]
        number, rest = divmod(oldest, PIECES_OF_INDEX)
        if not rest:
            keys.append(index_key(self._keys, started_ms=self._started_ms, seat=index.seat, number=number))
        self._objects.delete(keys)
