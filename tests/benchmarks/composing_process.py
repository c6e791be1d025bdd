"""One step of `test_compose_memory`, in a process of its own: `write` a job's segments, or `compose` its files."""

from __future__ import annotations

import json
import random
import re
import sys
import time
from decimal import Decimal
from pathlib import Path

from crawler.exports.compose import compose, plan_exports
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import SegmentRow, write_segment
from crawler.jobs.rows import encode_row
from crawler.jobs.segments import decode_segment, encode_segment
from crawler.recipe.loader import load_recipe_text

KEYS = JobKeys("bench", "million")

#: About 8 MiB of rows, as a steward writes them.
ROWS_PER_SEGMENT = 20_000

RECIPE = """
schema_version: 1
name: products
version: "1.0.0"
start: [{urls: "https://shop.example/", page: product}]
pages:
  product:
    item: product
    parse: json
    fields: {sku: a, url: a, name: a, brand: a, price: a, old_price: a, stock: a, available: a, seen: a, tags: a,
      description: a}
items:
  product:
    version: 1
    fields:
      sku: {type: string}
      url: {type: string}
      name: {type: string}
      brand: {type: string}
      price: {type: decimal}
      old_price: {type: decimal}
      stock: {type: integer}
      available: {type: boolean}
      seen: {type: string, format: date}
      tags: {type: array, items: {type: string}}
      description: {type: string}
exports:
  - {name: products, item: product, format: csv}
  - {name: products, item: product, format: jsonl}
  - {name: products, item: product, format: parquet}
"""

WORDS = ["oak", "chair", "folding", "bench", "garden", "lamp", "blue", '"quoted"', "a, b", "Größe", "slim", "set of 4"]


def product(number, chance):
    return {
        "sku": f"SKU-{number:07}",
        "url": f"https://shop.example/c/furniture/p/{number}-{chance.choice(WORDS).replace(' ', '-')}.html",
        "name": " ".join(chance.choices(WORDS, k=4)),
        "brand": chance.choice(WORDS),
        "price": Decimal(chance.randint(100, 999_999)).scaleb(-2),
        "old_price": None if number % 3 else Decimal("129.90"),
        "stock": number % 50,
        "available": number % 7 != 0,
        "seen": f"2026-03-{number % 28 + 1:02}",
        "tags": chance.choices(WORDS, k=2),
        "description": " ".join(chance.choices(WORDS, k=25)),
    }


def write(folder, rows):
    objects, chance = FolderObjectStore(folder / "objects"), random.Random(1)
    segments = []
    for start in range(0, rows, ROWS_PER_SEGMENT):
        numbers = range(start, min(start + ROWS_PER_SEGMENT, rows))
        part = [SegmentRow(number, "product", encode_row(product(number, chance))) for number in numbers]
        previous = segments[-1].digest if segments else ""
        number = len(segments) + 1
        segments.append(write_segment(objects, KEYS, part, number=number, previous=previous, last=f"{number}-0"))
    (folder / "segments").write_text("\n".join(encode_segment(segment).hex() for segment in segments))


def run(folder):
    objects = FolderObjectStore(folder / "objects")
    lines = (folder / "segments").read_text().splitlines()
    segments = [decode_segment(bytes.fromhex(line)) for line in lines]
    plans = plan_exports(load_recipe_text(RECIPE, name="products"), {})
    began = time.process_time()
    files = compose(objects, KEYS, JoinedRows(objects, [segments]), plans, folder=folder)
    return {
        "files": {file.name: str(folder / "objects" / file.key) for file in files},
        "cpu_s": time.process_time() - began,
        "peak_bytes": peak_bytes(),
    }


def peak_bytes():
    """Of this program: what `getrusage` tells begins with that of the process which started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


if __name__ == "__main__":
    step, where, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if step == "write":
        write(where, count)
    else:
        print(json.dumps(run(where)))
