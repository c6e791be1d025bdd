"""Writes rows as the files of a profile: the columns are known when all rows have been seen, then come the lines.

Where a profile has columns for the options of products, these are sorted by name: the same rows have the same columns,
in whatever order they came. There are at most `MOST_OPTIONS` of them; a site whose products each have options of their
own would else make a file that grows with the square of its rows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from crawler.exports.formats import FORMULA_STARTS, csv_cell, csv_line
from crawler.exports.profiles import core, merchant, suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from crawler.exports.formats import TextFile

logger = logging.getLogger(__name__)

#: Names of options that one file has columns for; more are left out, the last in the order of the alphabet.
MOST_OPTIONS: Final = 300


class Lines(Protocol):
    """What makes lines of a row."""

    def __call__(self, row: Mapping[str, Any], *, raw: bool) -> Iterator[dict[str, str]]:
        """Texts by column; columns that are not there are empty. `raw`: nothing is done against formulas."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """How a profile makes a file.

    Attributes:
        lines: of a row.
        columns: all of them in order, for the options of these names.
        names: the options of a row, and whether each has columns in this file.
        separator: between cells.
        quoted: every cell is.
    """

    lines: Lines
    columns: Callable[[Iterable[str]], tuple[str, ...]]
    names: Callable[[Mapping[str, Any]], Iterable[tuple[str, bool]]] | None = None
    separator: str = ","
    quoted: bool = False


_KINDS: Final[Mapping[str, _Kind]] = {
    "woocommerce-import-suite/parent@1": _Kind(
        lines=suite.parent_lines, columns=suite.parent_columns, names=suite.parent_names, quoted=True
    ),
    "woocommerce-import-suite/variation@1": _Kind(
        lines=suite.variation_lines, columns=suite.variation_columns, names=suite.variation_names, quoted=True
    ),
    "woocommerce-core@1": _Kind(lines=core.lines, columns=core.columns, names=core.names, quoted=True),
    "google-merchant@1": _Kind(lines=merchant.lines, columns=lambda _: merchant.COLUMNS, separator="\t"),
}


def is_shaped(profile: str) -> bool:
    """Whether it has lines and columns of its own; `plain@1` has those of the contract."""
    return profile in _KINDS


class Survey:
    """Finds the columns of a file, from all rows that it will have."""

    def __init__(self, profile: str) -> None:
        """`profile`: one that is shaped."""
        self._profile = profile
        self._kind = _KINDS[profile]
        self._names: dict[str, bool] = {}
        self._crowded = False

    @property
    def is_needed(self) -> bool:
        """Whether rows matter at all."""
        return self._kind.names is not None

    def add(self, row: Mapping[str, Any]) -> None:
        """Looks at a row."""
        if self._kind.names is None:
            return
        for name, has_columns in self._kind.names(row):
            self._names[name] = self._names.get(name, False) or has_columns
        if len(self._names) > MOST_OPTIONS:
            self._crowded = True
            self._names = {name: self._names[name] for name in sorted(self._names)[:MOST_OPTIONS]}

    def columns(self) -> tuple[str, ...]:
        """All columns, in their order."""
        if self._crowded:
            logger.warning(
                "%s: products have more than %d options of different names; those after %r have no columns",
                self._profile,
                MOST_OPTIONS,
                max(self._names),
            )
        return self._kind.columns(name for name in sorted(self._names) if self._names[name])


class ProfileWriter:
    """Writes the lines of rows.

    Attributes:
        guarded: cells so far that got a leading `'` because a spreadsheet could run them.
        written: lines so far.
    """

    def __init__(self, file: TextFile, profile: str, columns: Sequence[str], *, raw: bool = False) -> None:
        """A writer.

        Args:
            file: open for text with `newline=""`.
            profile: one that is shaped.
            columns: of a `Survey` that has seen all rows.
            raw: leave cells alone that a spreadsheet would take for a formula.
        """
        self._file = file
        self._kind = _KINDS[profile]
        self._columns = tuple(columns)
        self._raw = raw
        self.guarded = 0
        self.written = 0

    def write_header(self) -> None:
        """The names of the columns."""
        self._file.write(self._line(self._columns))

    def write(self, row: Mapping[str, Any]) -> None:
        """The lines of one row; there may be none."""
        for line in self._kind.lines(row, raw=self._raw):
            cells = [csv_cell(line.get(name, ""), raw=self._raw) for name in self._columns]
            if not self._raw:
                self.guarded += sum(cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) for cell in cells)
            self._file.write(self._line(cells))
            self.written += 1

    def _line(self, cells: Sequence[str]) -> str:
        return csv_line(cells, separator=self._kind.separator, quoted=self._kind.quoted)
