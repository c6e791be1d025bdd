"""Pages of a shop as templates make them, for the benchmarks: the same number gives the same page."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

_WORDS = (
    *("chair", "table", "lamp", "oak", "walnut", "steel", "round", "light", "dark", "soft", "garden", "office"),
    *("kitchen", "wide", "narrow", "café", "größe", "כיסא"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSize:
    """How much stands on a product page beside its product."""

    menu: int  # entries of the menu, and of each menu below it
    variations: int
    specs: int
    reviews: int
    review_words: int
    state: int  # objects in the page's state
    words: int  # of the description


#: 48 KB: mega menu, variations, reviews, a page state, as shops with a theme have them.
LARGE = PageSize(menu=14, variations=12, specs=20, reviews=8, review_words=90, state=170, words=90)
#: 7 KB: a shop without a theme.
SMALL = PageSize(menu=4, variations=2, specs=6, reviews=2, review_words=40, state=4, words=60)


class _Writer:
    def __init__(self, number: int) -> None:
        self.random = random.Random(number)

    def words(self, count: int) -> str:
        return " ".join(self.random.choice(_WORDS) for _ in range(count))

    def menu_item(self, path: str, inside: str = "") -> str:
        link = f'<a href="/c/{path}" class="menu-link">{self.words(2)}</a>'
        return f'<li class="menu-item">{link}{inside}</li>'

    def menu(self, entries: int) -> str:
        return "".join(
            self.menu_item(
                str(top),
                f'<ul class="sub-menu">{"".join(self.menu_item(f"{top}/{each}") for each in range(entries))}</ul>',
            )
            for top in range(entries)
        )


def product_page(number: int, size: PageSize = LARGE) -> bytes:
    """One product: mega menu, variations, specifications, reviews, JSON-LD, page state."""
    writer = _Writer(number)
    words, dice = writer.words, writer.random
    images = "".join(
        f'<figure class="gallery"><a href="/img/{number}-{each}.jpg"><img src="/img/{number}-{each}-s.jpg" '
        f'alt="{words(3)}" loading="lazy" width="600" height="600"></a></figure>'
        for each in range(5)
    )
    variations = "".join(
        f'<tr class="variation" data-id="{each}"><td class="label">{words(1)} {each}</td>'
        f'<td class="cost">{dice.randrange(900)}.00</td>'
        f'<td class="qty"><input type="number" name="qty[{each}]" value="1" class="text"></td></tr>'
        for each in range(size.variations)
    )
    specs = "".join(f"<tr><th>{words(1)} {each}</th><td>{words(3)}</td></tr>" for each in range(size.specs))
    specs += f"<tr><th>Weight</th><td>{dice.randrange(1, 90)}.5</td></tr>"
    reviews = "".join(
        f'<div class="review" id="r{each}"><strong class="author">{words(2)}</strong>'
        f'<time datetime="2026-01-{each + 1:02}"></time>'
        f'<div class="text"><p>{words(size.review_words)}</p><p>{words(60)}</p></div></div>'
        for each in range(size.reviews)
    )
    ld = json.dumps({"@type": "Product", "sku": f"SKU-{number}", "description": words(size.words)})
    items = [{"id": each, "title": words(4), "price": dice.randrange(900)} for each in range(size.state)]
    state = json.dumps({"items": items})
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{words(4)} - Shop</title>
<link rel="canonical" href="https://shop.example/p/{number}">
<script type="application/ld+json">{ld}</script><script id="state">window.STATE={state}</script></head>
<body class="product-template single"><header><nav class="main"><ul class="menu">{writer.menu(size.menu)}</ul></nav>
</header><main><nav class="woocommerce-breadcrumb"><a href="/">Home</a> / <a href="/c/1">{words(1)}</a> /
<a href="/c/2">{words(2)}</a></nav>
<div class="product">{images}<div class="summary entry-summary"><h1 class="product_title entry-title">
    {words(5)}
  </h1><div class="star-rating" title="{dice.randrange(1, 5)}.5" data-votes="{dice.randrange(900)}"><span></span></div>
<p class="price"><del><span class="amount"><bdi>{dice.randrange(500, 900)}.00&nbsp;<span>&#8362;</span></bdi></span>
</del><ins><span class="amount"><bdi>{dice.randrange(100, 500)}.00&nbsp;<span>&#8362;</span></bdi></span></ins></p>
<div class="woocommerce-product-details__short-description">{words(size.words)}</div>
<p class="stock in-stock">In   stock</p><span class="sku">SKU-{number}</span> <a class="brand" href="/b">{words(1)}</a>
<table class="variations"><tbody>{variations}</tbody></table></div>
<div id="specs"><table class="shop_attributes"><tbody>{specs}</tbody></table></div>
<div id="reviews">{reviews}</div></div></main><footer><p>{words(80)}</p></footer></body></html>""".encode()


def list_page(number: int, *, rows: int = 300, menu: int = 6) -> bytes:
    """A list of products, each with a link, a picture, a price, a rating and a stock; a menu of so many entries."""
    writer = _Writer(number)
    words, dice = writer.words, writer.random
    products = "".join(
        f'<li class="product type-product"><a class="product-link" href="/p/{number}-{each}">'
        f'<img class="thumb" src="/img/{number}-{each}.jpg" alt="{words(3)}" loading="lazy"></a>'
        f'<h2 class="product-title">{words(4)}</h2><div class="star-rating" title="{dice.randrange(1, 5)}.5"></div>'
        f'<span class="price"><span class="amount"><bdi>{dice.randrange(10, 900)}.90&nbsp;<span>&#8362;</span></bdi>'
        f'</span></span><p class="stock">{dice.randrange(90)}</p></li>\n'
        for each in range(rows)
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{words(4)} - Shop</title></head>
<body><header><nav class="main"><ul class="menu">{writer.menu(menu)}</ul></nav></header><main>
<ul class="products">{products}</ul></main><footer><p>{words(80)}</p></footer></body></html>""".encode()


def api_page(number: int, *, rows: int = 100) -> bytes:
    """A list of products as an API gives them."""
    writer = _Writer(number)
    items = [
        {
            "title": f" {writer.words(4)}",
            "sku": f"SKU-{number}-{each}",
            "price": {"amount": f"{writer.random.randrange(10, 900)}.90", "currency": "ILS"},
            "links": {"self": f"/p/{number}-{each}", "image": f"/img/{number}-{each}.jpg"},
            "stock": {"count": writer.random.randrange(90)},
            "tags": [{"name": writer.random.choice(_WORDS), "id": tag} for tag in range(3)],
        }
        for each in range(rows)
    ]
    return json.dumps({"items": items, "page": number}).encode()
