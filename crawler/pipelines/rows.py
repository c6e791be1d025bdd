"""Rows of recipes on their way out: each key once, `unique` fields unique, and not more rows than were asked for.

Only `RecipeRow` is looked at; items of ordinary spiders pass. First in the order of pipelines, so that an engineer's
own pipelines see what will be exported.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem

from crawler.exports.formats import compact_json
from crawler.recipe.model import Reason, Reject
from crawler.recipe.paging import mark
from crawler.signals import row_rejected
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

#: Rows that are dropped on purpose are counted, not warned about.
_QUIET = "DEBUG"


class RowPipeline:
    """Drops duplicates and what is over the limit, rejects repeated `unique` values."""

    def __init__(self, crawler: Crawler, *, limit: int) -> None:
        """`limit`: rows in all, 0 = no limit."""
        self._crawler = crawler
        self._limit = limit
        self._accepted = 0
        self._keys: defaultdict[str, set[int]] = defaultdict(set)  # 64-bit hashes, by item
        self._values: defaultdict[tuple[str, str], set[int]] = defaultdict(set)  # ditto, by item and field

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """See `__init__`."""
        return cls(crawler, limit=crawler.settings.getint("ITEMS_LIMIT"))

    def process_item(self, item: Any) -> Any:
        """The row, if it is new.

        Raises:
            DropItem: it is not.
        """
        spider = self._crawler.spider
        if not isinstance(item, RecipeRow) or not isinstance(spider, RecipeSpider):
            return item
        if self._limit and self._accepted >= self._limit:
            raise DropItem(f"more than limits.items = {self._limit}", log_level=_QUIET)
        self._check_key(item, spider)
        self._check_unique(item, spider)
        self._accepted += 1
        if self._accepted == self._limit:
            self._crawler.stats.set_value("limits/reached", "limits.items")
        return item

    def _check_key(self, row: RecipeRow, spider: RecipeSpider) -> None:
        if not row.key or all(part is None for part in row.key):
            return
        key = mark(compact_json(row.key))
        if key in self._keys[row.item]:
            spider.report.duplicates[row.item] += 1
            self._crawler.stats.inc_value(f"recipe/duplicates/{row.item}")
            raise DropItem(f"{row.item} {row.key!r} is there already", log_level=_QUIET)
        self._keys[row.item].add(key)

    def _check_unique(self, row: RecipeRow, spider: RecipeSpider) -> None:
        contract = spider.recipe.items[row.item]
        hashes = {
            name: mark(compact_json(row[name]))
            for name, field in contract.fields.items()
            if field.unique and row.get(name) is not None
        }
        reasons = tuple(
            Reason(field=name, rule="unique", message=f"{str(row[name])[:200]!r} is in an earlier row")
            for name, value in hashes.items()
            if value in self._values[row.item, name]
        )
        if reasons:
            reject = Reject(item=row.item, url=row.url, reasons=reasons, values=dict(row))
            self._crawler.signals.send_catch_log(row_rejected, reject=reject, spider=spider)
            raise DropItem(f"{row.item}: {reasons[0].field}: unique", log_level=_QUIET)
        for name, value in hashes.items():
            self._values[row.item, name].add(value)
