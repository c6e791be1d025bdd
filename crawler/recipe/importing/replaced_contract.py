"""Validation of the replaced system, which never ran in a job, as the contract of the rows, which always holds.

Each rule is carried over where it says something about a row, and reported: rows that came before may be refused now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.foreign_regex import NotTranslated, doubled, translated, undoubled
from crawler.recipe.importing.replaced_fields import required_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.importing.foreign_nodes import Part
    from crawler.recipe.yaml_nodes import Entry

_NEVER: Final = "it never ran in a job"
_LENGTHS: Final = {"minDescriptionLength": ("description", "min_length"), "maxTitleLength": ("name", "max_length")}
_SKU_LENGTHS: Final = {"minLength": "min_length", "maxLength": "max_length"}
_SCORE: Final = "it was a score of the recipe and changed no row; there is none here"


def contract(part: Part, fields: dict[str, dict[str, Any]]) -> None:
    """Put what `validation` and `woocommerceValidation` say into the contract of the fields."""
    _validation(part.below("validation"), fields)
    _woocommerce(part.below("woocommerceValidation"), fields)


def _validation(part: Part | None, fields: dict[str, dict[str, Any]]) -> None:
    if part is None:
        return
    for path, scalar, name in required_fields(part):
        if name not in fields:
            message = f"`{scalar.raw}` is wanted, and the recipe has no rule for it"
            part.found.add("decide", scalar.mark, path, message, "write one, or leave it")
            continue
        fields[name]["required"] = True
        if fields[name]["type"] == "array":
            fields[name]["min_items"] = 1
        part.found.add("changed", scalar.mark, path, f"{_NEVER}; here a row without `{name}` is refused")
    for entry in part.node.entries:
        if entry.key == "requiredFields":
            continue
        path = (*part.path, entry.key)
        if entry.key == "priceFormat":
            message = f"{_NEVER}; here a price is a decimal number, or the row is refused"
            part.found.add("dropped", entry.mark, path, message)
        elif entry.key == "skuFormat":
            _pattern(part, entry, fields)
        elif entry.key in _LENGTHS:
            _length(part, entry, fields, *_LENGTHS[entry.key])
        else:
            part.found.add("ignored", entry.mark, path, f"that system has no `{entry.key}` here")


def _length(part: Part, entry: Entry, fields: Mapping[str, dict[str, Any]], field: str, rule: str) -> None:
    length, path = part.number(entry.key), (*part.path, entry.key)
    if length is None or field not in fields:
        part.found.add(
            "dropped", entry.mark, path, f"there is no `{field}` to measure, or no number to measure it with"
        )
        return
    fields[field][rule] = length
    message = f"{_NEVER}; here a row whose `{field}` is {'shorter' if rule == 'min_length' else 'longer'} is refused"
    part.found.add("changed", entry.mark, path, message)


def _pattern(part: Part, entry: Entry, fields: Mapping[str, dict[str, Any]], key: str | None = None) -> None:
    path = (*part.path, entry.key)
    written = part.text(entry.key) or ""
    if "sku" not in fields:
        part.found.add("dropped", entry.mark, path, "there is no `sku` to hold it against")
        return
    pattern = undoubled(written) if doubled(written) else written
    try:
        pattern = translated(pattern)
    except NotTranslated as error:
        part.found.add("decide", entry.mark, path, f"{_NEVER}, and the pattern is none here: {error}", error.hint)
        return
    fields["sku"]["pattern"] = pattern
    part.draft.origins["items", "product", "fields", "sku", "pattern"] = entry.mark
    repaired = " (its backslashes were there twice)" if pattern != written else ""
    message = f"{key or _NEVER}; here a row whose `sku` does not match is refused{repaired}"
    part.found.add("changed", entry.mark, path, message)


def _woocommerce(part: Part | None, fields: dict[str, dict[str, Any]]) -> None:
    for entry in () if part is None else part.node.entries:
        assert part is not None
        path = (*part.path, entry.key)
        below = part.below(entry.key)
        if entry.key != "skuFormat" or below is None:
            part.found.add("dropped", entry.mark, path, _SCORE)
            continue
        for own in below.node.entries:
            where = (*below.path, own.key)
            if "sku" not in fields:
                below.found.add("dropped", own.mark, where, "there is no `sku` to hold it against")
            elif own.key == "pattern" and "pattern" not in fields["sku"]:
                _pattern(below, own, fields, "it was part of a score")
            elif own.key == "requireUniqueness" and below.flag(own.key):
                fields["sku"]["unique"] = True
                message = "it was part of a score; here a second row with the same `sku` is refused"
                below.found.add("changed", own.mark, where, message)
            elif own.key in _SKU_LENGTHS and below.number(own.key) is not None:
                fields["sku"][_SKU_LENGTHS[own.key]] = below.number(own.key)
                message = "it was part of a score; here a row whose `sku` has another length is refused"
                below.found.add("changed", own.mark, where, message)
            else:
                below.found.add("dropped", own.mark, where, _SCORE)
