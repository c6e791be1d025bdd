"""Files of a job: all of its exports, made of its segments in one pass and put under names of their own.

What is put here does not count before a manifest names it; a composition that dies leaves objects that nobody reads.
The bytes are those that a crawl on a laptop writes for the same rows in the same order. Memory does not grow with the
number of rows: they go to files of a folder first.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from crawler import faults
from crawler.exports.changes import COLUMN, emitted
from crawler.exports.formats import JsonlWriter
from crawler.exports.keys import file_name
from crawler.exports.parquet import DoesNotFit, ParquetWriter
from crawler.exports.profiles.files import ProfileWriter, Survey, is_shaped
from crawler.exports.text_files import SEPARATORS, TextWriter, guarded_cells, text_of, text_writer
from crawler.recipe.fields import FieldSpec
from crawler.recipe.model import DEFAULT_FORMATS, ExportFormat  # msgspec reads the annotations of ComposedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from crawler.exports.changes import CountedRows
    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectStore
    from crawler.exports.segments import ReadRow
    from crawler.recipe.model import Export, Recipe

logger = logging.getLogger(__name__)

CONTENT_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

#: Of a file that is compressed, whatever is in it.
GZIP_TYPE: Final = "application/gzip"

#: So much is collected before it is written to a file, and read from it at once.
_BUFFER_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPlan:
    """One file that is to be made.

    Attributes:
        name: without its ending.
        item: whose rows it holds.
        format: and ending.
        columns: fields in their order; None: those that the rows have, in the order in which they appear.
        join: see `CsvWriter`.
        raw: see `CsvWriter`.
        fields: of the contract, which Parquet needs.
        as_text: columns that Parquet has as text.
        profile: see `crawler.recipe.profiles`; its columns are found when all rows have been seen.
        gzip: whether the file is compressed.
        changes: it has a column that says what has changed, before all others.
        signs: of an incremental run, the rows that it gets, see `crawler.exports.changes`; None = all of them.
    """

    name: str
    item: str
    format: ExportFormat
    columns: tuple[str, ...] | None = None
    join: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    as_text: frozenset[str] = frozenset()
    profile: str = "plain@1"
    gzip: bool = False
    changes: bool = False
    signs: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ComposedFile:
    """One file that was put.

    Attributes:
        name: as its readers should call it, with its ending.
        item: whose rows it holds.
        format: csv, tsv, jsonl or parquet.
        content_type: its MIME type.
        key: of its object.
        rows: how many.
        size_bytes: of the object.
        sha256: of its bytes, in hexadecimal.
        columns: in their order; empty for JSON Lines whose rows have each their own.
        guarded: cells that got a leading `'` because a spreadsheet could run them.
    """

    name: str
    item: str
    format: ExportFormat
    content_type: str
    key: str
    rows: int
    size_bytes: int
    sha256: str
    columns: tuple[str, ...] = ()
    guarded: int = 0


def plan_exports(recipe: Recipe | None, counts: Mapping[str, int]) -> tuple[ExportPlan, ...]:
    """The files of a job: the recipe's `exports`, or else a CSV and a JSON Lines of each item.

    Args:
        recipe: of the job; None for an ordinary spider, whose items are those that it has given.
        counts: rows by item.
    """
    if recipe is None:
        return tuple(
            ExportPlan(name=name, item=item, format=fmt)
            for item, name in _distinct(sorted(counts)).items()
            for fmt in DEFAULT_FORMATS
        )
    if recipe.exports:
        plans = [plan for export in recipe.exports for plan in with_changes(plan_export(recipe, export), export)]
        return tuple(with_signs(recipe, plan) for plan in plans)
    return tuple(
        with_signs(
            recipe,
            ExportPlan(name=item, item=item, format=fmt, columns=tuple(contract.fields), fields=contract.fields),
        )
        for item, contract in recipe.items.items()
        for fmt in DEFAULT_FORMATS
    )


def plan_export(recipe: Recipe, export: Export) -> ExportPlan:
    """The file of one of a recipe's exports."""
    fields = recipe.items[export.item].fields
    return ExportPlan(
        name=export.name,
        item=export.item,
        format=export.format,
        columns=None if is_shaped(export.profile) else tuple(fields),
        join=export.join,
        raw=export.raw,
        fields=fields,
        profile=export.profile,
        gzip=export.gzip,
    )


def with_changes(plan: ExportPlan, export: Export) -> tuple[ExportPlan, ...]:
    """The plan as the export's `changes` wants it: with the column that says them, or with a file of them beside it."""
    if not export.changes:
        return (plan,)
    shown = replace(
        plan,
        changes=True,
        columns=plan.columns and (COLUMN, *plan.columns),
        fields={COLUMN: FieldSpec(type="string"), **plan.fields},
    )
    return (shown,) if export.changes == "column" else (plan, replace(shown, name=f"{plan.name}-changes"))


def with_signs(recipe: Recipe, plan: ExportPlan) -> ExportPlan:
    """The plan with the rows that an incremental recipe lets out."""
    incremental = recipe.incremental
    return plan if incremental is None else replace(plan, signs=emitted(incremental.emit, shows=plan.changes))


def compose(
    objects: ObjectStore, keys: JobKeys, rows: CountedRows, plans: Sequence[ExportPlan], *, folder: Path
) -> tuple[ComposedFile, ...]:
    """Makes the files and puts them; in the order of the plans.

    Rows are read once; twice if the columns of a CSV are to be found first, and again for each column of a Parquet file
    that some value does not fit.

    Args:
        objects: where segments are and files go.
        keys: of the job.
        rows: of all segments that the store has recorded; of an incremental recipe with their signs.
        plans: see `plan_exports`.
        folder: for files until they are put; needs as much room as all of them.

    Raises:
        SegmentDamaged: segments are not what was recorded; nothing has been put.
        ObjectStoreError: the storage does not give or take an object.
        ConfigError: Parquet is asked for, and cannot be written here.
        OSError: the folder is full.
    """
    plans = _with_columns(rows, plans)
    while True:
        with tempfile.TemporaryDirectory(prefix="compose-", dir=folder) as below:
            try:
                written = _write(rows, plans, Path(below))
            except _PlanDoesNotFit as error:
                logger.warning("%s.%s: written as text: %s", error.plan.name, error.plan.format, error)
                plans = [error.as_text if plan is error.plan else plan for plan in plans]
                continue
            return tuple(_put(objects, keys, one) for one in written)


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A file that is complete, and not yet put."""

    plan: ExportPlan
    path: Path
    rows: int
    guarded: int


def takes(plan: ExportPlan, row: ReadRow) -> bool:
    """Whether the file of a plan gets a row."""
    return row.item == plan.item and (plan.signs is None or row.change in plan.signs)


class _PlanDoesNotFit(Exception):
    """A value does not fit a column of a plan."""

    def __init__(self, plan: ExportPlan, error: DoesNotFit) -> None:
        super().__init__(str(error))
        self.plan = plan
        self.as_text = replace(plan, as_text=plan.as_text | {error.column})


def _with_columns(rows: CountedRows, plans: Sequence[ExportPlan]) -> Sequence[ExportPlan]:
    """The plans, with the columns of those files that have none yet: of a profile, or CSV of an ordinary spider."""
    columns = [_ColumnsOf(plan) for plan in plans]
    wanted = {one.plan.item for one in columns if one.needs_rows}
    if wanted:
        for row in rows:
            if row.item in wanted:
                for one in columns:
                    one.add(row)
    return [one.found() for one in columns]


class _ColumnsOf:
    """Finds the columns of one plan, if it has none yet."""

    def __init__(self, plan: ExportPlan) -> None:
        self.plan = plan
        self._survey = Survey(plan.profile) if plan.columns is None and is_shaped(plan.profile) else None
        self._is_open = plan.columns is None and self._survey is None and plan.format in SEPARATORS
        self._names: dict[str, None] = {}

    @property
    def needs_rows(self) -> bool:
        return self._is_open or (self._survey is not None and self._survey.is_needed)

    def add(self, row: ReadRow) -> None:
        if not takes(self.plan, row):
            return
        if self._survey is not None:
            self._survey.add(row.values)
        elif self._is_open and row.values.keys() - self._names.keys():
            self._names.update(dict.fromkeys(row.values))

    def found(self) -> ExportPlan:
        if self._survey is not None:
            return replace(self.plan, columns=self._survey.columns())
        return replace(self.plan, columns=tuple(self._names)) if self._is_open else self.plan


def _write(rows: CountedRows, plans: Sequence[ExportPlan], folder: Path) -> list[_Written]:
    """All files in one pass."""
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(_Sink(plan, folder / f"{number}")) for number, plan in enumerate(plans)]
        by_item: dict[str, list[_Sink]] = {}
        for sink in sinks:
            by_item.setdefault(sink.plan.item, []).append(sink)
        for row in _in_order(rows):
            for sink in by_item.get(row.item, ()):
                sink.write(row)
        return [sink.finish() for sink in sinks]


def _in_order(rows: CountedRows) -> Iterator[ReadRow]:
    """All of them; somebody who wants to see what a death does to a composition may ask for it at half of them."""
    read = iter(rows)
    if faults.is_on():
        yield from itertools.islice(read, rows.counts.total() // 2)
        faults.at("compose.half")
    yield from read


class _Sink:
    """A file while it is written; closed when its context ends, whether it is complete or not."""

    def __init__(self, plan: ExportPlan, path: Path) -> None:
        self.plan = plan
        self._path = path
        self._rows = 0

    def __enter__(self) -> Self:
        plan = self.plan
        if plan.format == "parquet":
            self._file: IO[Any] = self._path.open("wb", buffering=_BUFFER_BYTES)
            self._writer: TextWriter | ParquetWriter = ParquetWriter(self._file, plan.fields, as_text=plan.as_text)
            return self
        self._file = text_of(
            self._path.open("wb", buffering=_BUFFER_BYTES), gzipped=plan.gzip, buffer_bytes=_BUFFER_BYTES
        )
        self._writer = text_writer(
            self._file,
            plan.format,
            plan.columns,
            join=plan.join,
            raw=plan.raw,
            profile=plan.profile,
            own=(COLUMN,) if plan.changes else (),
        )
        if plan.columns and not isinstance(self._writer, JsonlWriter):
            self._writer.write_header()
        return self

    def __exit__(self, *_error: object) -> None:
        if isinstance(self._writer, ParquetWriter):
            self._writer.abandon()
        with contextlib.suppress(OSError):  # one that is complete is closed already; of any other this is not the error
            self._file.close()

    def write(self, row: ReadRow) -> None:
        if not takes(self.plan, row):
            return
        try:
            self._writer.write({COLUMN: row.change, **row.values} if self.plan.changes else row.values)
        except DoesNotFit as error:
            raise _PlanDoesNotFit(self.plan, error) from error
        self._rows += 1

    def finish(self) -> _Written:
        try:
            if isinstance(self._writer, ParquetWriter):
                self._writer.close()
        except DoesNotFit as error:
            raise _PlanDoesNotFit(self.plan, error) from error
        self._file.close()
        guarded = guarded_cells(self._writer)
        rows = self._writer.written if isinstance(self._writer, ProfileWriter) else self._rows
        return _Written(plan=self.plan, path=self._path, rows=rows, guarded=guarded)


# --- putting ----------------------------------------------------------------------------------------------------------


def _put(objects: ObjectStore, keys: JobKeys, written: _Written) -> ComposedFile:
    plan = written.plan
    ending = plan.format + (".gz" if plan.gzip else "")
    key = keys.new_file(plan.name, ending)
    content_type = GZIP_TYPE if plan.gzip else CONTENT_TYPES[plan.format]
    with written.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        objects.put(key, file, content_type=content_type)
    return ComposedFile(
        name=f"{plan.name}.{ending}",
        item=plan.item,
        format=plan.format,
        content_type=content_type,
        key=key,
        rows=written.rows,
        size_bytes=written.path.stat().st_size,
        sha256=sha256,
        columns=plan.columns or (),
        guarded=written.guarded,
    )


def _distinct(items: Sequence[str]) -> dict[str, str]:
    """A name of a file for each item; items of ordinary spiders are called as their authors like."""
    names: dict[str, str] = {}
    for item in items:
        name, number = file_name(item), 1
        while name in names.values():
            number += 1
            name = f"{file_name(item)}-{number}"
        names[item] = name
    return names
