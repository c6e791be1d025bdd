"""A row as a product: its prices, options and variations, whatever way the page had them.

A product's options are those of its page together with those that its variations use, so every value of a variation is
one of them. Variations get a SKU of their own where the page gives them none, or their product's. Knows no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from crawler.exports.profiles.options import Option, Options
from crawler.exports.profiles.values import amount_of, list_of, text_of, text_of_html, texts_of
from crawler.recipe.steps.text import slugged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

Kind: TypeAlias = Literal["simple", "variable", "grouped", "external"]
Availability: TypeAlias = Literal["InStock", "OutOfStock", "BackOrder", "PreOrder"]

#: Words that shops use for a kind of product, in lower case.
_KINDS: Final[Mapping[str, Kind]] = {
    "simple": "simple",
    "variable": "variable",
    "grouped": "grouped",
    "external": "external",
    "affiliate": "external",
}

#: schema.org's words, and others for the same, by their letters in lower case.
_AVAILABILITY: Final[Mapping[str, Availability]] = {
    "instock": "InStock",
    "limitedavailability": "InStock",
    "onlineonly": "InStock",
    "instoreonly": "InStock",
    "outofstock": "OutOfStock",
    "soldout": "OutOfStock",
    "discontinued": "OutOfStock",
    "backorder": "BackOrder",
    "onbackorder": "BackOrder",
    "preorder": "PreOrder",
    "presale": "PreOrder",
}

#: Of pages, in their addresses.
_ENDING: Final = re.compile(r"\.(html?|php|aspx?)$", re.IGNORECASE)
_NOT_A_LETTER: Final = re.compile(r"[^a-z]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What can be bought: a product without variations, or one of its variations.

    Attributes:
        sku: its own.
        regular_price: what it costs without a sale.
        sale_price: what it costs now, if that is less.
        availability: schema.org's word; None if nothing is said.
        stock: how many there are, if it is known.
        images: addresses.
        description: of this variation; HTML or text.
        chosen: a value for each option that varies; empty: any of them.
        sizes: weight, length, width and height, those that are known.
        virtual: nothing is shipped.
        downloadable: it is a file.
        gtin: EAN, UPC or ISBN.
        mpn: the number that its maker gives it.
    """

    sku: str
    regular_price: Decimal | None = None
    sale_price: Decimal | None = None
    availability: Availability | None = None
    stock: int | None = None
    images: tuple[str, ...] = ()
    description: str = ""
    chosen: Mapping[str, str]
    sizes: Mapping[str, Decimal]
    virtual: bool = False
    downloadable: bool = False
    gtin: str = ""
    mpn: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One product with what can be bought of it. Texts that are not there are empty."""

    kind: Kind
    name: str
    slug: str
    url: str
    text: str
    html: str
    excerpt: str
    currency: str
    brand: str
    condition: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    options: tuple[Option, ...]
    offer: Offer
    variations: tuple[Offer, ...]
    grouped: tuple[str, ...]
    external_url: str
    button_text: str

    @property
    def sku(self) -> str:
        """Of the product itself."""
        return self.offer.sku

    def title(self, variation: Offer) -> str:
        """The product's name with what a variation chooses."""
        chosen = ", ".join(value for value in variation.chosen.values() if value)
        return f"{self.name} - {chosen}" if chosen else self.name


def product_of(row: Mapping[str, Any]) -> Product:
    """The product that a row tells of; `row` has the fields of `crawler.recipe.profiles`, others do not matter."""
    offer = _offer(row, sku=text_of(row.get("sku")), chosen={})
    members = [member for member in list_of(row.get("variants")) if isinstance(member, dict)]
    found = Options(row.get("attributes"), row.get("specifications"))
    chosen = [found.chosen(member.get("attributes")) for member in members]
    options = found.all()
    varying = [option.name for option in options if option.varies]
    name, url = text_of(row.get("name")), text_of(row.get("url"))
    grouped, external_url = texts_of(row.get("grouped")), text_of(row.get("external_url"))
    variations = _variations(offer, members, [{name: one.get(name, "") for name in varying} for one in chosen])
    html, text = text_of(row.get("description_html")), text_of(row.get("description"))
    return Product(
        kind=_kind(
            text_of(row.get("type")), variable=bool(members), grouped=bool(grouped), external=bool(external_url)
        ),
        name=name,
        slug=_last_part(url) or slugged(name),
        url=url,
        text=text or text_of_html(html),
        html=html or text,
        excerpt=text_of(row.get("short_description")),
        currency=text_of(row.get("currency")),
        brand=text_of(row.get("brand")),
        condition=text_of(row.get("condition")),
        categories=texts_of(row.get("category")),
        tags=texts_of(row.get("tags")),
        options=options,
        offer=offer,
        variations=variations,
        grouped=grouped,
        external_url=external_url,
        button_text=text_of(row.get("button_text")),
    )


# --- what can be bought -----------------------------------------------------------------------------------------------


def _offer(row: Mapping[str, Any], *, sku: str, chosen: Mapping[str, str]) -> Offer:
    price, regular = amount_of(row.get("price")), amount_of(row.get("regular_price"))
    if price is None:
        price, regular = regular, None
    on_sale = regular is not None and price is not None and price < regular
    stock = amount_of(row.get("stock"))
    sizes = {name: amount_of(row.get(name)) for name in ("weight", "length", "width", "height")}
    return Offer(
        sku=sku,
        regular_price=regular if on_sale else price,
        sale_price=price if on_sale else None,
        availability=_availability(row, stock),
        stock=None if stock is None else int(stock),
        images=tuple(dict.fromkeys([*texts_of(row.get("image")), *texts_of(row.get("images"))])),
        description=text_of(row.get("description_html")) or text_of(row.get("description")),
        chosen=chosen,
        sizes={name: size for name, size in sizes.items() if size is not None},
        virtual=row.get("virtual") is True,
        downloadable=row.get("downloadable") is True,
        gtin=text_of(row.get("gtin")),
        mpn=text_of(row.get("mpn")),
    )


def _availability(row: Mapping[str, Any], stock: Decimal | None) -> Availability | None:
    said = _NOT_A_LETTER.sub("", text_of(row.get("availability")).rpartition("/")[2].lower())
    known = _AVAILABILITY.get(said)
    if known is not None or stock is None:
        return known
    return "InStock" if stock > 0 else "OutOfStock"


def _variations(
    offer: Offer, members: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, str]]
) -> tuple[Offer, ...]:
    """The variations, each with a SKU that no other has. One without a price costs what the product does."""
    given = NewNames(offer.sku)
    skus = [text_of(member.get("sku")) for member in members]
    skus = [given.new(sku) if sku and sku not in given else "" for sku in skus]  # before any is made
    made = []
    for member, values, own in zip(members, chosen, skus, strict=True):
        sku = own or given.new(
            "-".join(filter(None, [offer.sku, *(slugged(value) for value in values.values() if value)]))
        )
        variation = _offer(member, sku=sku, chosen=values)
        if variation.regular_price is None:
            variation = replace(variation, regular_price=offer.regular_price, sale_price=offer.sale_price)
        if variation.availability is None:
            variation = replace(variation, availability=offer.availability)
        made.append(replace(variation, virtual=variation.virtual or offer.virtual))
    return tuple(made)


class NewNames:
    """Gives each text out once, with a number behind it from the second time on.

    A page may have thousands of variations that are all alike, so nothing is counted from the beginning again.
    """

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def __contains__(self, text: str) -> bool:
        return text in self._taken

    def new(self, text: str) -> str:
        """The text, or what is made of it; from now on it is taken."""
        name, number = text, self._next.get(text, 2)
        while name in self._taken:
            name, number = f"{text}-{number}", number + 1
        self._next[text] = number
        self._taken.add(name)
        return name


def _kind(said: str, *, variable: bool, grouped: bool, external: bool) -> Kind:
    known = _KINDS.get(said.lower())
    if variable:
        return "variable"
    if known is not None:
        return known
    return "grouped" if grouped else "external" if external else "simple"


def _last_part(url: str) -> str:
    """The last part of an address's path: what shops call a slug."""
    parts = [part for part in urlsplit(url).path.split("/") if part] if url else []
    return slugged(_ENDING.sub("", unquote(parts[-1]))) if parts else ""
