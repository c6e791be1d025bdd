"""The values of the sample shop: categories, products, variations, and the rows that a correct recipe gives.

Knows nothing of HTML or HTTP: `catalogue` fills these values, the page modules draw them.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

Availability: TypeAlias = Literal["InStock", "OutOfStock", "BackOrder", "PreOrder"]
Language: TypeAlias = Literal["en", "fr", "he"]

#: How the pages of a category say their encoding: UTF-8 in header and meta; windows-1255 in the header only;
#: ISO-8859-1 (windows-1252, as browsers take it) in meta only; UTF-8 with a BOM under a header that is wrong.
Encoding: TypeAlias = Literal["utf-8", "header", "meta", "bom"]

#: How a category links its next page: `page-2.html`, `?page=2`, `../2/`, or `page-2.html` under a `<base href>`.
Paging: TypeAlias = Literal["file", "query", "folder", "base"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """What the variations of a product differ in: a name and its options."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """One category with the words its products are made of. `path` begins and ends with a slash."""

    slug: str
    name: str
    path: str
    sku_prefix: str
    parent: str | None = None  # slug
    language: Language = "en"
    currency: str = "EUR"
    encoding: Encoding = "utf-8"
    paging: Paging = "file"
    price_range: tuple[int, int] = (5, 200)
    adjectives: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()  # empty: a category that only has sub-categories
    axes: tuple[Axis, ...] = ()
    variable_share: float = 0.0  # of its products that have variations


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A paragraph or a list of a description. `lines` hold plain text: of a paragraph, parted by `<br>`."""

    kind: Literal["p", "ul"]
    lines: tuple[str, ...]

    @property
    def html(self) -> str:
        """The block as HTML, written exactly as a browser would serialise it."""
        lines = [html.escape(line, quote=False).replace("\xa0", "&nbsp;") for line in self.lines]
        if self.kind == "ul":
            return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"
        return f"<p>{'<br>'.join(lines)}</p>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """One buyable version of a product. `options` are (axis, option) pairs."""

    sku: str
    options: tuple[tuple[str, str], ...]
    price: Decimal
    regular_price: Decimal | None
    availability: Availability
    stock: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """What a customer wrote. `rating` is 1 to 5, `date` ISO 8601."""

    author: str
    rating: int
    date: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One product. None and empty tuples are what its page does not say.

    `price` is what it costs now, `regular_price` the struck-out one; without a price it is "on request". A product
    with variations shows the lowest of their prices.
    """

    sku: str
    name: str
    slug: str
    category: Category
    trail: tuple[str, ...]  # names of the categories above it, outermost first
    price: Decimal | None
    regular_price: Decimal | None
    availability: Availability
    stock: int | None
    brand: str | None
    rating: Decimal | None  # mean of the reviews, one decimal
    reviews: tuple[Review, ...]
    description: tuple[Block, ...]
    images: tuple[str, ...]  # paths from the root of the site
    ean: str | None
    weight_kg: Decimal | None
    attributes: tuple[tuple[str, str], ...]
    variations: tuple[Variation, ...] = ()
    listed: str = "2026-01-01"  # ISO date, the sitemap's lastmod

    @property
    def currency(self) -> str:
        """ISO 4217 code."""
        return self.category.currency

    @property
    def path(self) -> str:
        """The page's path from the root of the site, percent-encoded."""
        folder = "/club/p/" if self.category.slug == "club" else "/p/"
        return quote(f"{folder}{self.slug}.html")

    @property
    def old_path(self) -> str:
        """The path it had in the shop's former software; answers with a permanent redirect."""
        return f"/product.php?id={quote(self.sku)}"

    @property
    def description_html(self) -> str | None:
        """The description as HTML without its container; None without a description."""
        return "".join(block.html for block in self.description) or None

    @property
    def description_text(self) -> str | None:
        """The description's visible text: one line per paragraph, list item and `<br>`."""
        return "\n".join(line for block in self.description for line in block.lines) or None

    def truth(self, site: str) -> dict[str, Any]:
        """The row that a correct recipe gives for this product.

        Args:
            site: scheme, host and port, without a slash at the end.

        """
        return {
            "url": site + self.path,
            "sku": self.sku,
            "name": self.name,
            "brand": self.brand,
            "category": " > ".join(self.trail),
            "description": self.description_text,
            "price": self.price,
            "regular_price": self.regular_price,
            "currency": self.currency,
            "availability": self.availability,
            "stock": self.stock,
            "rating": self.rating,
            "reviews": len(self.reviews),
            "images": [site + path for path in self.images] or None,
            "ean": self.ean,
            "weight_kg": self.weight_kg,
            "attributes": [{"name": name, "value": value} for name, value in self.attributes] or None,
            "variations": [
                {
                    "sku": variation.sku,
                    "options": [{"name": name, "value": value} for name, value in variation.options],
                    "price": variation.price,
                    "regular_price": variation.regular_price,
                    "availability": variation.availability,
                    "stock": variation.stock,
                }
                for variation in self.variations
            ]
            or None,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """Everything the shop sells, in the order it is listed."""

    categories: tuple[Category, ...]
    products: tuple[Product, ...]
    _by_sku: Mapping[str, Product] = field(init=False, repr=False, compare=False)
    _by_category: Mapping[str, tuple[Product, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_category: dict[str, list[Product]] = {category.slug: [] for category in self.categories}
        for product in self.products:
            by_category[product.category.slug].append(product)
        object.__setattr__(self, "_by_sku", {product.sku: product for product in self.products})
        object.__setattr__(self, "_by_category", {slug: tuple(members) for slug, members in by_category.items()})

    def truth(self, site: str = "http://127.0.0.1:8000") -> list[dict[str, Any]]:
        """The rows that a correct recipe gives for the whole shop, in the order of the catalogue.

        Args:
            site: scheme, host and port of the running shop.

        Returns:
            One mapping per product: text, `int`, `Decimal`, lists of mappings for `attributes` and `variations`,
            absolute `images`; None where the page says nothing.

        """
        return [product.truth(site.rstrip("/")) for product in self.products]

    def product(self, sku: str) -> Product | None:
        """The product with that SKU."""
        return self._by_sku.get(sku)

    def of(self, category: Category) -> tuple[Product, ...]:
        """The category's own products; those of its sub-categories are not among them."""
        return self._by_category[category.slug]

    def children(self, category: Category | None) -> tuple[Category, ...]:
        """Sub-categories; with None the top ones."""
        slug = None if category is None else category.slug
        return tuple(child for child in self.categories if child.parent == slug)

    def category(self, slug: str) -> Category:
        """The category with that slug; KeyError for an unknown one."""
        for category in self.categories:
            if category.slug == slug:
                return category
        raise KeyError(slug)
