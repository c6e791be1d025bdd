"""A node's figures in the text format of Prometheus."""

from __future__ import annotations

import pytest

from crawler.scrapyd.figures import Figures


def test_each_class_of_a_histogram_holds_those_below_it():
    figures = Figures()
    for seconds in (0.005, 0.01, 0.3, 60.0):
        figures.starts.add(seconds)
    lines = figures.text({}).splitlines()
    name = "crawlery_node_worker_start_seconds"
    for end, count in (("0.01", 2), ("0.25", 2), ("0.5", 3), ("10", 3), ("+Inf", 4)):
        assert f'{name}_bucket{{le="{end}"}} {count}' in lines
    assert f"{name}_count 4" in lines
    assert sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}_sum")) == pytest.approx(
        60.315
    )


def test_every_kind_of_end_is_there_from_the_beginning():
    figures = Figures()
    figures.exits["signal"] += 1
    text = figures.text({"slots": 2})
    assert "# TYPE crawlery_node_slots gauge\ncrawlery_node_slots 2\n" in text
    assert 'crawlery_node_worker_exits_total{kind="signal"} 1\n' in text
    assert 'crawlery_node_worker_exits_total{kind="done"} 0\n' in text
