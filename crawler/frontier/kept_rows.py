"""The rows of a job in one process: each key once, unique values once, and not more than were asked for.

Knows rows and the pages that gave them, not leases.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from crawler.frontier.contract import Row, RowFate, StoredRow
from crawler.frontier.id_set import IdSet
from crawler.jobs.rows import NOTE

if TYPE_CHECKING:
    from collections.abc import Sequence


class KeptRows:
    """Decides on rows in the order in which they are committed; `counts` and `refused` are the books of it."""

    def __init__(self, *, limit: int | None, keep: bool) -> None:
        """`limit`: at most so many rows, None = any number. Without `keep` they are only counted."""
        self.counts: Counter[str] = Counter()  # by item
        self.refused: Counter[RowFate] = Counter()
        self._limit = limit
        self._pages: list[tuple[int, tuple[Row, ...]]] | None = [] if keep else None
        self._keys: defaultdict[str, IdSet] = defaultdict(IdSet)  # by item
        self._values: defaultdict[str, IdSet] = defaultdict(IdSet)  # ditto

    def add(self, page: int, rows: Sequence[Row]) -> tuple[RowFate, ...]:
        """Takes the rows of a page in; what became of each."""
        fates = tuple([self._fate(row) for row in rows])
        if self._pages is None:
            return fates
        kept = tuple([row for row, fate in zip(rows, fates, strict=True) if fate is RowFate.STORED])
        if kept:
            self._pages.append((page, kept))
        return fates

    def _fate(self, row: Row) -> RowFate:
        fate = None if row.item == NOTE else self._refusal(row)
        if fate is not None:
            self.refused[fate] += 1
            return fate
        if row.item == NOTE:
            return RowFate.STORED
        if row.key:
            self._keys[row.item].add(row.key)
        for value in row.unique:
            self._values[row.item].add(value)
        self.counts[row.item] += 1
        return RowFate.STORED

    def _refusal(self, row: Row) -> RowFate | None:
        if row.key and row.key in self._keys[row.item]:
            return RowFate.DUPLICATE
        if row.unique and any(value in self._values[row.item] for value in row.unique):
            return RowFate.NOT_UNIQUE
        if self._limit is not None and self.counts.total() >= self._limit:
            return RowFate.OVER_LIMIT
        return None

    def read(self, *, after: str, limit: int) -> tuple[StoredRow, ...]:
        """See `Frontier.read_rows`; nothing without `keep`."""
        rows: list[StoredRow] = []
        first = int(after) + 1 if after else 0
        for position, (page, kept) in enumerate((self._pages or [])[first:], first):
            if rows and len(rows) + len(kept) > limit:
                break
            rows += [StoredRow(position=str(position), page=page, item=row.item, body=row.body) for row in kept]
        return tuple(rows)
