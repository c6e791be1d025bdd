"""The rows of a shared job as a file: which of them, in which columns, as the recipe's exports say.

Rows are read some at a time and written as they come, so a job may have any number of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.cli.groups import CommandFailed
from crawler.exports.formats import JsonlWriter
from crawler.exports.profiles.files import ProfileWriter, Survey, is_shaped
from crawler.exports.segments import read_segment
from crawler.exports.text_files import SEPARATORS, guarded_cells, text_writer
from crawler.jobs.rows import NOTE, decode_row
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import Export

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from crawler.exports.formats import TextFile
    from crawler.exports.objects import ObjectStore
    from crawler.exports.segments import ReadRow
    from crawler.frontier.row_stream import RedisRowStream
    from crawler.jobs.model import Job
    from crawler.jobs.segments import Segment
    from crawler.recipe.model import Recipe

_BYTES_AT_ONCE: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What is written.

    Attributes:
        item: only rows of this type; None = any.
        columns: their fields; None = those that the rows have, in the order in which they appear.
        join: see `CsvWriter`.
        raw: see `CsvWriter`.
        profile: of a file of that format; its columns are found by reading all rows.
        format: which the export has.
    """

    item: str | None = None
    columns: tuple[str, ...] | None = None
    join: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    profile: str = "plain@1"
    format: str = "csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """How many rows, and how many cells got a leading `'` because a spreadsheet could run them."""

    rows: int
    guarded: int = 0


def selection_of(job: Job, counts: Mapping[str, int], *, item: str | None, export: str | None) -> Selection:
    """What the options choose.

    Args:
        job: whose rows they are.
        counts: how many there are so far, by item.
        item: of `--item`.
        export: of `--export`.

    Raises:
        CommandFailed: there is no such item or export, or several items and none is chosen.
        RecipeError: the recipe of the job cannot be read.
    """
    if job.recipe_text:
        recipe = load_recipe_text(job.recipe_text, name=job.recipe or job.id)
        return _of_recipe(recipe, item=item, export=export)
    if export is not None:
        raise CommandFailed(
            f"--export {export}: {job.spider} is an ordinary spider, which has none; --item chooses rows"
        )
    if item is not None and counts and item not in counts:
        raise CommandFailed(f"--item {item}: the job has rows of {', '.join(sorted(counts))}")
    return Selection(item=item)


def _of_recipe(recipe: Recipe, *, item: str | None, export: str | None) -> Selection:
    named = {candidate.name: candidate for candidate in recipe.exports}
    if export is not None and export not in named:
        raise CommandFailed(f"--export {export}: {recipe.name} has {', '.join(named) or 'no exports'}")
    if item is not None and item not in recipe.items:
        raise CommandFailed(f"--item {item}: {recipe.name} has {', '.join(recipe.items)}")
    if export is not None and item not in (None, named[export].item):
        raise CommandFailed(f"--export {export} holds {named[export].item}, not {item}; give one of the two")
    if item is None and export is None and len(recipe.items) > 1:
        raise CommandFailed(f"{recipe.name} has rows of {', '.join(recipe.items)}; choose with --item")
    chosen = item or next(iter(recipe.items))
    plain = Export(name=recipe.name, item=chosen, format="csv")
    options = (
        named[export]
        if export is not None
        else next((candidate for candidate in recipe.exports if candidate.item == chosen), plain)
    )
    columns = tuple(recipe.items[options.item].fields)
    return Selection(item=options.item, columns=columns, join=options.join, raw=options.raw, profile=options.profile)


async def write_rows(rows: JobRows, file: TextFile, selection: Selection, *, fmt: str) -> Written:
    """Writes what a job has so far, as `csv`, `tsv` or `jsonl`.

    A header without given columns takes a reading of its own; rows that come meanwhile are left out.

    Raises:
        CommandFailed: some of the rows are in files, and nothing says where those are.
        Undecodable: a stored row cannot be read.
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does.
        OSError: the file cannot be written.
    """
    columns, most = selection.columns, math.inf
    profile = selection.profile if fmt == selection.format else "plain@1"
    if is_shaped(profile):
        columns, most = await _columns_of_profile(rows, selection)
    elif fmt in SEPARATORS and columns is None:
        columns, most = await _columns_so_far(rows, selection.item)
    writer = text_writer(file, fmt, columns, join=selection.join, raw=selection.raw, profile=profile)
    if columns and not isinstance(writer, JsonlWriter):
        writer.write_header()
    count = 0
    async for values in rows.read(selection.item):
        if count >= most:
            break
        writer.write(values)
        count += 1
    written = writer.written if isinstance(writer, ProfileWriter) else count
    return Written(rows=written, guarded=guarded_cells(writer))


async def _columns_so_far(rows: JobRows, item: str | None) -> tuple[tuple[str, ...], int]:
    """The fields of all rows in the order in which they appear, and how many rows these are."""
    names: dict[str, Any] = {}
    count = 0
    async for values in rows.read(item):
        names.update(dict.fromkeys(values))
        count += 1
    return tuple(names), count


async def _columns_of_profile(rows: JobRows, selection: Selection) -> tuple[tuple[str, ...], int]:
    """The columns that the profile has for all rows, and how many rows these are."""
    survey = Survey(selection.profile)
    count = 0
    async for values in rows.read(selection.item):
        survey.add(values)
        count += 1
    return survey.columns(), count


class JobRows:
    """All rows of a job so far, in the order of their commits: those that are in segments, then those in the store."""

    def __init__(self, stream: RedisRowStream, objects: ObjectStore | None) -> None:
        """`objects`: where the segments are; None if nothing says it."""
        self._stream = stream
        self._objects = objects

    async def read(self, item: str | None) -> AsyncIterator[dict[str, Any]]:
        """The values of each row of this type, of any type without.

        A steward may move rows into a segment meanwhile; then those that were read in the store already are passed
        over in the segment, which begins where the one before it ended.

        Raises:
            CommandFailed: there are segments, and nothing says where.
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files does.
        """
        segments = ahead = 0  # those that are read; rows that were read in the store and are in none of them
        last = ""
        while True:
            for segment in await self._stream.segments(after=segments):
                for number, row in enumerate(self._of_segment(segment)):
                    if number >= ahead and row.item != NOTE and item in (None, row.item):
                        yield row.values
                ahead = max(0, ahead - sum(segment.rows.values()))
                segments, last = segment.number, last if ahead else segment.last
            chunk = await self._stream.read(limit_bytes=_BYTES_AT_ONCE, after=last)
            newest = await self._stream.last()
            if newest is not None and newest.number != segments:
                continue  # rows may have left the store before they were read
            if not chunk.rows:
                return
            for stored in chunk.rows:
                if stored.item != NOTE and item in (None, stored.item):
                    yield decode_row(stored.body)
            ahead, last = ahead + len(chunk.rows), chunk.last

    def _of_segment(self, segment: Segment) -> Iterable[ReadRow]:
        if self._objects is None:
            where = "STORAGE_URL in the environment says where: s3://BUCKET/PREFIX or file:///FOLDER"
            raise CommandFailed(f"rows of this job are in files by now; {where}")
        return read_segment(self._objects, segment)
