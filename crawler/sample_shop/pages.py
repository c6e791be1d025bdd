"""Draws the shop's other pages: home, lists, plain texts, and the two kinds of "not found"."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from crawler.sample_shop.assets import PLACEHOLDER
from crawler.sample_shop.layout import LABELS, availability_html, breadcrumbs, frame, price_html, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.sample_shop.layout import Rendered
    from crawler.sample_shop.model import Catalogue, Category, Product

#: Products on one page of a list.
PAGE_SIZE: Final = 10

#: Linked from the outlet: a page that is truly missing, one that says so with status 200, one that robots may not see.
MISSING_PATH: Final = "/p/ghost-lamp-gst-0001.html"
SOFT_404_PATH: Final = "/p/sold-out-kettle-gst-0002.html"
PRIVATE_PATH: Final = "/private/prototype.html"

#: `<base href>` of the list pages whose links are relative to it.
BASE_PATH: Final = "/kitchen/list/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One entry of a list: where it links to, and the product it shows, if it is one."""

    href: str
    name: str
    product: Product | None = None


def page_count(catalogue: Catalogue, category: Category) -> int:
    """How many pages the category's list has; 1 for one that only has sub-categories."""
    return max(1, -(-len(catalogue.of(category)) // PAGE_SIZE))


def page_path(category: Category, number: int) -> str:
    """Path and query of a page of a list; page 1 is the category's own path."""
    if number == 1:
        return category.path
    return {
        "file": f"{category.path}page-{number}.html",
        "query": f"{category.path}?page={number}",
        "folder": f"{category.path}{number}/",
        "base": f"{BASE_PATH}page-{number}.html",
    }[category.paging]


def page_href(category: Category, number: int, *, from_page: int) -> str:
    """How one page of a list links to another one: always relative."""
    if category.paging == "folder":
        up = "../" if from_page > 1 else ""
        return up + (f"{number}/" if number > 1 else "") or "./"
    if category.paging == "query":
        return f"?page={number}"
    if number == 1:
        # under a base href the first page lies elsewhere
        return category.path if category.paging == "base" else "./"
    return f"page-{number}.html"


def home_page(catalogue: Catalogue) -> Rendered:
    """The home page: links to every top category, a few goods, and a word of welcome."""
    tops = catalogue.children(None)
    tiles = "\n".join(
        f'<li><a href="{category.path}">{text(category.name)}</a> '
        f"<small>{len(catalogue.of(category)) + sum(len(catalogue.of(c)) for c in catalogue.children(category))}"
        "</small></li>"
        for category in tops
    )
    featured = "\n".join(
        f'<li><a class="featured" href="{product.path}">{text(product.name)}</a></li>'
        for product in catalogue.products[:: max(1, len(catalogue.products) // 6)]
    )
    main = f"""<h1>Good things, plainly described</h1>
<p class="lead">A shop that sells nothing: every page is made up, always in the same way.</p>
<section class="departments"><h2>Departments</h2><ul class="cards">
{tiles}
</ul></section>
<section><h2>This week</h2><ul>
{featured}
</ul></section>"""
    return frame(catalogue, title="Home", main=main, body_class="home")


def list_page(catalogue: Catalogue, category: Category, number: int, site: str) -> Rendered | None:
    """Page `number` of a category's list; None past the last one."""
    last = page_count(catalogue, category)
    if not 1 <= number <= last:
        return None
    products = catalogue.of(category)[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    here = BASE_PATH if category.paging == "base" else page_path(category, number).partition("?")[0]
    cards = [Card(href=_href(product, here, site), name=product.name, product=product) for product in products]
    if category.slug == "outlet" and number == 1:
        cards = _outlet_cards(catalogue, cards)
    shown = "\n".join(_card(card, category) for card in cards)
    children = "".join(
        f'<li><a href="{child.path}">{text(child.name)}</a></li>\n' for child in catalogue.children(category)
    )
    below = f'<nav class="subcategories"><ul>\n{children}</ul></nav>' if children else ""
    main = f"""{breadcrumbs(catalogue, category)}
<h1>{text(category.name)}</h1>
{below}
<ul class="cards products">
{shown}
</ul>
{_pager(category, number, last)}"""
    head = f'<base href="{BASE_PATH}">\n' if category.paging == "base" else ""
    return frame(
        catalogue,
        title=f"{category.name} {number}" if number > 1 else category.name,
        main=main,
        head=head,
        body_class="list-page",
        language=category.language,
        encoding=category.encoding,
    )


def _href(product: Product, here: str, site: str) -> str:
    """How the list links the product: each category has a way of its own, all of them seen on real sites."""
    relative = posixpath.relpath(product.path, posixpath.dirname(here))
    host = site.partition(":")[2]
    ways = {
        "tables": product.path,
        "lighting": site + product.path,
        "toys": unquote(product.path),  # raw UTF-8 in the attribute
        "outlet": host + product.path,  # begins with two slashes
        "garden": f"\n    {relative}\n  ",
        "outdoor": f"{product.path}#reviews",
    }
    return ways.get(product.category.slug, relative)


def _outlet_cards(catalogue: Catalogue, cards: Sequence[Card]) -> list[Card]:
    """The outlet's first page: an own product by its old address only, goods of other lists, and three dead ends."""
    first, *others = cards
    elsewhere = [product for product in catalogue.products if product.category.slug in ("chairs", "cups")]
    return [
        Card(href=first.product.old_path if first.product else first.href, name=first.name, product=first.product),
        *others,
        *(Card(href=product.old_path, name=product.name, product=product) for product in elsewhere[:2]),
        *(Card(href=product.path, name=product.name, product=product) for product in elsewhere[1:4]),
        Card(href=MISSING_PATH, name="Ghost lamp"),
        Card(href=SOFT_404_PATH, name="Kettle, sold out"),
        Card(href=PRIVATE_PATH, name="Prototype (staff only)"),
    ]


def _card(card: Card, category: Category) -> str:
    href, name = text(card.href), text(card.name)
    product = card.product
    image = price = availability = ""
    if product is not None:
        language = category.language
        if product.images:
            image = (
                f'<a href="{href}" tabindex="-1"><img src="{PLACEHOLDER}" '
                f'data-src="{product.images[0].replace(".svg", "-small.svg")}" alt=""></a>\n'
            )
        shown = price_html(
            product.price, product.regular_price, product.currency, language, lowest=bool(product.variations)
        )
        price = f'<p class="price">{shown}</p>\n'
        availability = availability_html("p", product.availability, None, language) + "\n"
    return (
        f'<li><article class="product-card">\n{image}<h2><a href="{href}">{name}</a></h2>\n{price}{availability}'
        "</article></li>"
    )


def _pager(category: Category, number: int, last: int) -> str:
    if last == 1:
        return ""
    labels = LABELS[category.language]
    entries = []
    if number > 1:
        href = page_href(category, number - 1, from_page=number)
        entries.append(f'<li class="previous"><a rel="prev" href="{text(href)}">{text(labels["previous"])}</a></li>')
    entries.append(f'<li class="current">{number} / {last}</li>')
    if number < last:
        href = page_href(category, number + 1, from_page=number)
        entries.append(f'<li class="next"><a rel="next" href="{text(href)}">{text(labels["next"])}</a></li>')
    lines = "\n".join(entries)
    return f'<nav class="pager"><ul>\n{lines}\n</ul></nav>'


def text_page(catalogue: Catalogue, title: str, paragraphs: Sequence[str], *, body_class: str = "text") -> Rendered:
    """A page of plain paragraphs."""
    lines = "\n".join(f"<p>{text(paragraph)}</p>" for paragraph in paragraphs)
    return frame(catalogue, title=title, main=f"<h1>{text(title)}</h1>\n{lines}", body_class=body_class)


def not_found_page(catalogue: Catalogue) -> Rendered:
    """What a missing page looks like. The soft 404 sends it with status 200: only the body's class tells."""
    return text_page(
        catalogue,
        "Nothing here",
        ["This page has moved, or never was. Try the departments above."],
        body_class="error404",
    )


def search_page(catalogue: Catalogue, words: str) -> Rendered:
    """Products whose name contains the words, at most twenty, as one list without pages."""
    found = [product for product in catalogue.products if words.strip() and words.casefold() in product.name.casefold()]
    cards = "\n".join(
        _card(Card(href=product.path, name=product.name, product=product), product.category) for product in found[:20]
    )
    main = f'<h1>Search</h1>\n<p>{len(found)} found.</p>\n<ul class="cards products">\n{cards}\n</ul>'
    return frame(catalogue, title="Search", main=main, body_class="search-page")
