"""What it costs to compose a job's files: memory that does not grow with its rows, and rows a second.

The composing process is a fresh one, so that its peak is its own. `make bench-exports` runs a million rows (about
300 MB of CSV and more of JSON Lines); the suite a slice of it, of which only the growth is judged.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

WORKER = Path(__file__).parent / "composing_process.py"

#: What the promise is: so much memory in all, at a million rows.
PEAK_BYTES = 200 * 1000 * 1000


def composed(folder, rows):
    """Writes segments in one process and composes them in another, which tells what it needed."""
    folder.mkdir()
    for step in ("write", "compose"):
        done = subprocess.run(
            [sys.executable, str(WORKER), step, str(folder), str(rows)],
            capture_output=True,
            text=True,
            check=False,
            timeout=1_000,
        )
        assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agree(files, rows):
    """CSV, JSON Lines and Parquet hold the same rows, each once; Parquet with the contract's types."""
    csv, jsonl, parquet = (files[name] for name in ("products.csv", "products.jsonl", "products.parquet"))
    names = "sku, name, price::decimal(38,18), stock::bigint, available::boolean, seen::date"
    texts = dict.fromkeys(("sku", "name", "price", "stock", "available", "seen"), "VARCHAR")
    # DuckDB would take JSON's numbers for doubles: as text they keep their digits until they are cast.
    tables = [
        f"SELECT {names} FROM read_csv('{csv}', all_varchar=true)",
        f"SELECT {names} FROM read_json('{jsonl}', columns={texts})",
        f"SELECT {names} FROM '{parquet}'",
    ]
    for table in tables:
        assert duckdb.sql(f"SELECT count(*), count(DISTINCT sku) FROM ({table})").fetchall() == [(rows, rows)]
    for other in tables[1:]:
        assert duckdb.sql(f"SELECT count(*) FROM ({tables[0]} EXCEPT ALL {other})").fetchall() == [(0,)]
    types = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM '{parquet}')").fetchall())
    assert types == {
        "sku": "VARCHAR",
        "url": "VARCHAR",
        "name": "VARCHAR",
        "brand": "VARCHAR",
        "price": "DECIMAL(38,18)",
        "old_price": "DECIMAL(38,18)",
        "stock": "BIGINT",
        "available": "BOOLEAN",
        "seen": "DATE",
        "tags": "VARCHAR[]",
        "description": "VARCHAR",
    }


@pytest.mark.long
def test_memory_does_not_grow_with_the_rows(tmp_path, show):
    few, many = (composed(tmp_path / f"{rows}", rows) for rows in (20_000, 60_000))
    agree(few["files"], 20_000)
    growth = many["peak_bytes"] - few["peak_bytes"]
    show(f"compose: peak {few['peak_bytes'] / 1e6:.0f} MB with 20,000 rows, {growth / 1e6:+.0f} MB with 60,000")
    # Rows of 40,000 more are 16 MB as text, and five times that as objects; a group of Parquet is not full before.
    assert growth < 30 * 1000 * 1000


@pytest.mark.bench
def test_a_million_rows_need_less_than_200_mb(tmp_path, show):
    rows = 1_000_000
    done = composed(tmp_path / "million", rows)
    sizes = {name: Path(path).stat().st_size for name, path in done["files"].items()}
    show(
        f"compose: {rows:,} rows, peak {done['peak_bytes'] / 1e6:.0f} MB, {rows / done['cpu_s']:,.0f} rows/s of CPU",
        *(f"  {name}: {size / 1e6:.0f} MB" for name, size in sizes.items()),
    )
    agree(done["files"], rows)
    assert sizes["products.csv"] >= 300 * 1000 * 1000
    assert done["peak_bytes"] < PEAK_BYTES
