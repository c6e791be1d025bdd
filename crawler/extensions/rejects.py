"""Rows that were refused: counted by field and rule, and kept in a file beside the output, if there are any.

One JSON object a line: `item`, `url` of the page, `reasons` (field, rule, message) and `values` as they were extracted.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from scrapy import signals

from crawler.exports.formats import JsonlWriter
from crawler.extensions.feeds import local_path
from crawler.extensions.fleet import fleet_of
from crawler.recipe.values import MISSING
from crawler.signals import row_rejected
from crawler.spiders.recipe import RecipeSpider

if TYPE_CHECKING:
    from typing import Any, Self

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from crawler.recipe.model import Reject

logger = logging.getLogger(__name__)

_ENDING: Final = ".rejects.jsonl"


class RejectsFile:
    """Writes the file; `path` is None until there was a reject."""

    def __init__(self, crawler: Crawler, path: Path) -> None:
        """`path`: where to, if there is anything to write."""
        self.path: Path | None = None
        self._crawler = crawler
        self._target = path
        self._file: TextIO | None = None
        self._writer: JsonlWriter | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The file of a crawl: `books.csv` has `books.rejects.jsonl` beside it."""
        name = crawler.spidercls.name if hasattr(crawler.spidercls, "name") else "spider"
        extension = cls(crawler, rejects_path(crawler.settings, name))
        crawler.signals.connect(extension.row_rejected, signal=row_rejected)
        crawler.signals.connect(extension.spider_closed, signal=signals.spider_closed)
        return extension

    def row_rejected(self, reject: Reject) -> None:
        """Counts and keeps a row."""
        spider = self._crawler.spider
        if isinstance(spider, RecipeSpider):
            spider.report.reject(reject)
        for reason in reject.reasons:
            self._crawler.stats.inc_value(f"recipe/rejected/{reject.item}/{reason.field}/{reason.rule}")
        if self._writer is None:
            self.path = self._own_path()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="\n")
            self._writer = JsonlWriter(self._file)
        self._writer.write(
            {
                "item": reject.item,
                "url": reject.url,
                "reasons": [
                    {"field": reason.field, "rule": reason.rule, "message": reason.message} for reason in reject.reasons
                ],
                "values": _plain(reject.values),
            }
        )

    def _own_path(self) -> Path:
        """The file of this process: workers of one job may run in one folder."""
        fleet = fleet_of(self._crawler)
        if fleet is None:
            return self._target
        name = self._target.name.removesuffix(_ENDING)
        return self._target.with_name(f"{name}.{fleet.job.id}.{fleet.worker.replace('/', '-')}{_ENDING}")

    def spider_closed(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            logger.warning("Rejected rows are in %s", self.path)


def rejects_path(settings: BaseSettings, name: str) -> Path:
    """Where the rejects of a crawl go: beside its first local output file, else into the folder of exports."""
    for uri in settings.getdict("FEEDS"):
        output = local_path(str(uri))
        if output is not None:
            return output.with_name(f"{output.stem}{_ENDING}")
    return Path(settings["EXPORTS_DIR"]) / f"{name}{_ENDING}"


def _plain(value: Any) -> Any:
    """Extracted values as JSON can hold them."""
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items() if member is not MISSING}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value if member is not MISSING]
    return value
