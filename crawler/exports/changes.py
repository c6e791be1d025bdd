"""What has changed since the last run, as files show it: signs, and which rows a file gets.

    +  new    ~  changed    =  the same    -  gone, with its key only

Rows get their signs in one pass over them, which are kept in a file, a byte each; whoever reads the rows again, as
often as files need it, finds the same signs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.exports.segments import ReadRow
from crawler.recipe.incremental import CHANGE_COLUMN

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, Protocol

    from crawler.recipe.incremental import Emit

    class CountedRows(Protocol):
        """Rows of a job, which can be read again and again."""

        counts: Counter[str]

        def __iter__(self) -> Iterator[ReadRow]:
            """All of them, always in the same order."""
            ...


NEW, CHANGED, SAME, GONE = "+", "~", "=", "-"

#: The column that says it.
COLUMN: Final = CHANGE_COLUMN

#: Signs of rows that a file gets, as `incremental.emit` has it.
_EMITTED: Final[dict[Emit, frozenset[str]]] = {
    "all": frozenset({NEW, CHANGED, SAME}),
    "new": frozenset({NEW}),
    "changed": frozenset({NEW, CHANGED}),
}


def emitted(emit: Emit, *, shows: bool) -> frozenset[str]:
    """The signs of rows that a file gets; `shows`: it has a column that says what is gone."""
    return _EMITTED[emit] | {GONE} if shows else _EMITTED[emit]


class ChangedRows:
    """The rows of an incremental job with their signs, and behind them those that are gone.

    Attributes:
        counts: as of `rows`.
    """

    def __init__(
        self, rows: CountedRows, signs: Path, gone: Callable[[], Iterable[tuple[str, dict[str, Any]]]]
    ) -> None:
        """Rows with signs.

        Args:
            rows: of the job.
            signs: a file with the sign of each of them.
            gone: gives item and key of each row that is gone; may be called again.
        """
        self.counts = rows.counts
        self._rows = rows
        self._signs = signs
        self._gone = gone

    def __iter__(self) -> Iterator[ReadRow]:
        with self._signs.open("rb") as signs:
            for row in self._rows:
                yield row._replace(change=signs.read(1).decode("ascii"))
        for item, key in self._gone():
            yield ReadRow(page=0, item=item, values=key, change=GONE)
