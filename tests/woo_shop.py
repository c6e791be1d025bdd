"""A shop as WooCommerce draws it, from a list of products of every kind: its pages, and what it sells.

The markup is that of the default theme. The server knows what a page shows and nothing of recipes.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from served_site import ServedSite

PER_PAGE = 6


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An option: `slugs` where it is one of the shop's own (a taxonomy), else the form sends what people read."""

    name: str
    values: tuple[str, ...]
    slugs: tuple[str, ...] = ()
    default: str = ""
    form_name: str = ""

    @property
    def key(self) -> str:
        return f"attribute_{self.form_name or quote(self.name.lower()).lower()}"

    def sent(self, value: str) -> str:
        return self.slugs[self.values.index(value)] if self.slugs and value else value


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One row of `data-product_variations`; `chosen` has a value for each axis, empty for any."""

    chosen: tuple[str, ...]
    price: str
    regular: str = ""
    sku: str = ""
    in_stock: bool = True
    image: str = ""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """A product. `regular` is struck out where it is given."""

    id: int
    sku: str
    name: str
    price: str = ""
    regular: str = ""
    kind: str = "simple"
    stock: str = "instock"
    quantity: int | None = None
    category: tuple[str, ...] = ("Furniture",)
    tags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    images: int = 1
    short: str = ""
    description: str = ""
    axes: tuple[Axis, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    variations: tuple[Variation, ...] = ()
    by_ajax: bool = False  # too many variations: the page has none of them
    members: tuple[str, ...] = ()
    link: str = ""
    button: str = ""

    @property
    def path(self) -> str:
        return f"/product/{quote('-'.join(self.name.lower().split())[:40])}-{self.id}/"


COLOUR = Axis(
    name="Colour", values=("Dark Oak", "Ash"), slugs=("dark-oak", "ash"), default="Ash", form_name="pa_colour"
)
SIZE = Axis(name="Size", values=("S", "S+", "XL"))
HEBREW_COLOUR = Axis(name="צבע", values=("שחור, מט", "לבן"))
HEBREW_SIZE = Axis(name="מידה", values=("קטן", "גדול"))

PRODUCTS = (
    Sold(
        id=101, sku="CH-1", name="Oak chair", price="120.00", quantity=5, category=("Furniture", "Chairs"),
        tags=("oak", "new"), images=2, short="A chair.", description='<p>Solid <b>oak</b>,<br>"oiled".</p>',
    ),
    Sold(
        id=102, sku="CH-2", name="כיסא אלון", price="42.00", regular="45.00", category=("ריהוט", "כיסאות, שרפרפים"),
        facts=(("חומר", "עץ אלון"),), description="<p>כיסא נוח מעץ.</p>",
    ),
    Sold(
        id=103, sku="TB-1", name="Table", price="42.00", regular="45.00", kind="variable", axes=(COLOUR, SIZE),
        category=("Furniture", "Tables"),
        variations=(
            Variation(chosen=("Dark Oak", "S"), price="42", regular="45", sku="TB-1-OS", image="oak-s.jpg"),
            Variation(chosen=("Dark Oak", "S+"), price="99.5", regular="99.5", sku="TB-1-OP"),
            Variation(chosen=("Ash", "XL"), price="250", regular="250", sku="TB-1", in_stock=False),
        ),
    ),
    Sold(
        id=104, sku="SH-1", name="חולצה", price="80.00", kind="variable", axes=(HEBREW_COLOUR, HEBREW_SIZE),
        variations=(
            Variation(chosen=("שחור, מט", ""), price="80", regular="80", sku="SH-1-B"),
            Variation(chosen=("לבן", ""), price="72.90", regular="80", sku="SH-1-W"),
        ),
    ),
    Sold(id=105, sku="SET-1", name="Dining set", kind="grouped", members=("CH-1", "CH-2"), price="42.00"),
    Sold(
        id=106, sku="LAMP-9", name="Lamp | desk", price="30.00", kind="external",
        link="https://other.example/lamp?ref=7", button="Buy there",
    ),
    Sold(id=107, sku="BOOK-1", name="Woodworking, the e-book", price="0.00", classes=("downloadable", "virtual")),
    Sold(
        id=108, sku="RUG-1", name="Rug", price="60.00", regular="75.00", kind="variable", by_ajax=True,
        axes=(Axis(name="Width", values=("1 m", "2 m")), Axis(name="Pattern", values=("| lines", "+ dots"))),
    ),
    Sold(id=109, sku="=1+1", name='=HYPERLINK("https://bad.example")', price="5.00", stock="outofstock"),
    Sold(id=110, sku="BENCH-1", name="Bench", stock="onbackorder", images=0),
)  # fmt: skip


def _amount(price: str) -> str:
    shown = f"{Decimal(price):,.2f}"
    return (
        '<span class="woocommerce-Price-amount amount"><bdi>'
        f'<span class="woocommerce-Price-currencySymbol">&#8362;</span>{shown}</bdi></span>'
    )


def _as_php_writes(price: str) -> int | float:
    return int(price) if price.isdigit() else float(price)


def _price(sold: Sold) -> str:
    if not sold.price:
        return '<p class="price"></p>'
    if sold.regular:
        inner = f'<del aria-hidden="true">{_amount(sold.regular)}</del> <ins>{_amount(sold.price)}</ins>'
    elif sold.kind == "grouped":
        inner = f"{_amount(sold.price)} &ndash; {_amount('120.00')}"
    else:
        inner = _amount(sold.price)
    return f'<p class="price">{inner}</p>'


def _stock(sold: Sold) -> str:
    words = {"instock": "in-stock", "outofstock": "out-of-stock", "onbackorder": "available-on-backorder"}
    if sold.stock == "instock" and sold.quantity is None:
        return ""
    text = f"{sold.quantity} in stock" if sold.quantity is not None else sold.stock
    return f'<p class="stock {words[sold.stock]}">{text}</p>'


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Draws the pages of the shop at a site."""

    site: str
    products: tuple[Sold, ...] = PRODUCTS

    def listing(self, number: int) -> str:
        shown = self.products[(number - 1) * PER_PAGE : number * PER_PAGE]
        members = "".join(
            f'<li class="product"><a href="{self.site}{sold.path}" class="woocommerce-LoopProduct-link">'
            f'<h2 class="woocommerce-loop-product__title">{html.escape(sold.name)}</h2></a></li>'
            for sold in shown
        )
        more = number * PER_PAGE < len(self.products)
        following = (
            f'<a class="next page-numbers" href="{self.site}/shop/page/{number + 1}/">&rarr;</a>' if more else ""
        )
        return f'<!doctype html><title>Shop</title><ul class="products">{members}</ul><nav>{following}</nav>'

    def product(self, sold: Sold) -> str:
        classes = ["product", f"post-{sold.id}", sold.stock, *sold.classes, f"product-type-{sold.kind}"]
        crumbs = "".join(f'<a href="/c/">{html.escape(name)}</a> / ' for name in ("Home", *sold.category))
        gallery = "".join(
            f'<div class="woocommerce-product-gallery__image"><a href="{self.image(sold, n)}"><img></a></div>'
            for n in range(1, sold.images + 1)
        )
        tags = ", ".join(f'<a href="/tag/{tag}/">{tag}</a>' for tag in sold.tags)
        return f"""<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(sold.name)}</title>
<meta property="og:title" content="{html.escape(sold.name)}"><meta property="product:price:currency" content="ILS">
</head><body class="single-product"><nav class="woocommerce-breadcrumb">{crumbs}{html.escape(sold.name)}</nav>
<div id="product-{sold.id}" class="{" ".join(classes)}"><div class="woocommerce-product-gallery">{gallery}</div>
<div class="summary entry-summary"><h1 class="product_title entry-title">{html.escape(sold.name)}</h1>
{_price(sold)}<div class="woocommerce-product-details__short-description"><p>{sold.short}</p></div>
{_stock(sold)}{self._cart(sold)}
<div class="product_meta"><span class="sku_wrapper">SKU: <span class="sku">{html.escape(sold.sku)}</span></span>
<span class="tagged_as">Tags: {tags}</span></div></div>
<div class="woocommerce-tabs"><div class="woocommerce-Tabs-panel woocommerce-Tabs-panel--description"
id="tab-description"><h2>Description</h2>{sold.description}</div>
{self._facts(sold)}</div></div>
<section class="related"><ul class="products"><li class="product"><p class="price">{_amount("1.00")}</p></li></ul>
</section></body></html>"""

    def image(self, sold: Sold, number: int) -> str:
        return f"https://cdn.example/{sold.id}-{number}.jpg"

    def _cart(self, sold: Sold) -> str:
        if sold.kind == "external":
            link = html.escape(sold.link)
            button = f'<button type="submit" class="single_add_to_cart_button">{sold.button}</button>'
            return f'<form class="cart" action="{link}" method="get">{button}</form>'
        if sold.kind == "grouped":
            rows = "".join(f'<tr><td><a data-product_sku="{sku}" href="#">{sku}</a></td></tr>' for sku in sold.members)
            return f'<form class="cart grouped_form"><table class="group_table">{rows}</table></form>'
        if sold.kind == "variable":
            found = "false" if sold.by_ajax else json.dumps([self._variation(sold, one) for one in sold.variations])
            return (
                f'<form class="variations_form cart" data-product_variations="{html.escape(found)}">'
                f'<table class="variations"><tbody>{"".join(map(self._axis, sold.axes))}</tbody></table></form>'
            )
        return '<form class="cart"><button class="single_add_to_cart_button">Add</button></form>'

    def _axis(self, axis: Axis) -> str:
        options = "".join(
            f'<option value="{html.escape(axis.sent(value))}"{" selected" if value == axis.default else ""}>'
            f"{html.escape(value)}</option>"
            for value in axis.values
        )
        return (
            f'<tr><th class="label"><label>{html.escape(axis.name)}</label></th><td class="value">'
            f'<select name="{axis.key}"><option value="">Choose an option</option>{options}</select></td></tr>'
        )

    def _variation(self, sold: Sold, one: Variation) -> dict[str, Any]:
        chosen = {axis.key: axis.sent(value) for axis, value in zip(sold.axes, one.chosen, strict=True)}
        stock = "in-stock" if one.in_stock else "out-of-stock"
        image = one.image or f"{sold.id}-1.jpg"
        return {
            "attributes": chosen,
            "availability_html": f'<p class="stock {stock}">{stock}</p>\n' if not one.in_stock else "",
            "display_price": _as_php_writes(one.price),
            "display_regular_price": _as_php_writes(one.regular),
            "image": {"full_src": f"https://cdn.example/{image}", "src": f"https://cdn.example/small-{image}"},
            "is_in_stock": one.in_stock,
            "is_virtual": False,
            "is_downloadable": False,
            "sku": one.sku or sold.sku,
            "variation_description": "",
            "variation_id": sold.id * 10,
            "weight": "",
        }

    def _facts(self, sold: Sold) -> str:
        facts = [*sold.facts, *((axis.name, ", ".join(axis.values)) for axis in sold.axes)]
        rows = "".join(
            '<tr class="woocommerce-product-attributes-item"><th class="woocommerce-product-attributes-item__label">'
            f"{html.escape(name)}</th>"
            f'<td class="woocommerce-product-attributes-item__value"><p>{html.escape(value)}</p></td></tr>'
            for name, value in facts
        )
        return f'<table class="woocommerce-product-attributes shop_attributes">{rows}</table>'


class WooShop(ServedSite):
    """The shop; `url` is without a slash at the end."""

    def __init__(self, products: tuple[Sold, ...] = PRODUCTS) -> None:
        self._paths = {sold.path: sold for sold in products}
        self._products = products
        super().__init__(self._drawn)

    def _drawn(self, site: str, path: str) -> str | None:
        pages = Pages(site=site, products=self._products)
        if path == "/shop/":
            return pages.listing(1)
        if path.startswith("/shop/page/"):
            return pages.listing(int(path.rstrip("/").rpartition("/")[2]))
        sold = self._paths.get(path) or self._paths.get(quote(path, safe="/%"))
        return None if sold is None else pages.product(sold)
