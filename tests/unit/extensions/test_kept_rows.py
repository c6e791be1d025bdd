"""Rows that wait for their feed come back as they were, as often as they are asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.extensions.kept_rows import KeptRows


def test_rows_come_back_in_their_order_and_more_than_once(tmp_path):
    with KeptRows(str(tmp_path)) as rows:
        rows.add({"a": Decimal("1.50"), "b": None})
        rows.add({"a": "x" * 1000})
        assert list(rows) == list(rows) == [{"a": Decimal("1.50"), "b": None}, {"a": "x" * 1000}]
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_cannot_be_kept_ends_the_crawl_as_a_full_disk_does(tmp_path):
    with KeptRows(str(tmp_path)) as rows, pytest.raises(OSError, match="a row cannot be kept"):
        rows.add({"a": object()})
