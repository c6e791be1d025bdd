"""CSV and JSON lines: text of rows. What is no row is left out and told; what is no such file at all is refused."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from crawler.errors import ParseRefused
from crawler.recipe.value_document import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.values import Value

#: Rows and cells of one file.
MAX_ROWS: Final = 200_000
MAX_CELLS: Final = 2_000_000
#: Rows that are told with their text; the others are only counted.
MAX_TOLD: Final = 1_000
_MAX_TOLD_TEXT: Final = 500
#: A file of which more lines than this, and most, are no rows, is none.
_MAX_BROKEN: Final = 1_000

_DELIMITERS: Final = (",", ";", "\t", "|")
#: What spreadsheets write before the header to name the delimiter.
_SEPARATOR = re.compile(r"sep=(.)(?:\r\n|\r|\n)")
_QUOTED = re.compile(r'"[^"]*+"')
_MARKUP = re.compile(r"\s*+<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


class CsvFormat(Struct, frozen=True, kw_only=True):
    """How a CSV file is written. `delimiter` None: the most frequent of `, ; | tab` in the first line.

    `header`: True, the first line names the columns; False, they are `column_1` and so on; or their names.
    """

    delimiter: str | None = None
    header: bool | tuple[str, ...] = True
    skip: int = 0  # lines before the header


class BrokenRow(Struct, frozen=True, kw_only=True):
    """A line, counted from 1, that is no row, and why."""

    line: int
    text: str
    why: str


class RowFile(Struct, kw_only=True):
    """The rows of a file, and those that are none: `broken` in all, the first of them `told`."""

    rows: list[Value] = field(default_factory=list)
    broken: int = 0
    told: list[BrokenRow] = field(default_factory=list)

    def leave_out(self, line: int, text: str, why: str) -> None:
        """Note a line that is no row. Raises ParseRefused where most lines are none."""
        self.broken += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(BrokenRow(line=line, text=text[:_MAX_TOLD_TEXT], why=why))
        if self.broken > _MAX_BROKEN and self.broken > len(self.rows):
            raise ParseRefused(f"most lines are no rows; line {self.told[0].line}: {self.told[0].why}")

    def add(self, row: Value) -> None:
        """One more row. Raises ParseRefused for too many."""
        if len(self.rows) >= MAX_ROWS:
            raise ParseRefused(f"the file has more than {MAX_ROWS:,} rows")
        self.rows.append(row)


# --- JSON lines ------------------------------------------------------------------------------------------------------


def parse_json_lines(text: str) -> RowFile:
    """One JSON value a line; blank lines do not count.

    Raises:
        ParseRefused: no line, or hardly any, is JSON, or there are too many.
    """
    file = RowFile()
    for number, line in enumerate(io.StringIO(text), start=1):
        written = line.strip()
        if not written:
            continue
        try:
            row = parse_json(written)
        except ParseRefused as error:
            file.leave_out(number, written, str(error))
        else:
            file.add(row)
    if file.broken and not file.rows:
        raise ParseRefused(f"no line is JSON; line {file.told[0].line}: {file.told[0].why}")
    return file


# --- CSV -------------------------------------------------------------------------------------------------------------


def parse_csv(text: str, how: CsvFormat) -> RowFile:
    """Rows as maps from column to text. Cells that a row lacks at its end are missing.

    Raises:
        ParseRefused: it is a page of HTML, or too large.
    """
    if _MARKUP.match(text):
        raise ParseRefused("the file is HTML or XML, and no CSV")
    lines = io.StringIO(text, newline="")
    for _ in range(how.skip):
        lines.readline()
    named = how.delimiter or _delimiter(lines)
    delimiter = named.removeprefix("sep=")
    first = how.skip + (named != delimiter)
    file = RowFile()
    columns: list[str] | None = list(how.header) if isinstance(how.header, tuple) else None
    cells = 0
    for number, row in _rows(lines, delimiter, file, first=first):
        if columns is None and how.header is True:
            if file.broken:
                raise ParseRefused(f"the line with the columns: {file.told[0].why}")
            columns = _columns(row)
            continue
        cells += len(row)
        if cells > MAX_CELLS:
            raise ParseRefused(f"the file has more than {MAX_CELLS:,} cells")
        if columns is not None:
            while len(row) > len(columns) and not row[-1].strip():
                row.pop()
            if len(row) > len(columns):
                why = f"the row has {len(row)} cells, and there are {len(columns)} columns"
                file.leave_out(number, delimiter.join(row), why)
                continue
        names = columns if columns is not None else [f"column_{place}" for place in range(1, len(row) + 1)]
        file.add(dict(zip(names, row, strict=False)))
    return file


def _rows(lines: io.StringIO, delimiter: str, file: RowFile, *, first: int) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not empty, with the line it begins in.

    Where a row cannot be read only its first line is left out: a quote that is never closed takes no more with it.
    """
    before = first  # lines behind us
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start, line = lines.tell(), before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.seek(start)
            file.leave_out(line, lines.readline().strip("\r\n"), f"the row cannot be read: {error}")
            before = line
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if any(row):
            yield line, row


def _delimiter(lines: io.StringIO) -> str:
    """The delimiter of the line that comes next; `sep=` and it, where the line only names it and is taken."""
    start = lines.tell()
    line = lines.readline()
    named = _SEPARATOR.fullmatch(line)
    if named is not None:
        return named[0].rstrip("\r\n")
    lines.seek(start)
    plain = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=plain.count)


def _columns(row: list[str]) -> list[str]:
    """Names of the columns: blank ones by their place, those that are there already with a number."""
    columns: dict[str, None] = {}
    same: dict[str, int] = {}
    for place, written in enumerate(row, start=1):
        name = plain = written.strip() or f"column_{place}"
        while name in columns:
            same[plain] = same.get(plain, 1) + 1
            name = f"{plain}_{same[plain]}"
        columns[name] = None
    return list(columns)
