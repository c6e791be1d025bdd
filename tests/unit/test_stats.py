"""Our collector counts as Scrapy's does."""

from __future__ import annotations

import pytest
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from crawler.stats import StatsCollector


def used(kind):
    stats = kind(get_crawler())
    stats.inc_value("a")
    stats.inc_value("a", 4)
    stats.inc_value("b", start=5)
    stats.inc_value("b", count=2)
    stats.max_value("c", 3)
    stats.min_value("c", 2)
    stats.set_value("d", [1])
    return stats.get_stats()


def test_every_way_to_count_gives_what_it_gives_in_scrapy():
    assert used(StatsCollector) == used(MemoryStatsCollector) == {"a": 5, "b": 7 + 1, "c": 2, "d": [1]}


@pytest.mark.parametrize("name", ["inc_value", "set_value", "max_value", "get_value"])
def test_methods_are_the_plain_ones(name):
    stats = StatsCollector(get_crawler())
    assert getattr(stats, name).__func__ is getattr(StatsCollector, name)
