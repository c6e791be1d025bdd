"""Whether rows of the sample shop are what it sells, cell by cell: the shop is made by a generator, which knows."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.sample_shop.catalogue import build_catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def compared(rows: Sequence[Mapping[str, str]], *, site: str) -> list[str]:
    """What is different, a line for each difference; [] if nothing is.

    Args:
        rows: of the CSV of recipe `shop`.
        site: URL of the shop, without a slash at its end.
    """
    truth = {product["sku"]: product for product in build_catalogue().truth(site)}
    differences = [f"{sku}: there is no such product" for sku in sorted({row["sku"] for row in rows} - truth.keys())]
    given: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if row["sku"] in given:
            differences.append(f"{row['sku']}: there twice")
        given[row["sku"]] = row
    for sku, product in truth.items():
        if sku not in given:
            differences.append(f"{sku}: missing")
            continue
        differences += [
            f"{sku}: {name} is {given[sku].get(name)!r}, not {value!r}"
            for name, value in product.items()
            if not same(given[sku].get(name, ""), value)
        ]
    return differences


def same(cell: str, value: Any) -> bool:
    """Whether a cell holds a value: text, numbers with every digit, lists as JSON; nothing is an empty cell."""
    if value is None:
        return cell == ""
    if isinstance(value, list):
        try:
            return bool(json.loads(cell, parse_float=Decimal) == value)
        except ValueError:
            return False
    if isinstance(value, Decimal):
        return cell == f"{value:f}"
    # A formula is disarmed by one apostrophe before it.
    return _folded(cell.removeprefix("'") if str(value)[:1] in "=+-@" else cell) == _folded(value)


def _folded(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFC", str(value)).split())
