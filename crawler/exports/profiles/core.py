r"""WooCommerce's own importer: products and variations in one file, with the columns that its exporter writes.

`ID` is empty, for it is a number of the shop that imports: products and variations are known by their SKU. In a cell
with several values a comma inside one is `\,`. An option whose name begins with `pa_` is one of the shop's own
("global"), any other belongs to its product. An empty value of a variation means any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.exports.formats import plain_number
from crawler.exports.profiles.product import product_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal
    from typing import Any

    from crawler.exports.profiles.product import Offer, Product

COLUMNS: Final = (
    "ID",
    "Type",
    "SKU",
    "GTIN, UPC, EAN, or ISBN",
    "Name",
    "Published",
    "Is featured?",
    "Visibility in catalog",
    "Short description",
    "Description",
    "Date sale price starts",
    "Date sale price ends",
    "Tax status",
    "Tax class",
    "In stock?",
    "Stock",
    "Low stock amount",
    "Backorders allowed?",
    "Sold individually?",
    "Weight (kg)",
    "Length (cm)",
    "Width (cm)",
    "Height (cm)",
    "Allow customer reviews?",
    "Purchase note",
    "Sale price",
    "Regular price",
    "Categories",
    "Tags",
    "Shipping class",
    "Images",
    "Download limit",
    "Download expiry days",
    "Parent",
    "Grouped products",
    "Upsells",
    "Cross-sells",
    "External URL",
    "Button text",
    "Position",
)

_STOCK: Final = {"InStock": "1", "OutOfStock": "0", "BackOrder": "backorder", "PreOrder": "backorder", None: ""}


def names(row: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """A name for each option that a row's product has: their columns are counted, not named."""
    return ((f"{number:04}", True) for number, _ in enumerate(product_of(row).options, start=1))


def columns(numbers: Iterable[str]) -> tuple[str, ...]:
    """All columns, for so many options."""
    of_options = (f"Attribute {int(number)} {what}" for number in numbers for what in _OF_OPTION)
    return (*COLUMNS, *of_options)


_OF_OPTION: Final = ("name", "value(s)", "visible", "global", "default")


def lines(row: Mapping[str, Any], *, raw: bool) -> Iterator[dict[str, str]]:
    """The line of a product, and one for each of its variations."""
    _ = raw  # the importer takes the guard of a cell off again
    product = product_of(row)
    yield _product(product)
    for number, variation in enumerate(product.variations, start=1):
        yield _variation(product, variation, number)


def _product(product: Product) -> dict[str, str]:
    offer = product.offer
    own_price = not product.variations and product.kind != "grouped"  # of others it is that of what they stand for
    line = {
        **_both(offer),
        "Type": ", ".join([product.kind, *_flags(offer)]),
        "Name": product.name,
        "Short description": product.excerpt,
        "Description": product.html,
        "Allow customer reviews?": "1",
        "Categories": _joined(product.categories),
        "Tags": _joined(product.tags),
        "Grouped products": _joined(product.grouped),
        "External URL": product.external_url,
        "Button text": product.button_text,
        "Position": "0",
    }
    if not own_price:
        line |= {"Sale price": "", "Regular price": ""}
    for number, option in enumerate(product.options, start=1):
        name, is_global = _named(option.name)
        line |= _option(
            number,
            {
                "name": name,
                "value(s)": _joined(option.values),
                "visible": str(int(option.visible)),
                "global": is_global,
                "default": option.default,
            },
        )
    return line


def _variation(product: Product, variation: Offer, number: int) -> dict[str, str]:
    line = {
        **_both(variation),
        "Type": ", ".join(["variation", *_flags(variation)]),
        "Name": product.title(variation),
        "Description": variation.description,
        "Tax class": "parent",
        "Parent": product.sku,
        "Position": str(number),
    }
    for place, option in enumerate(product.options, start=1):
        if option.varies:
            name, is_global = _named(option.name)
            value = _escaped(variation.chosen.get(option.name, ""))
            line |= _option(place, {"name": name, "value(s)": value, "global": is_global})
    return line


def _both(offer: Offer) -> dict[str, str]:
    """What products and variations have alike."""
    sizes = offer.sizes
    return {
        "SKU": offer.sku,
        "GTIN, UPC, EAN, or ISBN": offer.gtin,
        "Published": "1",
        "Is featured?": "0",
        "Visibility in catalog": "visible",
        "Tax status": "taxable",
        "In stock?": _STOCK[offer.availability],
        "Stock": "" if offer.stock is None else str(offer.stock),
        "Backorders allowed?": "1" if offer.availability in ("BackOrder", "PreOrder") else "0",
        "Sold individually?": "0",
        "Weight (kg)": _number(sizes.get("weight")),
        "Length (cm)": _number(sizes.get("length")),
        "Width (cm)": _number(sizes.get("width")),
        "Height (cm)": _number(sizes.get("height")),
        "Sale price": _number(offer.sale_price),
        "Regular price": _number(offer.regular_price),
        "Images": ", ".join(image.replace(",", "%2C") for image in offer.images),
    }


def _flags(offer: Offer) -> list[str]:
    return [*(["downloadable"] if offer.downloadable else []), *(["virtual"] if offer.virtual else [])]


def _option(number: int, values: Mapping[str, str]) -> dict[str, str]:
    return {f"Attribute {number} {what}": value for what, value in values.items()}


def _named(name: str) -> tuple[str, str]:
    """The name of an option without what says that it is one of the shop's own, and whether it is: `1` or `0`."""
    return (name.removeprefix("pa_"), "1") if name.startswith("pa_") else (name, "0")


def _number(amount: Decimal | None) -> str:
    return "" if amount is None else plain_number(amount)


def _joined(values: Iterable[str]) -> str:
    return ", ".join(_escaped(value) for value in values)


def _escaped(value: str) -> str:
    return " ".join(value.split()).replace(",", "\\,")
