"""Rows of recipes on their way out: each key once, `unique` fields unique, and not more rows than were asked for.

Only `RecipeRow` is looked at; items of ordinary spiders pass. First in the order of pipelines, so that an engineer's
own pipelines see what will be exported.

Where workers share a frontier, it is the frontier that knows which rows there are; a page whose lease was lost is read
again, and its rows are none that were there before. Then rows only get their ids here, and what the frontier says about
them is reported when their page has been committed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem

from crawler.exports.formats import compact_json
from crawler.frontier.contract import RowFate
from crawler.frontier.identity import text_id
from crawler.recipe.model import Reason, Reject
from crawler.recipe.paging import mark
from crawler.scheduler import our_scheduler
from crawler.signals import row_rejected, rows_settled
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from collections.abc import Sequence
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
        """See `__init__`; connects to what frontiers say about rows."""
        pipeline = cls(crawler, limit=crawler.settings.getint("ITEMS_LIMIT"))
        crawler.signals.connect(pipeline.rows_settled, signal=rows_settled)
        return pipeline

    def process_item(self, item: Any) -> Any:
        """The row, if it is new.

        Raises:
            DropItem: it is not.
        """
        spider = self._crawler.spider
        if not isinstance(item, RecipeRow) or not isinstance(spider, RecipeSpider):
            return item
        scheduler = our_scheduler(self._crawler)
        if scheduler is not None and scheduler.shared:
            return _identified(item, spider, scheduler.codec.secret)
        if self._limit and self._accepted >= self._limit:
            raise DropItem(f"more than limits.items = {self._limit}", log_level=_QUIET)
        self._check_key(item, spider)
        self._check_unique(item, spider)
        self._accepted += 1
        if self._accepted == self._limit:
            self._crawler.stats.set_value("limits/reached", "limits.items")
        return item

    def rows_settled(self, rows: Sequence[tuple[Any, RowFate]]) -> None:
        """Counts and reports what a frontier did not keep."""
        spider = self._crawler.spider
        for row, fate in rows:
            if not isinstance(row, RecipeRow) or not isinstance(spider, RecipeSpider):
                continue
            if fate is RowFate.DUPLICATE:
                self._count_duplicate(row, spider)
            elif fate is RowFate.NOT_UNIQUE:
                # The frontier does not say which value it was.
                names = " or ".join(_unique_values(row, spider))
                reason = Reason(field=names, rule="unique", message="a row with this value is there already")
                self._report(row, spider, (reason,))

    def _check_key(self, row: RecipeRow, spider: RecipeSpider) -> None:
        if not _has_key(row):
            return
        key = mark(compact_json(row.key))
        if key in self._keys[row.item]:
            self._count_duplicate(row, spider)
            raise DropItem(f"{row.item} {row.key!r} is there already", log_level=_QUIET)
        self._keys[row.item].add(key)

    def _count_duplicate(self, row: RecipeRow, spider: RecipeSpider) -> None:
        spider.report.duplicates[row.item] += 1
        self._crawler.stats.inc_value(f"recipe/duplicates/{row.item}")

    def _check_unique(self, row: RecipeRow, spider: RecipeSpider) -> None:
        values = _unique_values(row, spider)
        if not values:
            return
        hashes = {name: mark(text) for name, text in values.items()}
        reasons = tuple(
            Reason(field=name, rule="unique", message=f"{str(row[name])[:200]!r} is in an earlier row")
            for name, value in hashes.items()
            if value in self._values[row.item, name]
        )
        if reasons:
            self._report(row, spider, reasons)
            raise DropItem(f"{row.item}: {reasons[0].field}: unique", log_level=_QUIET)
        for name, value in hashes.items():
            self._values[row.item, name].add(value)

    def _report(self, row: RecipeRow, spider: RecipeSpider, reasons: tuple[Reason, ...]) -> None:
        reject = Reject(item=row.item, url=row.url, reasons=reasons, values=dict(row))
        self._crawler.signals.send_catch_log(row_rejected, reject=reject, spider=spider)


def _identified(row: RecipeRow, spider: RecipeSpider, secret: bytes) -> RecipeRow:
    """The row with the ids by which a frontier knows its key and its unique values; keyed, as those of requests."""
    row.key_id = text_id(secret, compact_json(row.key)) if _has_key(row) else 0
    row.unique_ids = tuple(text_id(secret, name, text) for name, text in _unique_values(row, spider).items())
    return row


def _has_key(row: RecipeRow) -> bool:
    return row.key.count(None) < len(row.key)


def _unique_values(row: RecipeRow, spider: RecipeSpider) -> dict[str, str]:
    """The values that no other row may have, as text, by field."""
    names = spider.unique_fields[row.item]
    return {name: compact_json(row[name]) for name in names if row.get(name) is not None} if names else {}
