"""The rows of a job that has fetched pages of another one again, behind those of that job: each of them once.

Rows with a key are in neither job twice: the later one knows the keys of the earlier one. A page that failed half-way
may have left rows without a key, and leaves them again when it is read once more. Of what a page gave of such an item
in several jobs, the most counts; of as much, the newest.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from crawler.exports.segments import check_chain, read_segment
from crawler.jobs.rows import NOTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.exports.objects import ObjectStore
    from crawler.exports.segments import ReadRow
    from crawler.jobs.segments import Segment

#: A page, and an item of which it gave rows.
_Place: TypeAlias = tuple[int, str]

_NONE: Final[frozenset[_Place]] = frozenset()


class JoinedRows:
    """The rows of several jobs in order.

    Attributes:
        counts: how many there are, by item.
    """

    def __init__(
        self,
        objects: ObjectStore,
        parts: Sequence[Sequence[Segment]],
        *,
        keys: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """The rows of jobs, the first one first.

        Args:
            objects: where they are.
            parts: all segments of each job, in their order.
            keys: by item, the fields that are the key of its rows; a row in which all of them are null has none.

        Raises:
            SegmentDamaged: one is missing, out of order, exchanged or not what was recorded.
            NoSuchObject: one is gone.
            ObjectStoreError: one cannot be read.
        """
        for part in parts:
            check_chain(part)
        self._objects = objects
        self._keys = keys or {}
        self._parts = [tuple(part) for part in parts]
        self._dropped = [_NONE] * len(parts)  # by job: pages and items whose rows count in another one
        self.counts: Counter[str] = Counter()
        for segment in itertools.chain.from_iterable(self._parts):
            self.counts.update(segment.rows)
        del self.counts[NOTE]  # which are no rows
        if len(parts) > 1:
            self._choose()

    def __iter__(self) -> Iterator[ReadRow]:
        return (row for row in self.with_notes() if row.item != NOTE)

    def with_notes(self) -> Iterator[ReadRow]:
        """The same rows in the same order, and the notes on their pages where those came in."""
        for part, dropped in zip(self._parts, self._dropped, strict=True):
            for row in self._read(part):
                if row.item == NOTE or not dropped or (row.page, row.item) not in dropped or self._has_key(row):
                    yield row

    def _read(self, part: Sequence[Segment]) -> Iterator[ReadRow]:
        return itertools.chain.from_iterable(read_segment(self._objects, segment) for segment in part)

    def _has_key(self, row: ReadRow) -> bool:
        return any(row.values.get(name) is not None for name in self._keys.get(row.item, ()))

    def _choose(self) -> None:
        """Finds out in which job the rows of a page count. What no later job has read again is not looked at."""
        given: list[Counter[_Place]] = []
        later: set[_Place] = set()
        for number in reversed(range(len(self._parts))):
            found: Counter[_Place] = Counter()
            if number or later:
                rows = (row for row in self._read(self._parts[number]) if row.item != NOTE)
                places = ((row.page, row.item) for row in rows if not self._has_key(row))
                found.update(place for place in places if number or place in later)
            later.update(found)
            given.insert(0, found)
        for number, found in enumerate(given):
            dropped = frozenset(place for place, count in found.items() if not _is_most(count, place, number, given))
            self._dropped[number] = dropped
            for place in dropped:
                self.counts[place[1]] -= found[place]
        self.counts = +self.counts


def _is_most(count: int, place: _Place, number: int, given: Sequence[Counter[_Place]]) -> bool:
    """Whether no other job has more rows of a page, and no newer one as many."""
    older, newer = given[:number], given[number + 1 :]
    return all(other[place] <= count for other in older) and all(other[place] < count for other in newer)
