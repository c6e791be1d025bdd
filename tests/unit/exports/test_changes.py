"""Signs of rows: which files get what, as often as the rows are read."""

from collections import Counter

from crawler.exports.changes import ChangedRows, emitted
from crawler.exports.segments import ReadRow


class Rows:
    def __init__(self):
        self.counts = Counter(good=2)

    def __iter__(self):
        return iter([ReadRow(1, "good", {"sku": "a"}), ReadRow(2, "good", {"sku": "b"})])


def test_rows_have_their_signs_each_time_and_those_that_are_gone_come_last(tmp_path):
    (tmp_path / "signs").write_bytes(b"+=")
    rows = ChangedRows(Rows(), tmp_path / "signs", lambda: [("good", {"sku": "c"})])
    for _ in range(2):
        assert [(row.change, row.values["sku"]) for row in rows] == [("+", "a"), ("=", "b"), ("-", "c")]
    assert rows.counts == {"good": 2}


def test_a_file_gets_what_emit_says_and_what_is_gone_only_where_it_can_say_so():
    assert emitted("all", shows=False) == {"+", "~", "="}
    assert emitted("changed", shows=True) == {"+", "~", "-"}
    assert emitted("new", shows=False) == {"+"}
