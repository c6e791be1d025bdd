"""Reads the logs of a job's workers from the storage of files: from their end, or on from where a reader was.

Records of all workers come in the order of their times, each worker's in the order in which it wrote them. A call reads
for a fraction of a second at most: it may answer fewer records than were asked for, or none, and says where to go on.
Places are kept per worker, so nothing is missed and nothing told twice, however workers come and go.
"""

from __future__ import annotations

import heapq
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from crawler.errors import NoSuchObject
from crawler.joblogs.lines import LEVELS, Level, records_in
from crawler.joblogs.pieces import (
    IndexKey,
    decode_index,
    index_key,
    index_prefix,
    piece_key,
    read_index_key,
    unpack,
)
from crawler.joblogs.places import BEGINNING, Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectStore
    from crawler.joblogs.pieces import Index, Piece

#: Of a job's workers the newest so many are looked at.
MAX_SEATS: Final = 500

#: So long a call reads, in seconds; a piece that it has begun is finished.
BUDGET_S: Final = 0.15

#: Bytes of text in an answer, and of one record in it.
MAX_ANSWER_BYTES: Final = 1024 * 1024
MAX_RECORD_BYTES: Final = 64 * 1024

#: Indexes of so many bytes are remembered.
_CACHE_BYTES: Final = 64 * 1024 * 1024

_READERS: Final = 8


class LogRecord(NamedTuple):
    """One record: who wrote it, its level (one of `LEVELS`), its time to the second or "", its lines."""

    node: str
    worker: str
    level: Level
    time: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPage:
    """Records in their order.

    Attributes:
        records: see above.
        earlier: where those before them are; None: there are none, or nobody knows any more (see `after`).
        next: where those behind them are, or will be.
    """

    records: tuple[LogRecord, ...]
    earlier: Places | None
    next: Places


class IndexCache:
    """Indexes that change no more, for any number of threads; those that were used longest ago go."""

    def __init__(self, *, most_bytes: int = _CACHE_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, tuple[Index, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Index | None:
        """The one of a key, if it is remembered."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: str, index: Index) -> None:
        """Remembers one."""
        size = 512 + sum(len(piece.grams) for piece in index.pieces)
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = index, size
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]


class JobLogs:
    """The logs of one job."""

    def __init__(
        self, objects: ObjectStore, keys: JobKeys, *, cache: IndexCache | None = None, budget_s: float = BUDGET_S
    ) -> None:
        """Reads nothing yet.

        Args:
            objects: where they lie.
            keys: of the job.
            cache: shared by readers of whatever job.
            budget_s: so long a call reads.
        """
        self._objects = objects
        self._keys = keys
        self._cache = cache or IndexCache()
        self._budget_s = budget_s

    def newest(
        self, *, limit: int, level: Level = Level.DEBUG, text: str = "", worker: str = "", before: Places | None = None
    ) -> LogPage:
        """The last records, or those before a place; the newest ones of them that are asked for.

        Args:
            limit: at most so many.
            level: of that level or a higher one.
            text: that have it, upper and lower case alike.
            worker: of the worker or the node of that name; "" = of all.
            before: `earlier` of the page behind.

        Raises:
            ObjectStoreError: the storage of files does not give them.
        """
        call = self._call(level, text)
        seats = [seat for seat in self._seats(worker) if before is None or before.knows(seat.name, seat.started_ms)]
        ends = {seat.name: seat.end for seat in seats}
        marks = {name: end if before is None else min(end, before.of(name, end)) for name, end in ends.items()}
        walks = [
            _Walk(seat.name, self._backwards(seat, marks[seat.name], call), bound=_descending(seat.bound))
            for seat in seats
            if marks[seat.name] > BEGINNING
        ]
        hits: list[LogRecord] = []
        for name, step in _merged(walks, call, limit=limit, order=_descending):
            marks[name] = BEGINNING if step is None else step.start
            if step is not None and step.record is not None:
                hits.append(step.record)
        is_all = all(mark <= BEGINNING for mark in marks.values())
        horizon_ms = max((seat.started_ms for seat in seats), default=0) if before is None else before.horizon_ms
        return LogPage(
            records=tuple(reversed(hits)),
            earlier=None if is_all else Places.made(marks, horizon_ms=horizon_ms),
            next=Places.made(ends, horizon_ms=horizon_ms),
        )

    def after(
        self, places: Places, *, limit: int, level: Level = Level.DEBUG, text: str = "", worker: str = ""
    ) -> LogPage:
        """The records behind a place, the first ones of them that are asked for; see `newest`.

        Raises:
            ObjectStoreError: the storage of files does not give them.
        """
        call = self._call(level, text)
        marks = dict(places.marks)
        walks = [
            _Walk(seat.name, self._forwards(seat, places.of(seat.name, BEGINNING), call), bound="")
            for seat in self._seats(worker)
            if places.of(seat.name, BEGINNING) < seat.end
        ]
        hits: list[LogRecord] = []
        for name, step in _merged(walks, call, limit=limit, order=str):
            if step is not None:
                marks[Places.key(name)] = step.end
                if step.record is not None:
                    hits.append(step.record)
        return LogPage(records=tuple(hits), earlier=None, next=Places(marks=marks, horizon_ms=places.horizon_ms))

    def _call(self, level: Level, text: str) -> _Call:
        return _Call(least=LEVELS.index(level), text=text.encode().lower(), until=time.monotonic() + self._budget_s)

    @property
    def is_empty(self) -> bool:
        """Whether no worker has begun one."""
        return next(iter(self._objects.list(index_prefix(self._keys))), None) is None

    # --- what there is ---

    def _seats(self, worker: str) -> list[_Seat]:
        """The workers that are asked for, the oldest first."""
        last: dict[str, IndexKey] = {}
        for info in self._objects.list(index_prefix(self._keys)):
            key = read_index_key(info.key)
            if key is not None and (key.seat not in last or last[key.seat] < key):
                last[key.seat] = key
        newest = sorted(last.values())[-MAX_SEATS:]
        if len(newest) > 1:
            with ThreadPoolExecutor(_READERS) as pool:
                seats = list(pool.map(self._seat, newest))
        else:
            seats = list(map(self._seat, newest))
        return [seat for seat in seats if seat is not None and worker in ("", seat.last.worker, seat.last.node)]

    def _seat(self, key: IndexKey) -> _Seat | None:
        last = self._index(key)
        if last is None:
            return None
        open_piece = b"" if last.ended else self._open_piece(last)
        return _Seat(started_ms=key.started_ms, last=last, open_piece=open_piece)

    def _open_piece(self, last: Index) -> bytes:
        return self._piece(last, len(last.pieces)) or b""

    def _index(self, key: IndexKey) -> Index | None:
        name = index_key(self._keys, started_ms=key.started_ms, seat=key.seat, number=key.number)
        found = self._cache.get(name)
        if found is None:
            try:
                found = decode_index(self._objects.get(name))
            except NoSuchObject:
                return None
            if found.is_sealed:
                self._cache.put(name, found)
        return found

    def _piece(self, index: Index, at: int) -> bytes | None:
        """The bytes of a piece; None if there is none, or none any more."""
        try:
            return unpack(self._objects.get(piece_key(self._keys, seat=index.seat, number=index.number_of(at))))
        except NoSuchObject:
            return None

    # --- walking through one log ---

    def _backwards(self, seat: _Seat, end: int, call: _Call) -> Iterator[_Step]:
        if seat.open_piece and end > seat.last.end:
            yield from _hits(seat, seat.open_piece, seat.last.end, call, end=end, backwards=True)
            yield _Step(None, seat.last.end, end)
        for index in self._indexes_backwards(seat):
            for at in reversed(range(len(index.pieces))):
                piece = index.pieces[at]
                if piece.start >= end:
                    continue
                if piece.may_have(least=call.least, text=call.text):
                    raw = self._piece(index, at)
                    if raw is not None:
                        yield from _hits(seat, raw, piece.start, call, end=end, backwards=True)
                yield _Step(None, piece.start, piece.end)

    def _indexes_backwards(self, seat: _Seat) -> Iterator[Index]:
        yield seat.last
        for number in reversed(range(1, seat.last.number)):
            index = self._index(IndexKey(seat.started_ms, seat.name, number))
            if index is None:
                return
            yield index

    def _forwards(self, seat: _Seat, start: int, call: _Call) -> Iterator[_Step]:
        indexes = [seat.last]
        for index in self._indexes_backwards(seat):
            if index is not seat.last:
                indexes.insert(0, index)
            if index.start <= start:
                break
        for index in indexes:
            for at, piece in enumerate(index.pieces):
                if piece.end <= start:
                    continue
                if piece.may_have(least=call.least, text=call.text):
                    raw = self._piece(index, at)
                    if raw is not None:
                        yield from _hits(seat, raw, piece.start, call, start=start)
                yield _Step(None, piece.start, piece.end)
        if seat.open_piece:
            yield from _hits(seat, seat.open_piece, seat.last.end, call, start=start)
            yield _Step(None, seat.last.end, seat.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """What one call looks for, and until when (monotonic)."""

    least: int
    text: bytes
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seat:
    """The log of one worker, as far as a call has to know before it reads."""

    started_ms: int
    last: Index
    open_piece: bytes

    @property
    def name(self) -> str:
        return self.last.seat

    @property
    def end(self) -> int:
        return self.last.end + len(self.open_piece)

    @property
    def bound(self) -> str:
        """No record of it is newer; a worker that runs may have any."""
        pieces: Sequence[Piece] = self.last.pieces
        return (pieces[-1].last if pieces else "") if self.last.ended else "~"


class _Step(NamedTuple):
    """A record that is looked for; or None: from `start` to `end` of the log there is none, or no more."""

    record: LogRecord | None
    start: int
    end: int


@dataclass(kw_only=False, slots=True)
class _Walk:
    """A way through one log; `bound`: what its next step comes in the order by, before that is known."""

    name: str
    steps: Iterator[_Step]
    bound: Any


def _merged(
    walks: Sequence[_Walk], call: _Call, *, limit: int, order: Callable[[str], Any]
) -> Iterator[tuple[str, _Step | None]]:
    """Steps of all walks, `limit` records of them at most, in the order of their times; None: a walk has ended.

    Stops when the call has no more time, but not before it has come a step further.
    """
    waiting: list[tuple[Any, int, _Step | None]] = [(walk.bound, at, None) for at, walk in enumerate(walks)]
    heapq.heapify(waiting)
    records = size = steps = 0
    while waiting and records < limit and size < MAX_ANSWER_BYTES and not (call.is_over and steps):
        _, at, due = heapq.heappop(waiting)
        walk = walks[at]
        if due is not None and due.record is not None:
            records, size, steps = records + 1, size + len(due.record.text), steps + 1
            yield walk.name, due
        for step in walk.steps:
            if step.record is not None:
                heapq.heappush(waiting, (order(step.record.time), at, step))
                break
            steps += 1
            yield walk.name, step
            if call.is_over:
                break
        else:
            yield walk.name, None


def _hits(
    seat: _Seat, raw: bytes, base: int, call: _Call, *, start: int = 0, end: int | None = None, backwards: bool = False
) -> Iterator[_Step]:
    """The records of a piece that are looked for, as far as they lie between two places of the log."""
    lowered = raw.lower() if call.text else b""
    if call.text and call.text not in lowered:
        return
    most = len(raw) if end is None else end - base
    least = max(0, start - base)
    every = records_in(raw)
    for found in reversed(every) if backwards else every:
        if found.end <= least or found.start >= most or found.rank < call.least:
            continue
        if call.text and lowered.find(call.text, found.start, found.end) < 0:
            continue
        first, last = max(found.start, least), min(found.end, most)
        text, level = _text(raw[first:last]), LEVELS[found.rank]
        record = LogRecord(seat.last.node, seat.last.worker, level, found.time, text)
        yield _Step(record, base + first, base + last)


def _text(raw: bytes) -> str:
    text = raw[:MAX_RECORD_BYTES].decode("utf-8", "replace").rstrip("\n")
    return f"{text}... ({len(raw):,} bytes)" if len(raw) > MAX_RECORD_BYTES else text


def _descending(text: str) -> tuple[int, ...]:
    """A key that sorts texts of digits the other way round, the longest first of those that begin alike."""
    return (*(-ord(character) for character in text), 0)
