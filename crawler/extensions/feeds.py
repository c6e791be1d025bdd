"""Scrapy's feeds (`-O`, `-o`, FEEDS) for rows of recipes: thin adapters around `crawler.exports.formats`.

One file holds one item type, in contract order, with a header even when there is no row. Ordinary spiders get Scrapy's
own exporters and filters, unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import shutil
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace
from scrapy.exporters import BaseItemExporter, CsvItemExporter, JsonLinesItemExporter
from scrapy.extensions.feedexport import FeedExporter as ScrapyFeedExporter
from scrapy.extensions.feedexport import ItemFilter

from crawler.errors import ConfigError
from crawler.exports.changes import COLUMN, GONE, emitted
from crawler.exports.formats import JsonlWriter
from crawler.exports.parquet import DoesNotFit, ParquetWriter, need_parquet
from crawler.exports.profiles.files import ProfileWriter, Survey, is_shaped
from crawler.exports.text_files import SEPARATORS, compressed, guarded_cells, text_writer
from crawler.extensions.incremental import incremental_of
from crawler.extensions.kept_rows import KeptRows
from crawler.extensions.s3_feeds import check_s3_feed
from crawler.recipe.fields import FieldSpec
from crawler.recipe.model import Export
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from crawler.recipe.model import Recipe


logger = logging.getLogger(__name__)


class RowFilter(ItemFilter):
    """Lets the rows of one item type through; of an incremental recipe those that it lets out."""

    def __init__(self, item: str, signs: frozenset[str] | None = None) -> None:
        """`item`: name of the type. `signs`: see `crawler.exports.changes`; a row without one is let through, too."""
        super().__init__(None)
        self._item = item
        self._signs = signs

    def accepts(self, item: Any) -> bool:
        """Whether this row belongs into the file."""
        if not isinstance(item, RecipeRow) or item.item != self._item:
            return False
        return self._signs is None or not item.change or item.change in self._signs


class FeedExporter(ScrapyFeedExporter):
    """Scrapy's extension; a feed of a recipe takes the item of its export."""

    def item_scraped(self, item: Any, spider: Spider) -> None:
        """Writes a row. If it cannot be written (the disk is full) the crawl ends: nothing after it could be either."""
        try:
            super().item_scraped(item, spider)
        except OSError as error:
            self.crawler.stats.inc_value("exports/rows_not_written")
            if self._note(error):
                loop = asyncio.get_running_loop()
                self._closing = loop.create_task(self.crawler.engine.close_spider_async(reason="export_failed"))

    async def close_spider(self, spider: Spider) -> None:
        """Writes the rows that are gone, which is known only now, where a file shows what has changed."""
        incremental = incremental_of(self.crawler)
        own = incremental.settle() if incremental is not None else None
        for item, key in own.gone() if own is not None else ():
            row = RecipeRow(key, item=item)
            row.change = GONE
            self.item_scraped(row, spider)
        await super().close_spider(spider)

    async def _close_slot(self, slot: Any, spider: Spider) -> None:
        """Closing writes what is still in a buffer, and may fail like any write."""
        try:
            await super()._close_slot(slot, spider)
        except OSError as error:
            self._note(error)
            with contextlib.suppress(OSError):  # the second time only lets the file go
                slot.file.close()

    def _note(self, error: OSError) -> bool:
        """Tells of the first failure; True if this is it."""
        stats = self.crawler.stats
        if stats.get_value("exports/failed") is not None:
            return False
        stats.set_value("exports/failed", error.strerror or str(error))
        logger.critical("Rows cannot be written: %s", error)
        return True

    def _load_filter(self, feed_options: dict[str, Any]) -> ItemFilter:
        recipe = _recipe(self.crawler)
        if recipe is None or "item_filter" in feed_options or "item_classes" in feed_options:
            return super()._load_filter(feed_options)
        kwargs = feed_options.get("item_export_kwargs", {})
        export = _export(recipe, kwargs)
        if recipe.incremental is None:
            return RowFilter(export.item)
        return RowFilter(export.item, emitted(recipe.incremental.emit, shows=_shows(export, kwargs)))


class _TextExporter(BaseItemExporter):
    """Text of one item type, into a file that belongs to the feed, which closes it."""

    #: Of the files, as recipes call it.
    FORMAT: ClassVar[str] = "jsonl"

    def __init__(
        self,
        crawler: Crawler,
        file: IO[bytes],
        *,
        export: Export,
        columns: tuple[str, ...],
        gzipped: bool,
        shows: bool = False,
    ) -> None:
        """`columns`: of the contract, and with `shows` that of the changes; a profile has its own."""
        super().__init__()
        self._crawler = crawler
        self._shows = shows
        self._export = export
        self._packed = compressed(file) if gzipped else None
        self._text = io.TextIOWrapper(
            self._packed or file, encoding="utf-8", newline="", write_through=self._packed is None
        )
        self._fresh = not file.seekable() or file.tell() == 0
        own = (COLUMN,) if self._shows else ()
        self._writer = text_writer(self._text, self.FORMAT, columns, join=export.join, raw=export.raw, own=own)

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: IO[bytes], **options: Any) -> BaseItemExporter:
        """Ours for recipes, Scrapy's for ordinary spiders."""
        gzipped = bool(options.pop("gzip", False))
        recipe = _recipe(crawler)
        if recipe is None:
            return cls.of_spider(file, options)
        export = _export(recipe, options)
        profiled = is_shaped(export.profile) and export.format == cls.FORMAT
        columns = () if profiled else _columns(recipe, export, options.get("fields_to_export"))
        shows = _shows(export, options) and not profiled
        made = ProfileExporter if profiled else cls
        return made(
            crawler,
            file,
            export=export,
            columns=(COLUMN, *columns) if shows else columns,
            gzipped=gzipped,
            shows=shows,
        )

    @classmethod
    def of_spider(cls, file: IO[bytes], options: dict[str, Any]) -> BaseItemExporter:
        """Of an ordinary spider."""
        return JsonLinesItemExporter(file, **options)  # type: ignore[arg-type] # Scrapy hands options over untyped

    def start_exporting(self) -> None:
        """Writes the header, unless rows are appended to a file that has one."""
        if self._fresh and not isinstance(self._writer, JsonlWriter):
            self._writer.write_header()

    def export_item(self, item: Any) -> None:
        """Writes a row."""
        self._writer.write({COLUMN: item.change, **item} if self._shows else item)

    def finish_exporting(self) -> None:
        """Leaves the feed's file open."""
        if guarded := guarded_cells(self._writer):
            self._crawler.stats.inc_value("exports/cells_guarded", guarded)
        self._text.detach()
        if self._packed is not None:
            self._packed.close()


class JsonlExporter(_TextExporter):
    """JSON Lines of one item type."""


class CsvExporter(_TextExporter):
    """CSV of one item type."""

    FORMAT = "csv"

    @classmethod
    def of_spider(cls, file: IO[bytes], options: dict[str, Any]) -> BaseItemExporter:
        """Scrapy's own."""
        separator = SEPARATORS[cls.FORMAT]
        return CsvItemExporter(file, delimiter=separator, **options)  # type: ignore[arg-type] # as above


class TsvExporter(CsvExporter):
    """TSV of one item type."""

    FORMAT = "tsv"


class ProfileExporter(_TextExporter):
    """The file of a profile, whose columns are known when all rows are there: until then they wait."""

    def __init__(
        self,
        crawler: Crawler,
        file: IO[bytes],
        *,
        export: Export,
        columns: tuple[str, ...],
        gzipped: bool,
        shows: bool = False,
    ) -> None:
        """See above."""
        super().__init__(crawler, file, export=export, columns=columns, gzipped=gzipped, shows=shows)
        self._rows = KeptRows(crawler.settings["FEED_TEMPDIR"] or None)

    def start_exporting(self) -> None:
        """Nothing: what the header is will be known at the end."""

    def export_item(self, item: Any) -> None:
        """Keeps a row."""
        self._rows.add(item)

    def finish_exporting(self) -> None:
        """Writes the file, and leaves it open."""
        survey = Survey(self._export.profile)
        with self._rows as rows:
            for row in rows if survey.is_needed else ():
                survey.add(row)
            writer = ProfileWriter(self._text, self._export.profile, survey.columns(), raw=self._export.raw)
            self._writer = writer
            writer.write_header()
            for row in rows:
                writer.write(row)
        super().finish_exporting()


class ParquetExporter(BaseItemExporter):
    """Parquet of one item type.

    Rows wait in a file of their own until all are there: one that does not fit a typed column makes that column text,
    from the first row on.
    """

    def __init__(
        self, file: IO[bytes], *, fields: Mapping[str, FieldSpec], folder: str | None, shows: bool = False
    ) -> None:
        """`file` belongs to the feed, which closes it; `folder`: for the file of rows; `shows`: what has changed."""
        super().__init__()
        self._shows = shows
        self._file = file
        self._fields = fields
        self._folder = folder
        self._rows = KeptRows(folder)

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: IO[bytes], **options: Any) -> BaseItemExporter:
        """Only for recipes, whose contracts have types; see `check_feeds`."""
        recipe = _recipe(crawler)
        if recipe is None:
            raise AssertionError("check_feeds has refused Parquet for a spider without a contract")
        export = _export(recipe, options)
        contract = recipe.items[export.item].fields
        columns = _columns(recipe, export, options.get("fields_to_export"))
        fields = {name: contract[name] for name in columns if name in contract}
        shows = _shows(export, options)
        if shows:
            fields = {COLUMN: FieldSpec(type="string"), **fields}
        return cls(file, fields=fields, folder=crawler.settings["FEED_TEMPDIR"] or None, shows=shows)

    def export_item(self, item: Any) -> None:
        """Keeps a row."""
        self._rows.add({COLUMN: item.change, **item} if self._shows else item)

    def finish_exporting(self) -> None:
        """Writes the file, and leaves it open."""
        as_text: set[str] = set()
        with self._rows as rows:
            while True:
                with tempfile.TemporaryFile(dir=self._folder) as made:
                    writer = ParquetWriter(made, self._fields, as_text=as_text)
                    try:
                        for row in rows:
                            writer.write(row)
                        writer.close()
                    except DoesNotFit as error:
                        writer.abandon()
                        logger.warning("Parquet: written as text: %s", error)
                        as_text.add(error.column)
                        continue
                    made.seek(0)
                    shutil.copyfileobj(made, self._file)
                    return


def export_feeds(recipe: Recipe, folder: Path) -> dict[str, dict[str, Any]]:
    """FEEDS for the exports that a recipe declares: one file each, in `folder`, written anew.

    Two of an export with `changes: file`.
    """
    feeds: dict[str, dict[str, Any]] = {}
    for export in recipe.exports:
        kwargs: dict[str, Any] = {"export": export.name} | ({"gzip": True} if export.gzip else {})
        if recipe.incremental is not None:
            kwargs["changes"] = export.changes == "column"
        options = {"format": export.format, "overwrite": True}
        feeds[str(folder / export.file)] = {**options, "item_export_kwargs": kwargs}
        if export.changes == "file":
            beside = replace(export, name=f"{export.name}-changes").file
            feeds[str(folder / beside)] = {**options, "item_export_kwargs": {**kwargs, "changes": True}}
    return feeds


def check_feeds(settings: BaseSettings, recipe: Recipe | None) -> None:
    """Whether the files of FEEDS can be written: asked before an hour of crawling rather than after.

    `recipe`: None for an ordinary spider.

    Raises:
        ConfigError: one of them cannot; says which and why.
    """
    for uri, options in settings.getdict("FEEDS").items():
        if urlsplit(str(uri)).scheme == "s3":
            check_s3_feed(settings, str(uri))
        path = local_path(str(uri))
        if (options or {}).get("format") == "parquet":
            _check_parquet(str(uri), path, is_recipe=recipe is not None, appends=not options.get("overwrite"))
        elif recipe is not None and path is not None and not (options or {}).get("overwrite"):
            _check_profile(path, _export(recipe, (options or {}).get("item_export_kwargs", {})))
        if path is not None:
            _check_local(path)


def _check_parquet(uri: str, path: Path | None, *, is_recipe: bool, appends: bool) -> None:
    need_parquet()
    if not is_recipe:
        raise ConfigError(f"{uri}: Parquet has typed columns, and only recipes have types; use csv or jsonl")
    if appends and path is not None and path.exists() and path.stat().st_size:
        raise ConfigError(f"{path}: nothing can be appended to a Parquet file; -O overwrites it")


def _check_profile(path: Path, export: Export) -> None:
    if is_shaped(export.profile) and path.suffix == f".{export.format}" and path.exists() and path.stat().st_size:
        raise ConfigError(f"{path}: has columns for the rows in it, so nothing can be appended; -O overwrites it")


def _check_local(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error


def local_path(uri: str) -> Path | None:
    """The file that a feed is written to; None if it is no local file, or its name is made of the crawl's values."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.path in ("", "-") or "%(" in uri:
        return None
    return Path(unquote(parts.path) if parts.scheme == "file" else uri)


def _recipe(crawler: Crawler) -> Recipe | None:
    return crawler.spider.recipe if isinstance(crawler.spider, RecipeSpider) else None


def _shows(export: Export, options: Mapping[str, Any]) -> bool:
    """Whether a feed has the column that says what has changed; another one of the same name may differ in that."""
    return bool(options.get("changes", export.changes == "column"))


def _export(recipe: Recipe, options: Mapping[str, Any]) -> Export:
    """The export that a feed is written as: the one it names, else the recipe's first, else its first item plainly."""
    name = options.get("export")
    for export in recipe.exports:
        if name in (None, export.name):
            return export
    item = next(iter(recipe.items), "")
    return Export(name=recipe.name, item=item, format="csv")


def _columns(recipe: Recipe, export: Export, chosen: Any) -> tuple[str, ...]:
    """The columns: those that FEED_EXPORT_FIELDS chooses, else all in contract order."""
    if chosen:
        return tuple(chosen)
    contract = recipe.items.get(export.item)
    return () if contract is None else tuple(contract.fields)
