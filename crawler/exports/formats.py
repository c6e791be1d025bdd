r"""Rows as CSV and as JSON Lines: what a cell looks like, and nothing about where files go.

CSV is what pandas and DuckDB read without options and what a spreadsheet opens without running anything: UTF-8 without
a byte order mark, `\n` between rows (a reader that guesses the line end is not misled by one inside quotes), a header
always. A list or a nested value is one cell of compact JSON; decimals keep their digits and never have an exponent; a
missing value is an empty cell.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

#: A cell that begins so may be taken for a formula by a spreadsheet; the last four are the full-width forms.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - they are meant
_FORMULA_FIRSTS: Final = frozenset(FORMULA_STARTS)  # each is one character
_LOOKED_AT: Final = _FORMULA_FIRSTS | {"'"}  # what a cell begins with that is or may look guarded

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

#: Types as tuples: `isinstance` would make a union of `a | b` anew for each value.
_NUMBERS: Final = (int, float, Decimal)
_LISTS: Final = (list, tuple)
_SETS: Final = (set, frozenset)

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class TextFile(Protocol):
    """What a writer needs of a file that is open for text."""

    def write(self, text: str, /) -> Any:
        """Appends text."""


class CsvWriter:
    """Writes rows as CSV; columns in the order given, whatever order a row has.

    Attributes:
        guarded: cells so far that got a leading `'` because a spreadsheet could run them.
    """

    def __init__(
        self,
        file: TextFile,
        columns: Sequence[str],
        *,
        join: Mapping[str, str] | None = None,
        raw: bool = False,
        separator: str = ",",
        own: Collection[str] = (),
    ) -> None:
        """A writer.

        Args:
            file: open for text with `newline=""`.
            columns: names of the fields, which are the header.
            join: for a list field, the text between its members instead of JSON.
            raw: leave cells alone that a spreadsheet would take for a formula.
            separator: of cells: a comma, or a tab for TSV.
            own: columns whose cells no site has written, and that are left alone, too.
        """
        self._columns = tuple(columns)
        self._separator = separator
        joins = join or {}
        self._plan = [(name, joins.get(name), raw or name in own) for name in self._columns]
        self._file = file
        self.guarded = 0

    def write_header(self) -> None:
        """The names of the columns."""
        self._file.write(csv_line(self._columns, separator=self._separator))

    def write(self, row: Mapping[str, Any]) -> None:
        """One row; fields that are no column are left out, columns without a value are empty."""
        cells = []
        for name, join, raw in self._plan:
            value = row.get(name)
            if value is None:
                cells.append("")
                continue
            if type(value) is str:  # as most are
                cell = value
            elif join is None and (text_of := _TEXTS.get(type(value))) is not None:
                cell = text_of(value)
            else:
                cell = csv_cell(value, join=join, raw=True)
            cells.append(cell if raw or cell[:1] not in _LOOKED_AT else self._guarded(cell))
        self._file.write(csv_line(cells, separator=self._separator))

    def _guarded(self, cell: str) -> str:
        """The cell as it is written; counts it if it looks guarded."""
        cell = guarded(cell)
        self.guarded += cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS)
        return cell


class JsonlWriter:
    """Writes rows as JSON, one a line; missing values are null."""

    def __init__(self, file: TextFile, columns: Sequence[str] | None = None) -> None:
        """`columns`: only these fields, in this order; None = as the row has them."""
        self._file = file
        self._columns = None if columns is None else tuple(columns)

    def write(self, row: Mapping[str, Any]) -> None:
        """One row."""
        chosen = dict(row) if self._columns is None else {name: row.get(name) for name in self._columns}
        self._file.write(compact_json(chosen) + "\n")


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A whole CSV as text, for previews and tests."""
    file = io.StringIO(newline="")
    writer = CsvWriter(file, columns)
    writer.write_header()
    for row in rows:
        writer.write(row)
    return file.getvalue()


def csv_line(cells: Sequence[str], *, separator: str = ",", quoted: bool = False) -> str:
    """One line. Python's own writer leaves a carriage return unquoted when lines end in a newline.

    `quoted`: every cell is, not only those that must be.
    """
    if quoted:
        return separator.join(['"' + cell.replace('"', '""') + '"' for cell in cells]) + "\n"
    if len(cells) == 1 and not cells[0]:
        return '""\n'  # an empty line would be no row
    written = [
        '"' + cell.replace('"', '""') + '"'
        if '"' in cell or separator in cell or "\n" in cell or "\r" in cell
        else cell
        for cell in cells
    ]
    return separator.join(written) + "\n"


def csv_cell(value: Any, *, join: str | None = None, raw: bool = False) -> str:
    """The text of a cell."""
    if isinstance(value, str):
        return value if raw or value[:1] not in _FORMULA_FIRSTS else guarded(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _NUMBERS):
        return plain_number(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if join is not None and isinstance(value, _LISTS):
        joined = join.join(csv_cell(member, raw=True) for member in value if member is not None)
        return joined if raw else guarded(joined)
    return compact_json(value)


def guarded(text: str) -> str:
    """The text with a leading `'` if a spreadsheet could run it; numbers stay numbers."""
    if text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def plain_number(value: float | Decimal) -> str:
    """A number in plain digits: no exponent, as many decimals as it came with."""
    if isinstance(value, int):
        return str(value)
    return _plain_decimal(value if isinstance(value, Decimal) else Decimal(repr(value)))


def _plain_decimal(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else ""


def compact_json(value: Any) -> str:
    """JSON without blanks; decimals exact and as numbers, dates as ISO 8601."""
    return _JSON.encode(_json_ready(value)).decode()


def _json_ready(value: Any) -> Any:
    """The value with every decimal in plain digits: JSON would take `1E+3`, but not every reader of tables does."""
    if type(value) is str:
        return value
    if isinstance(value, _LISTS):
        for member in value:
            if type(member) is not str:
                return [_json_ready(member) for member in value]
        return value  # a list of texts, as most are
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return msgspec.Raw(format(value, "f").encode())
    if isinstance(value, dict):
        return {
            str(key): member if member is None or type(member) is str else _json_ready(member)
            for key, member in value.items()
        }
    if isinstance(value, _SETS):  # which have no order of their own, and every process another one
        return sorted((_json_ready(member) for member in value), key=_JSON.encode)
    return value


#: What makes a cell of a value, for the types that values of rows have: no class below them, which would come later.
_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    Decimal: _plain_decimal,
    int: str,
    list: compact_json,
    dict: compact_json,
}
