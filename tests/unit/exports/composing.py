"""A job's segments and what is composed of them, for tests: written as the steward would, in pieces."""

from __future__ import annotations

from itertools import islice

from crawler.exports.compose import compose, plan_exports
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys
from crawler.exports.segments import SegmentRow, write_segment
from crawler.jobs.rows import encode_row
from crawler.recipe.loader import load_recipe_text

KEYS = JobKeys("acme", "monday")

FIELDS = """
      sku: {type: string}
      price: {type: decimal}
      stock: {type: integer}
      rating: {type: number}
      new: {type: boolean}
      seen: {type: string, format: date}
      changed: {type: string, format: date-time}
      tags: {type: array, items: {type: string}}
      sizes: {type: array, items: {type: decimal}}
      details: {type: object}
      offers: {type: array, items: {type: object, properties: {price: {type: decimal}}}}
      grid: {type: array, items: {type: array, items: {type: string}}}
      loose: {type: array}
"""

RECIPE = f"""
schema_version: 1
name: shop
version: "1.0.0"
start: [{{urls: "https://shop.example/", page: product}}]
pages:
  product:
    item: product
    parse: json
    fields: {{{", ".join(f"{line.split(':')[0].strip()}: a" for line in FIELDS.strip().splitlines())}}}
items:
  product:
    version: 1
    fields:{FIELDS}
"""


def recipe(exports=""):
    return load_recipe_text(RECIPE + exports, name="shop")


def segments_of(objects, rows, *, keys=KEYS, size=3):
    """Rows are (item, values); `size` of them in each segment."""
    made, rest, number = [], iter(rows), 0
    while part := list(islice(rest, size)):
        number += 1
        made.append(
            write_segment(
                objects,
                keys,
                [SegmentRow(number, item, encode_row(values)) for item, values in part],
                number=number,
                previous=made[-1].digest if made else "",
                last=f"{number}-1",
            )
        )
    return made


def composed(objects, folder, rows, *, of=None, keys=KEYS, size=3):
    """Files by name, and their bytes."""
    segments = segments_of(objects, rows, keys=keys, size=size)
    counts = {item: 0 for item, _ in rows}
    files = compose(objects, keys, JoinedRows(objects, [segments]), plan_exports(of, counts), folder=folder)
    return {file.name: (file, objects.get(file.key)) for file in files}
