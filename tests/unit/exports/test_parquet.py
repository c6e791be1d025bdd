from __future__ import annotations

import builtins
import io
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from crawler.errors import ConfigError
from crawler.exports import parquet
from crawler.exports.parquet import DoesNotFit, ParquetWriter, need_parquet

sys.path.insert(0, str(Path(__file__).parent))

from composing import recipe

FIELDS = recipe().items["product"].fields

FULL = {
    "sku": "S1",
    "price": Decimal("1290.00"),
    "stock": 2**63 - 1,
    "rating": Decimal("4.5"),
    "new": False,
    "seen": "2026-03-01",
    "changed": "2026-03-01T12:30:00.250+02:00",
    "tags": ["a", "ä"],
    "sizes": [Decimal("1.50"), Decimal(2)],
    "details": {"b": Decimal("1.50"), "a": None},
    "offers": [{"price": Decimal("1.50")}],
    "grid": [["a"], ["b"]],
    "loose": [1, "x"],
}


def written(rows, **options):
    file = io.BytesIO()
    writer = ParquetWriter(file, FIELDS, **options)
    for row in rows:
        writer.write(row)
    writer.close()
    return file.getvalue()


def in_duckdb(tmp_path, content):
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    return duckdb.sql(f"SET TimeZone = 'UTC'; SELECT * FROM '{path}'")


def test_duckdb_reads_every_type_of_a_contract(tmp_path):
    relation = in_duckdb(tmp_path, written([FULL, {}]))
    assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == {
        "sku": "VARCHAR",
        "price": "DECIMAL(38,18)",
        "stock": "BIGINT",
        "rating": "DOUBLE",
        "new": "BOOLEAN",
        "seen": "DATE",
        "changed": "TIMESTAMP WITH TIME ZONE",
        "tags": "VARCHAR[]",
        "sizes": "DECIMAL(38,18)[]",
        "details": "VARCHAR",
        "offers": "VARCHAR",
        "grid": "VARCHAR",
        "loose": "VARCHAR",
    }
    text = relation.select("price = 1290.00, stock, rating, new, seen::text, changed::text, tags, sizes[1] = 1.5")
    assert text.fetchall()[0] == (
        True,
        2**63 - 1,
        4.5,
        False,
        "2026-03-01",
        "2026-03-01 10:30:00.25+00",
        ["a", "ä"],
        True,
    )
    nested = relation.select("details, offers, grid, loose").fetchall()
    assert nested[0] == ('{"b":1.50,"a":null}', '[{"price":1.50}]', '[["a"],["b"]]', '[1,"x"]')
    assert relation.fetchall()[1] == (None,) * 13


def group_sizes(content):
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


def test_groups_of_rows_are_bounded_by_number_and_by_size(monkeypatch):
    monkeypatch.setattr(parquet, "BATCH_ROWS", 50)
    monkeypatch.setattr(parquet, "GROUP_ROWS", 100)
    assert group_sizes(written([{"sku": "S"}] * 250)) == [100, 100, 50]
    monkeypatch.setattr(parquet, "GROUP_BYTES", 20_000)
    assert group_sizes(written([{"sku": "x" * 1_000}] * 110)) == [50, 50, 10]


@pytest.mark.parametrize("long", [{"sku": "x" * 1_000}, {"tags": ["x" * 500] * 2}, {"details": {"a": "x" * 992}}])
def test_long_rows_are_not_collected_by_the_thousand(monkeypatch, long):
    monkeypatch.setattr(parquet, "BATCH_CHARACTERS", 5_000)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1)
    assert group_sizes(written([long] * 12)) == [5, 5, 2]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("price", Decimal("1E+20")),
        ("price", Decimal("1E-19")),
        ("price", Decimal("NaN")),
        ("price", 1),
        ("price", "1.50"),
        ("stock", 2**63),
        ("stock", 1.5),
        ("stock", Decimal(1)),
        ("stock", True),
        ("rating", Decimal("1E+400")),
        ("rating", "4"),
        ("rating", True),
        ("new", 1),
        ("sku", 1),
        ("seen", "2026-02-30"),
        ("seen", 1),
        ("changed", "2026-03-01T12:30:60Z"),
        ("changed", "2026-03-01T12:30:00"),
        ("tags", "a"),
        ("tags", ["a", 1]),
        ("sizes", [Decimal("1E-19")]),
    ],
)
def test_what_does_not_fit_is_refused_and_fits_as_text(column, value):
    with pytest.raises(DoesNotFit) as caught:
        written([FULL, {column: value}])
    assert caught.value.column == column
    table = pq.read_table(io.BytesIO(written([{column: value}, FULL], as_text={column})))
    assert table.schema.field(column).type == "string"
    assert isinstance(table.column(column).to_pylist()[0], str)


@pytest.mark.parametrize(
    "value", [Decimal("99999999999999999999.999999999999999999"), Decimal("-1E+19"), Decimal("-0")]
)
def test_decimals_of_twenty_and_eighteen_digits_are_exact(value):
    assert pq.read_table(io.BytesIO(written([{"price": value}]))).column("price").to_pylist() == [value]


def test_a_writer_that_has_failed_can_be_abandoned():
    file = io.BytesIO()
    writer = ParquetWriter(file, FIELDS)
    writer.write(FULL)
    writer.abandon()
    writer.abandon()
    assert not file.closed


def test_without_pyarrow_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name.startswith("pyarrow"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **options)

    need_parquet()
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"pip install 'crawlery\[parquet\]'"):
        need_parquet()
    with pytest.raises(ConfigError, match="Parquet needs pyarrow"):
        ParquetWriter(io.BytesIO(), FIELDS)
