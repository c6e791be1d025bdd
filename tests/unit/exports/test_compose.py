from __future__ import annotations

import hashlib
import io
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planned_faults import planned

from crawler.errors import NoSuchObject, ObjectStoreError, SegmentDamaged
from crawler.exports.compose import ExportPlan, compose, plan_exports
from crawler.exports.formats import CsvWriter, JsonlWriter
from crawler.exports.joined import JoinedRows
from crawler.exports.objects_folder import FolderObjectStore

sys.path.insert(0, str(Path(__file__).parent))

from composing import KEYS, composed, recipe, segments_of
from plain_values import TEXTS, VALUES

EXPORTS = """
exports:
  - {name: all, item: product, format: csv, columns: {tags: {join: "|"}}}
  - {name: raw, item: product, format: csv, raw: true}
  - {name: lines, item: product, format: jsonl}
  - {name: typed, item: product, format: parquet}
"""


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "spool"
    made.mkdir()
    return made


def product(number, **values):
    return "product", {"sku": f"S{number}", "price": Decimal("1.50"), "tags": ["a", "b"], **values}


def expected(rows, columns, *, fmt="csv", **options):
    text = io.StringIO(newline="")
    writer = CsvWriter(text, columns, **options) if fmt == "csv" else JsonlWriter(text, columns)
    if fmt == "csv" and columns:
        writer.write_header()
    for row in rows:
        writer.write(row)
    return text.getvalue().encode()


# --- plans ------------------------------------------------------------------------------------------------------------


def test_a_recipes_exports_are_its_files():
    plans = plan_exports(recipe(EXPORTS), {})
    assert [(plan.name, plan.item, plan.format, plan.raw) for plan in plans] == [
        ("all", "product", "csv", False),
        ("raw", "product", "csv", True),
        ("lines", "product", "jsonl", False),
        ("typed", "product", "parquet", False),
    ]
    assert plans[0].join == {"tags": "|"}
    assert all(plan.columns[:2] == ("sku", "price") for plan in plans)


def test_a_recipe_without_exports_has_a_csv_and_a_jsonl_of_each_item_also_without_rows():
    plans = plan_exports(recipe(), {})
    assert [(plan.name, plan.format) for plan in plans] == [("product", "csv"), ("product", "jsonl")]
    assert all(plan.columns[:2] == ("sku", "price") for plan in plans)


def test_an_ordinary_spider_has_files_of_the_items_that_it_gave():
    plans = plan_exports(None, {"Book": 2, "dict": 1})
    assert [(plan.name, plan.item, plan.format, plan.columns) for plan in plans] == [
        ("Book", "Book", "csv", None),
        ("Book", "Book", "jsonl", None),
        ("dict", "dict", "csv", None),
        ("dict", "dict", "jsonl", None),
    ]
    assert plan_exports(None, {}) == ()


def test_items_whose_names_are_no_names_of_files_get_one_each():
    plans = plan_exports(None, {"a/b": 1, "a b": 1, "a-b": 1})
    assert [(plan.item, plan.name) for plan in plans if plan.format == "csv"] == [
        ("a b", "a-b"),
        ("a-b", "a-b-2"),
        ("a/b", "a-b-3"),
    ]


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_have_the_bytes_that_a_crawl_writes(objects, folder):
    rows = [product(number, stock=number, details={"a": "=1"}) for number in range(10)] + [product(10, sku="=A1")]
    values = [row for _, row in rows]
    columns = tuple(recipe().items["product"].fields)
    files = composed(objects, folder, rows, of=recipe(EXPORTS))
    assert files["all.csv"][1] == expected(values, columns, join={"tags": "|"})
    assert files["raw.csv"][1] == expected(values, columns, raw=True)
    assert files["lines.jsonl"][1] == expected(values, columns, fmt="jsonl")
    assert files["all.csv"][0].guarded == 1
    assert files["raw.csv"][0].guarded == 0


def test_what_is_told_of_a_file_is_so(objects, folder):
    files = composed(objects, folder, [product(number) for number in range(7)], of=recipe(EXPORTS))
    for name, (file, content) in files.items():
        assert name == file.name
        assert file.rows == 7
        assert file.item == "product"
        assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert file.key.startswith(f"acme/monday/files/{Path(name).stem}-")
        assert file.key.endswith(Path(name).suffix)
        assert file.columns[:2] == ("sku", "price")
    assert [file.content_type for file, _ in files.values()] == [
        "text/csv; charset=utf-8",
        "text/csv; charset=utf-8",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
    ]


def test_columns_of_an_ordinary_spider_are_its_fields_in_the_order_in_which_they_appear(objects, folder):
    rows = [("dict", {"b": 1}), ("Other", {"z": 1}), ("dict", {"a": 2, "b": 3}), ("dict", {"c": None})]
    files = composed(objects, folder, rows, size=1)
    assert files["dict.csv"][1] == b"b,a,c\n1,,\n3,2,\n,,\n"
    assert files["dict.jsonl"][1] == b'{"b":1}\n{"a":2,"b":3}\n{"c":null}\n'
    assert files["Other.csv"][1] == b"z\n1\n"
    assert files["dict.csv"][0].columns == ("b", "a", "c")
    assert files["dict.jsonl"][0].columns == ()
    assert files["dict.csv"][0].rows == 3


def test_a_job_without_rows_has_files_with_a_header(objects, folder):
    files = composed(objects, folder, [], of=recipe(EXPORTS))
    assert files["all.csv"][1].startswith(b"sku,price,stock,")
    assert files["lines.jsonl"][1] == b""
    assert pd.read_parquet(io.BytesIO(files["typed.parquet"][1])).shape == (0, 13)
    assert [file.rows for file, _ in files.values()] == [0, 0, 0, 0]


def test_composing_twice_overwrites_nothing_and_gives_the_same_bytes(objects, folder):
    segments = segments_of(objects, [product(number) for number in range(5)])
    plans = plan_exports(recipe(EXPORTS), {})
    first, second = (compose(objects, KEYS, JoinedRows(objects, [segments]), plans, folder=folder) for _ in range(2))
    assert not {file.key for file in first} & {file.key for file in second}
    assert [file.sha256 for file in first] == [file.sha256 for file in second]
    assert not list(folder.iterdir())


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25, deadline=None
)
@given(rows=st.lists(st.dictionaries(TEXTS.filter(bool), VALUES, max_size=4), max_size=8), size=st.integers(1, 4))
def test_whatever_the_rows_are_the_bytes_are_those_of_the_writers(tmp_path, rows, size):
    objects = FolderObjectStore(tmp_path / "objects")
    files = composed(objects, tmp_path, [("x", row) for row in rows], size=size)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    if rows:
        assert files["x.csv"][1] == expected(rows, columns)
        assert files["x.jsonl"][1] == expected(rows, None, fmt="jsonl")


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        lambda made: made[:1] + made[2:],
        lambda made: [made[1], made[0], *made[2:]],
        lambda made: [*made[:-1], replace(made[-1], rows={"product": 99})],
        lambda made: [*made[:-1], replace(made[-1], sha256="0" * 64)],
        lambda made: [*made[:-1], replace(made[-1], key=made[0].key)],
    ],
)
def test_segments_that_are_not_what_was_recorded_make_no_file(objects, folder, broken):
    made = segments_of(objects, [product(number) for number in range(9)])
    with pytest.raises(SegmentDamaged):
        compose(objects, KEYS, JoinedRows(objects, [broken(made)]), plan_exports(recipe(EXPORTS), {}), folder=folder)
    assert not list(objects.list(KEYS.file_prefix))
    assert not list(folder.iterdir())


def test_a_segment_that_is_gone_makes_no_file(objects, folder):
    made = segments_of(objects, [product(number) for number in range(9)])
    objects.delete([made[1].key])
    with pytest.raises(NoSuchObject):
        compose(objects, KEYS, JoinedRows(objects, [made]), plan_exports(recipe(EXPORTS), {}), folder=folder)
    assert not list(folder.iterdir())


def test_a_storage_that_takes_nothing_leaves_no_files_behind_in_the_folder(objects, folder, monkeypatch):
    made = segments_of(objects, [product(1)])

    def refuse(*_arguments, **_options):
        raise ObjectStoreError("away", passing=True)

    monkeypatch.setattr(objects, "put", refuse)
    with pytest.raises(ObjectStoreError, match="away"):
        compose(objects, KEYS, JoinedRows(objects, [made]), plan_exports(recipe(EXPORTS), {}), folder=folder)
    assert not list(folder.iterdir())


def test_a_folder_that_is_not_there_is_an_error_of_the_system(objects, tmp_path):
    with pytest.raises(FileNotFoundError):
        compose(
            objects,
            KEYS,
            JoinedRows(objects, [[]]),
            (ExportPlan(name="a", item="a", format="csv"),),
            folder=tmp_path / "none",
        )


# --- Parquet ----------------------------------------------------------------------------------------------------------


def test_a_value_that_fits_no_typed_column_makes_that_column_text_and_nothing_else(objects, folder, caplog):
    rows = [product(1), product(2, price=Decimal("1E-19")), product(3, stock=2**63), product(4, rating=Decimal("1.5"))]
    files = composed(objects, folder, rows, of=recipe(EXPORTS), size=1)
    table = pd.read_parquet(io.BytesIO(files["typed.parquet"][1]), dtype_backend="pyarrow")
    assert str(table.dtypes["price"]) == "string[pyarrow]"
    assert list(table["price"]) == ["1.50", "0.0000000000000000001", "1.50", "1.50"]
    assert table["stock"].tolist()[2] == "9223372036854775808"
    assert table["rating"].tolist()[3] == 1.5
    assert "typed.parquet: written as text: price" in caplog.text
    assert files["typed.parquet"][0].rows == 4


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "half"), [(0, 0), (1, 0), (7, 3), (8, 4)])
def test_a_composition_comes_to_its_point_when_half_of_the_rows_are_written(monkeypatch, objects, folder, rows, half):
    written = []
    monkeypatch.setattr(CsvWriter, "write", lambda self, row: written.append(row))
    monkeypatch.setattr(JsonlWriter, "write", lambda self, row: None)
    at_half = []
    with planned() as plan:
        due = plan.due
        plan.due = lambda point: at_half.append(len(written)) if point == "compose.half" else due(point)
        composed(objects, folder, [product(number) for number in range(rows)], of=recipe())
    assert at_half == [half]


def test_a_composition_that_fails_half_way_has_put_nothing(objects, folder):
    segments = segments_of(objects, [product(number) for number in range(8)])
    with planned({"compose.half": "error"}), pytest.raises(ConnectionResetError):
        compose(objects, KEYS, JoinedRows(objects, [segments]), plan_exports(recipe(), {"product": 8}), folder=folder)
    assert list(objects.list(KEYS.file_prefix)) == []
    assert list(folder.iterdir()) == []
