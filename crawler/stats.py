"""The stats of a crawl as Scrapy's collector keeps them, without a detour for arguments that are not used any more.

Scrapy 2.19 looks twice for each attribute of its collector, to wrap those methods that once took a spider: 3 us for
each count, of which a page has fifteen.
"""

from __future__ import annotations

from typing import Any

from scrapy.statscollectors import MemoryStatsCollector


class StatsCollector(MemoryStatsCollector):
    """`settings.py` names it as STATS_CLASS. A `spider` may be given, as ever, and says nothing."""

    __getattribute__ = object.__getattribute__

    def inc_value(self, key: str, count: int = 1, start: int = 0, spider: Any = None) -> None:
        """Counts."""
        _ = spider
        stats = self._stats
        stats[key] = stats.get(key, start) + count
