from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from decimal import Decimal

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.exports.formats import (
    FORMULA_STARTS,
    CsvWriter,
    JsonlWriter,
    compact_json,
    csv_cell,
    csv_text,
    guarded,
)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", ""),
        ("a, b", "a, b"),
        (0, "0"),
        (False, "false"),
        (True, "true"),
        (-12, "-12"),
        (10**30, "1" + "0" * 30),
        (Decimal("51.77"), "51.77"),
        (Decimal("1290.00"), "1290.00"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-9"), "0.000000001"),
        (Decimal("-0.50"), "-0.50"),
        (Decimal("NaN"), ""),
        (1e300, "1" + "0" * 300),
        (0.1, "0.1"),
        (float("inf"), ""),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC), "2026-03-01T12:30:00+00:00"),
        (["a", "b"], '["a","b"]'),
        ([], "[]"),
        ([{"price": Decimal("1.50"), "sku": None}], '[{"price":1.50,"sku":null}]'),
        ([Decimal("1E+3")], "[1000]"),
        ({"b", "a", "c"}, '["a","b","c"]'),
        (frozenset({Decimal(2), Decimal("1E+1")}), "[10,2]"),
        ({"דגם": "א"}, '{"דגם":"א"}'),
    ],
)
def test_a_cell_holds_the_value_and_nothing_is_lost(value, cell):
    assert csv_cell(value) == cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_a_spreadsheet_could_run_is_quoted(start):
    assert csv_cell(f'{start}HYPERLINK("x")') == f'\'{start}HYPERLINK("x")'
    assert csv_cell(f"{start}x", raw=True) == f"{start}x"
    assert csv_cell(f"a{start}x") == f"a{start}x"


@pytest.mark.parametrize("text", ["-5", "+1", "-1.5", "-.5", "+1e3", "-2.E-7"])
def test_numbers_stay_numbers(text):
    assert guarded(text) == text


@pytest.mark.parametrize("text", ["-5+1", "--5", "+", "-1,000", "=1", "+٣", "-5\n", "+1e", "-inf"])
def test_what_only_begins_like_a_number_is_guarded(text):
    assert guarded(text) == "'" + text


def test_a_list_can_be_joined_instead():
    assert csv_cell(["a", None, Decimal("1.0")], join=" | ") == "a | 1.0"
    assert csv_cell([], join="|") == ""
    assert csv_cell(["=a", "b"], join="|") == "'=a|b"
    assert csv_cell("not a list", join="|") == "not a list"


def test_columns_are_in_their_order_with_a_header_and_unknown_fields_left_out():
    rows = [{"b": 2, "a": 1, "c": 3}, {"a": None}]
    assert csv_text(rows, ["a", "b"]) == "a,b\n1,2\n,\n"
    assert csv_text([], ["a", "b"]) == "a,b\n"


def test_the_writer_takes_join_and_raw():
    file = io.StringIO(newline="")
    writer = CsvWriter(file, ["tags", "note"], join={"tags": "|"}, raw=True)
    writer.write({"tags": ["x", "y"], "note": "=1"})
    assert file.getvalue() == "x|y,=1\n"


def test_json_lines_keep_types_and_digits():
    file = io.StringIO()
    writer = JsonlWriter(file, ["sku", "price", "tags"])
    writer.write({"tags": ("a",), "price": Decimal("1.50"), "other": 1})
    assert file.getvalue() == '{"sku":null,"price":1.50,"tags":["a"]}\n'
    whole = io.StringIO()
    JsonlWriter(whole).write({"b": {1}, "a": Decimal("Infinity")})
    assert whole.getvalue() == '{"b":[1],"a":null}\n'


AWKWARD = [
    {"name": 'a "quoted", text', "note": "two\nlines", "price": Decimal("51.77"), "tags": ["a,b", 'c"d'], "n": 1},
    {"name": "cr\r\nlf", "note": "cr\ralone", "price": None, "tags": [], "n": 2},
    {"name": "שולחן – עץ", "note": "  blanks kept  ", "price": Decimal("-1.50"), "tags": [{"k": "v\n"}], "n": 3},
    {"name": "\u2028line\u2029para\x85", "note": "'quoted'", "price": Decimal(0), "tags": ["\t"], "n": None},
    *({"name": f"plain {n}", "note": "x" * 300, "price": Decimal(n), "tags": ["t"], "n": n} for n in range(50)),
]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text(AWKWARD, ["name", "note", "price", "tags", "n"]))
    return path


def test_pandas_reads_the_file_without_options(written):
    frame = pd.read_csv(written)
    assert list(frame.columns) == ["name", "note", "price", "tags", "n"]
    assert str(frame["price"].dtype) == "float64"
    assert [json.loads(cell) for cell in frame["tags"]] == [row["tags"] for row in AWKWARD]
    assert next(iter(frame["name"])) == AWKWARD[0]["name"]
    assert len(frame) == len(AWKWARD)


def test_duckdb_reads_the_file_without_options(written):
    table = duckdb.sql(f"select * from '{written}'")
    assert table.columns == ["name", "note", "price", "tags", "n"]
    rows = table.fetchall()
    assert [row[0] for row in rows] == [row["name"] for row in AWKWARD]
    assert [row[1] for row in rows] == [row["note"] for row in AWKWARD]
    assert [json.loads(row[3]) for row in rows] == [row["tags"] for row in AWKWARD]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": st.text() | st.none(), "b": st.text()}), max_size=5))
def test_any_text_comes_back_from_a_csv_reader(rows):
    text = csv_text(rows, ["a", "b"])
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [[guarded(row["a"] or ""), guarded(row["b"])] for row in rows] == [[row["a"], row["b"]] for row in read]


class _Text(str):
    __slots__ = ()


class _Number(Decimal):
    """Of a class of its own, as a pipeline may make it."""


_HOSTILE = st.text(alphabet=",\"\r\n\t'=+-@＝a1.eE0א", max_size=5)
_DECIMALS = st.sampled_from(["1.50", "-0.00", "1E+3", "-1E-9", "NaN", "sNaN", "-Infinity", "0E-7"])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    _HOSTILE,
    _DECIMALS.map(Decimal),
    _DECIMALS.map(_Number),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(_HOSTILE, max_size=3).map(tuple)
        | st.dictionaries(_HOSTILE, inner, max_size=2)
        | st.sets(_HOSTILE, max_size=2)
    ),
    max_leaves=5,
)


def _plainly(value):
    """The value of a cell as JSON has it, without any of our short cuts."""
    if isinstance(value, dict):
        return {key: _plainly(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plainly(member) for member in value]
    if isinstance(value, set):
        return [_plainly(member) for member in sorted(value, key=compact_json)]
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, dt.date) else value


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from("abcd"), _VALUES | _HOSTILE.map(_Text)), max_size=3),
    columns=st.sampled_from(["a", "ab", "abcd", "dcx"]),
    join=st.sampled_from([{}, {"a": "|", "c": ', "'}]),
    raw=st.booleans(),
    separator=st.sampled_from(",\t"),
)
def test_a_row_is_written_as_pythons_writer_would_write_its_cells(rows, columns, join, raw, separator):
    file, expected, guards = io.StringIO(newline=""), [], 0
    writer = CsvWriter(file, columns, join=join, raw=raw, separator=separator)
    for row in rows:
        writer.write(row)
        cells = [csv_cell(row.get(name), join=join.get(name), raw=raw) for name in columns]
        guards += sum(cell[:1] == "'" and cell[1:2] in FORMULA_STARTS for cell in cells if not raw)
        line = io.StringIO(newline="")  # with this line end it quotes carriage returns, too
        csv.writer(line, delimiter=separator, lineterminator="\r\n").writerow(cells)
        expected.append(line.getvalue().removesuffix("\r\n") + "\n")
    assert file.getvalue() == "".join(expected)
    assert writer.guarded == guards


@settings(max_examples=300, deadline=None)
@given(value=_VALUES)
def test_compact_json_holds_the_value(value):
    assert json.loads(compact_json(value)) == _plainly(value)


def test_compact_json_of_a_float_and_of_text():
    assert compact_json({"x": 0.5, "y": "</script>"}) == '{"x":0.5,"y":"</script>"}'


def test_the_writer_counts_the_cells_it_has_guarded():
    file = io.StringIO(newline="")
    writer = CsvWriter(file, ["a", "b"])
    writer.write({"a": "=1+1", "b": "'tis"})
    writer.write({"a": "-40 degrees", "b": "-40"})
    assert writer.guarded == 2
    writer.write({"a": "'=1", "b": None})  # as the site has it: it reads as a guarded one
    assert writer.guarded == 3
    raw = CsvWriter(file, ["a"], raw=True)
    raw.write({"a": "=1+1"})
    assert raw.guarded == 0
