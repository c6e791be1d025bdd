"""The profiles that an export may have: their names, the formats they come in, and the fields of an item they read.

What a profile makes of a row is `crawler.exports.profiles`; here is what can be wrong before there is one. A profile
knows fields by their names (`sku`, `price`, `variants`, ...), those that the built-in parents fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, one_of
from crawler.recipe.yaml_nodes import MapNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.contract import ItemContract
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.model import Export, Recipe

#: The type of a field as contracts say it; several, if a profile can read them all.
_Types: TypeAlias = tuple[str, ...]

_TEXT: Final[_Types] = ("string", "integer")
_AMOUNT: Final[_Types] = ("decimal", "integer", "number")
_LIST: Final[_Types] = ("array",)
_TEXTS: Final[_Types] = ("array", "string")

#: Every field that some profile reads, and what it may be.
FIELDS: Final[Mapping[str, _Types]] = {
    "sku": _TEXT,
    "name": _TEXT,
    "url": _TEXT,
    "type": _TEXT,
    "description": _TEXT,
    "description_html": _TEXT,
    "short_description": _TEXT,
    "price": _AMOUNT,
    "regular_price": _AMOUNT,
    "currency": _TEXT,
    "availability": _TEXT,
    "stock": ("integer", "number", "decimal"),
    "category": _TEXTS,
    "tags": _TEXTS,
    "brand": _TEXT,
    "gtin": _TEXT,
    "mpn": _TEXT,
    "condition": _TEXT,
    "images": _TEXTS,
    "weight": _AMOUNT,
    "length": _AMOUNT,
    "width": _AMOUNT,
    "height": _AMOUNT,
    "attributes": ("array", "object"),
    "specifications": ("array", "object"),
    "variants": _LIST,
    "grouped": _TEXTS,
    "external_url": _TEXT,
    "button_text": _TEXT,
    "virtual": ("boolean",),
    "downloadable": ("boolean",),
}

#: What recipes also call a field.
_ALSO_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "sku": ("id", "code", "product_id", "model"),
    "name": ("title", "product_name"),
    "url": ("link",),
    "variants": ("variations",),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileInfo:
    """One profile.

    Attributes:
        name: as recipes write it, with its version.
        formats: of files that it can make.
        doc: what its files are.
        required: fields without which there is no line; the contract must say so, too.
        needed: fields that the item must have, although a row may lack them.
        shaped: whether it has columns of its own; False: those of the contract.
    """

    name: str
    formats: tuple[str, ...]
    doc: str
    required: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    shaped: bool = field(default=True)


PROFILES: Final[Mapping[str, ProfileInfo]] = {
    profile.name: profile
    for profile in (
        ProfileInfo(
            name="plain@1",
            formats=("csv", "tsv", "jsonl", "parquet"),
            doc="the fields of the contract, as without a profile",
            shaped=False,
        ),
        ProfileInfo(
            name="woocommerce-import-suite/parent@1",
            formats=("csv",),
            doc="products for WooCommerce's Product CSV Import Suite",
            required=("sku", "name"),
        ),
        ProfileInfo(
            name="woocommerce-import-suite/variation@1",
            formats=("csv",),
            doc="the variations of these products",
            required=("sku", "name"),
            needed=("variants",),
        ),
        ProfileInfo(
            name="woocommerce-core@1",
            formats=("csv",),
            doc="products and variations for WooCommerce's own importer",
            required=("sku", "name"),
        ),
        ProfileInfo(
            name="google-merchant@1",
            formats=("tsv",),
            doc="a product feed for Google Merchant Center",
            required=("sku", "name"),
            needed=("url", "price", "currency"),
        ),
    )
}


def check_profiles(root: MapNode, recipe: Recipe, report: Report) -> None:
    """Report exports whose profile does not fit their format, their options or the contract of their item."""
    for (path, node), export in zip(_export_nodes(root), recipe.exports, strict=False):
        info = PROFILES.get(export.profile)
        if info is None:
            continue
        if export.format not in info.formats:
            message = f"the profile {info.name} is written as {one_of(info.formats)}, not as {export.format}"
            report.add(node.by_key["format"].mark, (*path, "format"), message, f"write format: {info.formats[0]}")
        if info.shaped and "columns" in node:
            message = f"the profile {info.name} has columns of its own"
            report.add(node.by_key["columns"].mark, (*path, "columns"), message, "delete it")
        contract = recipe.items.get(export.item)
        if info.shaped and contract is not None:
            _check_item(root, contract, info, (export, node, path), report)


def _export_nodes(root: MapNode) -> list[tuple[Path, MapNode]]:
    """The exports that were compiled, with their paths."""
    return [
        (path, node)
        for path, node in checked.members(root.get("exports"), ("exports",))
        if isinstance(node, MapNode) and all(checked.text(node, key) for key in ("name", "item", "format"))
    ]


def _check_item(
    root: MapNode, contract: ItemContract, info: ProfileInfo, at: tuple[Export, MapNode, Path], report: Report
) -> None:
    export, node, path = at
    items = checked.mapping(checked.mapping(root, "items"), export.item)
    fields = checked.mapping(items, "fields")
    mark = node.by_key["profile"].mark
    for name in (*info.required, *info.needed):
        if name not in contract.fields:
            message = f"{info.name} reads the field '{name}', which the item '{export.item}' does not have"
            report.add(mark, (*path, "profile"), message, _instead_of(name, contract))
        elif name in info.required and not contract.fields[name].required and fields is not None:
            message = f"{info.name} has no line without '{name}', so it must be required"
            _of_field(export.item, fields, name, (message, "add required: true"), report)
    for name, spec in contract.fields.items():
        types = FIELDS.get(name)
        if types is not None and spec.type not in types and fields is not None:
            message = f"{info.name} reads '{name}' as {one_of(types)}, not as {spec.type}"
            hint = "change its type, or give the field another name"
            _of_field(export.item, fields, name, (message, hint), report)


def _instead_of(name: str, contract: ItemContract) -> str:
    """What to do about a field that is not there."""
    unread = [other for other in contract.fields if other not in FIELDS]
    for other in unread:
        if other in _ALSO_CALLED.get(name, ()):
            return f"rename '{other}' to '{name}'"
    return did_you_mean(name, unread) or f"add '{name}' to its contract and to the page that fills it"


def _of_field(item: str, fields: MapNode, name: str, said: tuple[str, str], report: Report) -> None:
    """Report what is wrong with a field: once, if several profiles read it."""
    where: Path = ("items", item, "fields", name)
    if name in fields and not report.touches(where):
        report.add(fields.by_key[name].mark, where, *said)
