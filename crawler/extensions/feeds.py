"""Scrapy's feeds (`-O`, `-o`, FEEDS) for rows of recipes: thin adapters around `crawler.exports.formats`.

One file holds one item type, in contract order, with a header even when there is no row. Ordinary spiders get Scrapy's
own exporters and filters, unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from scrapy.exporters import BaseItemExporter, CsvItemExporter, JsonLinesItemExporter
from scrapy.extensions.feedexport import FeedExporter as ScrapyFeedExporter
from scrapy.extensions.feedexport import ItemFilter

from crawler.errors import ConfigError
from crawler.exports.formats import CsvWriter, JsonlWriter
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
    """Lets the rows of one item type through."""

    def __init__(self, item: str) -> None:
        """`item`: name of the type."""
        super().__init__(None)
        self._item = item

    def accepts(self, item: Any) -> bool:
        """Whether this row belongs into the file."""
        return isinstance(item, RecipeRow) and item.item == self._item


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
        return RowFilter(_export(recipe, feed_options.get("item_export_kwargs", {})).item)


class CsvExporter(BaseItemExporter):
    """CSV of one item type."""

    def __init__(self, crawler: Crawler, file: IO[bytes], *, export: Export, columns: tuple[str, ...]) -> None:
        """`file` belongs to the feed, which closes it."""
        super().__init__()
        self._crawler = crawler
        self._fresh = not file.seekable() or file.tell() == 0
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = CsvWriter(self._text, columns, join=export.join, raw=export.raw)

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: IO[bytes], **options: Any) -> BaseItemExporter:
        """Ours for recipes, Scrapy's for ordinary spiders."""
        recipe = _recipe(crawler)
        if recipe is None:
            # Scrapy hands the feed's file and options over untyped.
            return CsvItemExporter(file, **options)  # type: ignore[arg-type]
        export = _export(recipe, options)
        return cls(crawler, file, export=export, columns=_columns(recipe, export, options.get("fields_to_export")))

    def start_exporting(self) -> None:
        """Writes the header, unless rows are appended to a file that has one."""
        if self._fresh:
            self._writer.write_header()

    def export_item(self, item: Any) -> None:
        """Writes a row."""
        self._writer.write(item)

    def finish_exporting(self) -> None:
        """Leaves the feed's file open."""
        if self._writer.guarded:
            self._crawler.stats.inc_value("exports/cells_guarded", self._writer.guarded)
        self._text.detach()


class JsonlExporter(BaseItemExporter):
    """JSON Lines of one item type."""

    def __init__(self, file: IO[bytes], *, columns: tuple[str, ...]) -> None:
        """`file` belongs to the feed, which closes it."""
        super().__init__()
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=True)
        self._writer = JsonlWriter(self._text, columns)

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: IO[bytes], **options: Any) -> BaseItemExporter:
        """Ours for recipes, Scrapy's for ordinary spiders."""
        recipe = _recipe(crawler)
        if recipe is None:
            # As above.
            return JsonLinesItemExporter(file, **options)  # type: ignore[arg-type]
        export = _export(recipe, options)
        return cls(file, columns=_columns(recipe, export, options.get("fields_to_export")))

    def export_item(self, item: Any) -> None:
        """Writes a row."""
        self._writer.write(item)

    def finish_exporting(self) -> None:
        """Leaves the feed's file open."""
        self._text.detach()


def export_feeds(recipe: Recipe, folder: Path) -> dict[str, dict[str, Any]]:
    """FEEDS for the exports that a recipe declares: one file each, in `folder`, written anew."""
    return {
        str(folder / f"{export.name}.{export.format}"): {
            "format": export.format,
            "overwrite": True,
            "item_export_kwargs": {"export": export.name},
        }
        for export in recipe.exports
    }


def check_feeds(settings: BaseSettings) -> None:
    """Whether the local files of FEEDS can be written: asked before an hour of crawling rather than after.

    Raises:
        ConfigError: one of them cannot; says which and why.
    """
    for uri in settings.getdict("FEEDS"):
        path = local_path(str(uri))
        if path is None:
            continue
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
