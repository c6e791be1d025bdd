"""Rows of one process; the rules that all back ends share are in `tests/contract/frontier/test_rows.py`."""

from __future__ import annotations

from crawler.frontier.contract import Row, RowFate
from crawler.frontier.kept_rows import KeptRows


def test_rows_are_counted_by_item_and_refusals_by_what_became_of_them():
    rows = KeptRows(limit=2, keep=False)
    fates = rows.add(7, [Row(item="a", key=1), Row(item="a", key=1), Row(item="b"), Row(item="b")])
    assert fates == (RowFate.STORED, RowFate.DUPLICATE, RowFate.STORED, RowFate.OVER_LIMIT)
    assert rows.counts == {"a": 1, "b": 1}
    assert rows.refused == {RowFate.DUPLICATE: 1, RowFate.OVER_LIMIT: 1}
    assert rows.read(after="", limit=10) == ()


def test_a_page_without_a_kept_row_has_no_place_among_the_rows():
    rows = KeptRows(limit=None, keep=True)
    rows.add(7, [Row(item="a", key=1, body=b"first")])
    rows.add(8, [Row(item="a", key=1)])
    rows.add(9, [Row(item="a", key=2, body=b"second")])
    assert [(row.position, row.page, row.body) for row in rows.read(after="", limit=10)] == [
        ("0", 7, b"first"),
        ("1", 9, b"second"),
    ]
