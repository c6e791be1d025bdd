"""Rows as Parquet: typed columns by an item's contract, in groups of rows so that memory does not grow with the file.

    string                     string; with format date: date; with format date-time: timestamp, in UTC
    integer, boolean, number   int64, bool, double
    decimal                    decimal(38, 18): the same in every file, whatever digits its rows have
    array of one such type     list of it
    anything else              string that holds compact JSON

A value that does not fit its column (more than 20 digits before the point or 18 after it, an integer beyond 64 bits, a
value that a pipeline has put there) is never cut or rounded: the writer gives up with `DoesNotFit`, and whoever has the
rows writes the file again with that column as text.

pyarrow comes with the extra `parquet` and is loaded when the first file is written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from crawler.errors import ConfigError
from crawler.exports.formats import compact_json, csv_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType

    from crawler.recipe.fields import FieldSpec

#: Rows of one group at most; readers skip whole groups, and divide a file by them among processors.
GROUP_ROWS: Final = 100_000

#: A group is written when it has so many bytes: it is in memory as Arrow's columns until then.
GROUP_BYTES: Final = 8 * 1024 * 1024

#: Rows that are in memory as Python's objects, which are several times as large; and characters of their text, about.
BATCH_ROWS: Final = 1_000
BATCH_CHARACTERS: Final = 1024 * 1024

#: As many digits as every reader knows; 18 of them behind the point, for prices of crypto-currencies.
DECIMAL_DIGITS: Final = 38
DECIMAL_SCALE: Final = 18

_Convert: TypeAlias = "Callable[[Any], Any]"


class DoesNotFit(ValueError):
    """A value does not fit the type of its column, which is in `column`."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column


class ParquetWriter:
    """Writes rows to a file; `close` must be called, or the file is none."""

    def __init__(self, file: BinaryIO, fields: Mapping[str, FieldSpec], *, as_text: Collection[str] = ()) -> None:
        """A writer.

        Args:
            file: open for bytes; stays open.
            fields: of the contract, which are the columns in this order.
            as_text: columns that are written as text.

        Raises:
            ConfigError: pyarrow is not installed.
        """
        self._arrow, parquet = _pyarrow()
        columns = {
            name: (self._arrow.string(), _text) if name in as_text else _column(self._arrow, spec)
            for name, spec in fields.items()
        }
        self._schema = self._arrow.schema([(name, kind) for name, (kind, _) in columns.items()])
        self._converts = [(name, convert) for name, (_, convert) in columns.items()]
        self._values: list[list[Any]] = [[] for _ in columns]
        self._rows = self._characters = 0
        self._batches: list[Any] = []
        self._group_rows = self._group_bytes = 0
        # Arrow's own allocators keep tens of MB that they do not need.
        self._memory = self._arrow.system_memory_pool()
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd", memory_pool=self._memory)

    def write(self, row: Mapping[str, Any]) -> None:
        """One row; missing values are null.

        Raises:
            DoesNotFit: a value does not fit its column.
        """
        for (name, convert), values in zip(self._converts, self._values, strict=True):
            value = row.get(name)
            if value is not None:
                try:
                    value = convert(value)
                except (ValueError, TypeError, ArithmeticError) as error:
                    raise DoesNotFit(name, str(error)) from error
                if type(value) is str:
                    self._characters += len(value)
                elif type(value) is list:
                    self._characters += sum(len(member) if type(member) is str else 16 for member in value)
            values.append(value)
        self._rows += 1
        if self._rows >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS:
            self._end_batch()

    def close(self) -> None:
        """Writes what is left, and the end of the file.

        Raises:
            DoesNotFit: a value does not fit its column.
        """
        if self._rows:
            self._end_batch()
        if self._batches:
            self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        """Lets go of a file that has failed; nothing to do for one that is closed."""
        with contextlib.suppress(OSError, ValueError):
            self._writer.close()

    def _end_batch(self) -> None:
        """Makes columns of the rows that were collected."""
        arrays = []
        for field, values in zip(self._schema, self._values, strict=True):
            try:
                arrays.append(self._arrow.array(values, type=field.type, memory_pool=self._memory))
            except (self._arrow.ArrowException, ValueError, TypeError, OverflowError) as error:
                raise DoesNotFit(field.name, str(error)) from error
            values.clear()
        batch = self._arrow.record_batch(arrays, schema=self._schema)
        self._batches.append(batch)
        self._group_rows += self._rows
        self._group_bytes += batch.nbytes
        self._rows = self._characters = 0
        if self._group_rows >= GROUP_ROWS or self._group_bytes >= GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        table = self._arrow.Table.from_batches(self._batches, schema=self._schema)
        self._writer.write_table(table, row_group_size=self._group_rows)
        self._batches.clear()
        self._group_rows = self._group_bytes = 0


def need_parquet() -> None:
    """Whether Parquet can be written.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - large, and an extra
        import pyarrow.parquet as pq  # noqa: PLC0415 - ditto
    except ImportError as error:
        raise ConfigError(f"Parquet needs pyarrow: pip install 'crawlery[parquet]' ({error})") from error
    return pa, pq


def _column(arrow: ModuleType, spec: FieldSpec) -> tuple[Any, _Convert]:
    """The type of a column, and what makes its values of those of rows."""
    if spec.type == "string" and spec.format == "date":
        return arrow.date32(), dt.date.fromisoformat
    if spec.type == "string" and spec.format == "date-time":
        return arrow.timestamp("us", tz="UTC"), _instant
    if spec.type == "decimal":
        return arrow.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE), _exactly(Decimal)
    if spec.type == "number":
        return arrow.float64(), _double
    if spec.type == "array" and spec.items is not None and spec.items.type != "object":
        kind, convert = _column(arrow, spec.items)
        if spec.items.type != "array":
            return arrow.list_(kind), _listed(convert)
    simple = {"string": (arrow.string(), str), "integer": (arrow.int64(), int), "boolean": (arrow.bool_(), bool)}
    if spec.type in simple:
        kind, python_type = simple[spec.type]
        return kind, _exactly(python_type)
    return arrow.string(), compact_json


def _exactly(kind: type) -> _Convert:
    """Lets values of one type through: pyarrow itself would cut 1.5 to the integer 1."""

    def same(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{type(value).__name__} where {kind.__name__} should be")
        return value

    return same


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{type(value).__name__} where a number should be")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is beyond the range of a double")
    return number


def _instant(value: str) -> dt.datetime:
    instant = dt.datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return instant


def _listed(convert: _Convert) -> _Convert:
    def members(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{type(value).__name__} where a list should be")
        return [None if member is None else convert(member) for member in value]

    return members


def _text(value: Any) -> str:
    return csv_cell(value, raw=True)
