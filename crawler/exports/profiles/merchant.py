"""Google Merchant Center: a product feed, one line for each thing that can be bought, tabs between its values.

`price` is what a thing costs without a sale, `sale_price` what it costs now. Variations of one product share its SKU
as `item_group_id`. A grouped product is only a page that shows others, so it has no line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.exports.formats import plain_number
from crawler.exports.profiles.product import product_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal
    from typing import Any

    from crawler.exports.profiles.product import Offer, Product

#: Options that have a column, by their names in some languages.
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "color": ("color", "colour", "farbe", "couleur", "צבע"),
    "size": ("size", "größe", "groesse", "taille", "מידה", "גודל"),
    "material": ("material", "matière", "matériau", "חומר"),
    "pattern": ("pattern", "muster", "motif", "דוגמה"),
}

COLUMNS: Final = (
    "id",
    "title",
    "description",
    "link",
    "image_link",
    "additional_image_link",
    "availability",
    "price",
    "sale_price",
    "condition",
    "brand",
    "gtin",
    "mpn",
    "identifier_exists",
    "item_group_id",
    *_OPTIONS,
    "product_type",
)

_STOCK: Final = {
    "InStock": "in_stock",
    "OutOfStock": "out_of_stock",
    "BackOrder": "backorder",
    "PreOrder": "preorder",
    None: "",
}


#: schema.org's words for conditions, and Google's own.
_CONDITIONS: Final = {"refurbished": "refurbished", "used": "used", "damaged": "used", "new": "new", "": "new"}

#: Google takes no more.
_MOST_IMAGES: Final = 10


def lines(row: Mapping[str, Any], *, raw: bool) -> Iterator[dict[str, str]]:
    """A line for each variation, or one for a product without."""
    _ = raw
    product = product_of(row)
    if product.kind == "grouped":
        return
    for offer in product.variations or (product.offer,):
        yield {name: " ".join(value.split()) for name, value in _line(product, offer).items()}


def _line(product: Product, offer: Offer) -> dict[str, str]:
    images = offer.images or product.offer.images
    gtin, mpn = offer.gtin or product.offer.gtin, offer.mpn or product.offer.mpn
    is_variation = offer is not product.offer
    condition = product.condition.rpartition("/")[2].lower().removesuffix("condition")
    return {
        "id": offer.sku,
        "title": product.title(offer),
        "description": product.text or product.excerpt or product.name,
        "link": product.url,
        "image_link": _address(images[0]) if images else "",
        "additional_image_link": ",".join(_address(image) for image in images[1 : _MOST_IMAGES + 1]),
        "availability": _STOCK[offer.availability],
        "price": _price(offer.regular_price, product.currency),
        "sale_price": _price(offer.sale_price, product.currency),
        "condition": _CONDITIONS.get(condition, "new"),
        "brand": product.brand,
        "gtin": gtin,
        "mpn": mpn,
        "identifier_exists": "" if gtin or (product.brand and mpn) else "no",
        "item_group_id": product.sku if is_variation else "",
        **{column: _chosen(product, offer, names) for column, names in _OPTIONS.items()},
        "product_type": ",".join(category.replace(",", " ") for category in product.categories),
    }


def _chosen(product: Product, offer: Offer, names: tuple[str, ...]) -> str:
    """The value of the option that has one of these names; of one in which variations do not differ, its only one."""
    for option in product.options:
        if option.name.removeprefix("pa_").lower() in names:
            if option.varies:
                return offer.chosen.get(option.name, "")
            return "/".join(option.values)
    return ""


def _price(amount: Decimal | None, currency: str) -> str:
    return f"{plain_number(amount)} {currency}".strip() if amount is not None else ""


def _address(url: str) -> str:
    return url.replace(",", "%2C")
