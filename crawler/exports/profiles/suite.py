"""WooCommerce's Product CSV Import Suite: a file of products (`parent@1`) and one of their variations (`variation@1`).

Both go into the same shop, the products first: variations find theirs by its SKU. `ID` is empty in both, for it is a
number of the shop that imports. An option whose name begins with `pa_` is one of the shop's own (a taxonomy), any other
belongs to its product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.exports.formats import guarded, plain_number
from crawler.exports.profiles.product import NewNames, product_of
from crawler.recipe.steps.text import slugged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal
    from typing import Any

    from crawler.exports.profiles.product import Offer, Product

PARENT_COLUMNS: Final = (
    "ID",
    "post_title",
    "post_name",
    "post_status",
    "post_content",
    "post_excerpt",
    "post_parent",
    "post_type",
    "menu_order",
    "sku",
    "stock_status",
    "images",
    "tax:product_type",
    "tax:product_cat",
    "description",
    "regular_price",
    "sale_price",
)
VARIATION_COLUMNS: Final = (
    "ID",
    "post_type",
    "post_status",
    "parent_sku",
    "post_title",
    "post_name",
    "post_content",
    "post_excerpt",
    "menu_order",
    "sku",
    "stock_status",
    "regular_price",
    "sale_price",
    "tax_class",
    "images",
)

_STOCK: Final = {
    "InStock": "instock",
    "OutOfStock": "outofstock",
    "BackOrder": "onbackorder",
    "PreOrder": "onbackorder",
    None: "",
}


def parent_names(row: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """The options of a row's product, each of which has columns."""
    return ((_name(option.name), True) for option in product_of(row).options)


def parent_columns(names: Iterable[str]) -> tuple[str, ...]:
    """All columns, for the options of these names."""
    of_options = (
        column
        for name in names
        for column in (f"attribute:{name}", f"attribute_data:{name}", f"attribute_default:{name}")
    )
    return (*PARENT_COLUMNS, *of_options)


def parent_lines(row: Mapping[str, Any], *, raw: bool) -> Iterator[dict[str, str]]:
    """The line of a product."""
    product = product_of(row)
    offer = product.offer
    own_price = not product.variations and product.kind != "grouped"  # of others it is that of what they stand for
    line = {
        "post_title": product.name,
        "post_name": product.slug,
        "post_status": "publish",
        "post_content": product.html,
        "post_excerpt": product.excerpt,
        "post_type": "product",
        "menu_order": "0",
        "sku": offer.sku,
        "stock_status": _STOCK[offer.availability],
        "images": _joined(offer.images, raw=True),
        "tax:product_type": product.kind,
        "tax:product_cat": _joined(product.categories, raw=raw),
        "description": product.text,
        "regular_price": _price(offer.regular_price) if own_price else "",
        "sale_price": _price(offer.sale_price) if own_price else "",
    }
    for position, option in enumerate(product.options):
        name = _name(option.name)
        flags = (option.visible, name.startswith("pa_"), option.varies)
        line[f"attribute:{name}"] = " | ".join(_value(value, raw=raw) for value in option.values)
        line[f"attribute_data:{name}"] = "|".join([str(position), *(str(int(flag)) for flag in flags)])
        line[f"attribute_default:{name}"] = _value(option.default, raw=raw)
    yield line


def variation_names(row: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """The options of a row's product; those in which variations differ have columns."""
    return ((_name(option.name), option.varies) for option in product_of(row).options)


def variation_columns(names: Iterable[str]) -> tuple[str, ...]:
    """All columns, for the options of these names."""
    return (*VARIATION_COLUMNS, *(f"meta:attribute_{name}" for name in names))


def variation_lines(row: Mapping[str, Any], *, raw: bool) -> Iterator[dict[str, str]]:
    """A line for each variation; none for a product without."""
    product = product_of(row)
    slugs = NewNames()
    for number, variation in enumerate(product.variations):
        yield {
            "post_type": "product_variation",
            "post_status": "publish",
            "parent_sku": product.sku,
            "post_title": product.title(variation),
            "post_name": slugs.new(_slug_of(product, variation)),
            "post_content": variation.description,
            "menu_order": str(number),
            "sku": variation.sku,
            "stock_status": _STOCK[variation.availability],
            "regular_price": _price(variation.regular_price),
            "sale_price": _price(variation.sale_price),
            "tax_class": "parent",
            "images": _joined(variation.images, raw=True),
            **{f"meta:attribute_{_name(name)}": _value(value, raw=raw) for name, value in variation.chosen.items()},
        }


def _slug_of(product: Product, variation: Offer) -> str:
    return "-".join(filter(None, [product.slug, *(slugged(value) for value in variation.chosen.values() if value)]))


def _price(amount: Decimal | None) -> str:
    return "" if amount is None else plain_number(amount)


def _name(name: str) -> str:
    """The name of an option as columns have it: one line, and no colon, which parts the words of a column."""
    return " ".join(name.replace(":", " ").split())


def _value(value: str, *, raw: bool) -> str:
    """A value of an option, the same wherever it stands; `|` parts values, so it is none of them."""
    one_line = " ".join(value.replace("|", "/").split())
    return one_line if raw else guarded(one_line)


def _joined(values: Iterable[str], *, raw: bool) -> str:
    """Values in one cell; in addresses `|` is escaped, in texts it becomes a slash."""
    return "|".join(value.replace("|", "%7C") if "://" in value else _value(value, raw=raw) for value in values)
