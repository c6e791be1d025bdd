"""Draws the page of one product: markup, JSON-LD and OpenGraph that all say the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from crawler.sample_shop.assets import PLACEHOLDER
from crawler.sample_shop.layout import (
    LABELS,
    availability_html,
    breadcrumbs,
    frame,
    json_script,
    price_html,
    text,
)

if TYPE_CHECKING:
    from crawler.sample_shop.layout import Rendered
    from crawler.sample_shop.model import Catalogue, Product, Variation

#: A product whose JSON-LD block does not parse, as happens when a template forgets to escape a quote.
BROKEN_JSON_LD_SKU: Final = "TAB-0003"


def product_page(catalogue: Catalogue, product: Product, site: str) -> Rendered:
    """The product's page, in the language and encoding of its category.

    Args:
        catalogue: where its relatives are found.
        product: what is drawn.
        site: scheme, host and port, for the absolute links of JSON-LD and OpenGraph.

    """
    language = product.category.language
    main = "\n".join(
        part
        for part in (
            breadcrumbs(catalogue, product.category, product=product.name),
            '<article class="product">',
            _gallery(product),
            _summary(product),
            _description(product),
            _specification(product),
            _variations(product),
            _SERVICE,
            "</article>",
            _reviews(product),
            _related(catalogue, product),
        )
        if part
    )
    return frame(
        catalogue,
        title=product.name,
        main=main,
        head=_head(product, site),
        body_class="product-page",
        language=language,
        encoding=product.category.encoding,
    )


def _head(product: Product, site: str) -> str:
    lines = [
        f'<link rel="canonical" href="{site}{product.path}">',
        '<meta property="og:type" content="product">',
        f'<meta property="og:title" content="{text(product.name)}">',
        f'<meta property="og:url" content="{site}{product.path}">',
        *(f'<meta property="og:image" content="{site}{path}">' for path in product.images[:1]),
        f'<meta property="product:price:currency" content="{product.currency}">',
    ]
    if product.description:
        lines.append(f'<meta name="description" content="{text(product.description[0].lines[0])}">')
    if product.price is not None:
        lines.append(f'<meta property="product:price:amount" content="{product.price}">')
    lines.append(_json_ld(product, site))
    return "\n".join(lines) + "\n"


def _json_ld(product: Product, site: str) -> str:
    node = _product_node(product, site)
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name} for place, name in enumerate(product.trail, start=1)
        ],
    }
    context = "https://schema.org"
    if product.category.language == "fr":
        return json_script("application/ld+json", {"@context": context, "@graph": [crumbs, node]})
    script = json_script("application/ld+json", {"@context": context, **node})
    if product.sku == BROKEN_JSON_LD_SKU:
        script = script.replace('"sku"', '"note": "the "good" one", "sku"', 1)
    return script


def _product_node(product: Product, site: str) -> dict[str, Any]:
    node: dict[str, Any] = {
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "url": site + product.path,
        "image": [site + path for path in product.images],
        "category": " > ".join(product.trail),
        "offers": [_offer(variation, product) for variation in product.variations] or _offer(product, product),
    }
    if product.brand is not None:
        node["brand"] = {"@type": "Brand", "name": product.brand}
    if product.ean is not None:
        node["gtin13"] = product.ean
    if product.rating is not None:
        node["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": str(product.rating),
            "reviewCount": len(product.reviews),
        }
    return node


def _offer(offered: Product | Variation, product: Product) -> dict[str, Any]:
    offer: dict[str, Any] = {
        "@type": "Offer",
        "sku": offered.sku,
        "availability": f"https://schema.org/{offered.availability}",
    }
    if offered.price is not None:
        offer |= {"price": f"{offered.price:.2f}", "priceCurrency": product.currency}
    return offer


def _gallery(product: Product) -> str:
    if not product.images:
        return '<div class="gallery empty"><p>&#128247;</p></div>'
    name = text(product.name)
    first = product.images[0]
    thumbs = "\n".join(
        f'<li><a href="{path}"><img src="{PLACEHOLDER}" data-src="{path.replace(".svg", "-small.svg")}" '
        f'alt="{name} ({number})"></a></li>'
        for number, path in enumerate(product.images, start=1)
    )
    return (
        f'<div class="gallery">\n<a class="zoom" href="{first}"><img class="main-image" src="{PLACEHOLDER}" '
        f'data-src="{first}" alt="{name}"></a>\n<ul class="thumbs">\n{thumbs}\n</ul>\n</div>'
    )


def _summary(product: Product) -> str:
    labels = LABELS[product.category.language]
    price = price_html(
        product.price,
        product.regular_price,
        product.currency,
        product.category.language,
        lowest=bool(product.variations),
    )
    rating = ""
    if product.rating is not None:
        full = round(product.rating)
        stars = "&#9733;" * full + "&#9734;" * (5 - full)
        rating = (
            f'<p class="rating"><span class="stars" aria-hidden="true">{stars}</span>\n'
            f'<span class="rating-value">{product.rating}</span> '
            f'<a href="#reviews">({len(product.reviews)} {text(labels["reviews"]).lower()})</a></p>'
        )
    return f"""<div class="summary">
<h1 class="product-name">
  {text(product.name)}
</h1>
{rating}
<p class="price">{price}</p>
{availability_html("p", product.availability, product.stock, product.category.language)}
{_basket_form(product)}
<p class="meta">SKU: <span class="sku">{product.sku}</span></p>
</div>"""


def _basket_form(product: Product) -> str:
    labels = LABELS[product.category.language]
    data, selects = "", []
    if product.variations:
        data = f' data-product_variations="{text(json.dumps(_variation_data(product)))}"'
    for name, options in _axes(product).items():
        choices = "".join(f'<option value="{text(option)}">{text(option)}</option>' for option in options)
        selects.append(
            f'<label>{text(name)} <select name="{text(name.lower())}">'
            f'<option value="">{text(labels["choose"])}</option>{choices}</select></label>'
        )
    lines = "\n".join(selects)
    return (
        f'<form class="variations-form" action="/basket" method="post"{data}>\n{lines}\n'
        f'<input type="hidden" name="sku" value="{product.sku}">\n'
        f'<button type="submit">{text(labels["add"])}</button>\n</form>'
    )


def _axes(product: Product) -> dict[str, list[str]]:
    axes: dict[str, list[str]] = {}
    for variation in product.variations:
        for name, option in variation.options:
            known = axes.setdefault(name, [])
            if option not in known:
                known.append(option)
    return axes


def _variation_data(product: Product) -> list[dict[str, Any]]:
    """The shape shop plug-ins give their scripts: the regular price is the current one where nothing is reduced."""
    return [
        {
            "sku": variation.sku,
            "attributes": {f"attribute_{name.lower()}": option for name, option in variation.options},
            "display_price": f"{variation.price:.2f}",
            "display_regular_price": f"{variation.regular_price or variation.price:.2f}",
            "is_in_stock": variation.availability == "InStock",
            "max_qty": variation.stock or "",
        }
        for variation in product.variations
    ]


def _description(product: Product) -> str:
    if product.description_html is None:
        return ""
    title = LABELS[product.category.language]["description"]
    return _tab(title, f'<div class="description">{product.description_html}</div>')


def _specification(product: Product) -> str:
    labels = LABELS[product.category.language]
    rows = []
    if product.brand is not None:
        rows.append(("spec-brand", labels["brand"], product.brand))
    if product.weight_kg is not None:
        rows.append(("spec-weight", labels["weight"], f"{product.weight_kg} kg"))
    if product.ean is not None:
        rows.append(("spec-ean", "EAN", product.ean))
    rows.extend(("spec-attribute", name, value) for name, value in product.attributes)
    if not rows:
        return ""
    # no tbody, as people write tables by hand: browsers insert it
    lines = "\n".join(
        f'<tr class="{name}"><th scope="row">{text(label)}</th><td>{text(value)}</td></tr>'
        for name, label, value in rows
    )
    return _tab(labels["specification"], f'<table class="specs">\n{lines}\n</table>')


def _variations(product: Product) -> str:
    if not product.variations:
        return ""
    language = product.category.language
    labels = LABELS[language]
    rows = []
    for variation in product.variations:
        price = price_html(variation.price, variation.regular_price, product.currency, language)
        options = "".join(
            f"<div><dt>{text(name)}</dt><dd>{text(option)}</dd></div>" for name, option in variation.options
        )
        rows.append(
            f'<tr class="variation">\n<td class="sku">{variation.sku}</td>\n'
            f'<td class="options"><dl>{options}</dl></td>\n'
            f'<td class="price">{price}</td>\n'
            f"{availability_html('td', variation.availability, variation.stock, language)}\n</tr>"
        )
    lines = "\n".join(rows)
    heads = "".join(f"<th>{text(labels[key])}</th>" for key in ("options", "price", "availability"))
    table = (
        f'<table class="variations">\n<thead><tr><th>SKU</th>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>'
    )
    return _tab(labels["versions"], table)


def _tab(title: str, inside: str) -> str:
    return f'<section class="tab">\n<h2>{text(title)}</h2>\n{inside}\n</section>'


def _reviews(product: Product) -> str:
    labels = LABELS[product.category.language]
    if not product.reviews:
        inside = f'<p class="no-reviews">{text(labels["no reviews"])}</p>'
    else:
        inside = "\n".join(
            f'<article class="review">\n<header><b class="author">{text(review.author)}</b> '
            f'<time datetime="{review.date}">{review.date}</time>\n'
            f'<span class="stars">{review.rating}/5</span></header>\n'
            f"<p>{text(review.text)}</p>\n</article>"
            for review in product.reviews
        )
    return f'<section id="reviews">\n<h2>{text(labels["reviews"])}</h2>\n{inside}\n</section>'


def _related(catalogue: Catalogue, product: Product) -> str:
    """Six neighbours with prices of their own: what a selector that is too broad picks up."""
    siblings = catalogue.of(product.category)
    place = siblings.index(product)
    neighbours = (siblings[place + 1 :] + siblings[:place])[:6]
    language = product.category.language
    cards = []
    for sibling in neighbours:
        price = price_html(sibling.price, sibling.regular_price, sibling.currency, language)
        link = f'<a href="{sibling.path}">{text(sibling.name)}</a>'
        cards.append(f'<li><article class="related-card">{link}\n<p class="price">{price}</p></article></li>')
    title, lines = text(LABELS[language]["related"]), "\n".join(cards)
    return f'<aside class="related"><h2>{title}</h2>\n<ul class="cards">\n{lines}\n</ul></aside>'


_SERVICE: Final = """<section class="tab service">
<h2>Shipping &amp; returns</h2>
<details><summary>Shipping</summary>
<table class="rates">
<tr><th>Country</th><th>Standard</th><th>Express</th></tr>
<tr><td>Germany, Austria</td><td class="price">&#8364;4.90</td><td class="price">&#8364;12.90</td></tr>
<tr><td>Rest of the EU</td><td class="price">&#8364;9.90</td><td class="price">&#8364;24.90</td></tr>
<tr><td>United Kingdom</td><td class="price">&#163;9.50</td><td class="price">&#163;22.00</td></tr>
<tr><td>Israel</td><td class="price">39.00 &#8362;</td><td class="price">89.00 &#8362;</td></tr>
<tr><td>Everywhere else</td><td class="price">$24.00</td><td class="price">$59.00</td></tr>
</table>
<p>Orders placed before noon leave the same day. Furniture comes by truck: two people, up to the room of your choice,
and they take the packaging back with them. A tracking number follows by e-mail.</p></details>
<details><summary>Returns</summary>
<p>Send back whatever does not suit you within 30 days, unused and in its box. We pay the postage for parcels up to
20 kg; for anything heavier please call first, so that we can send the truck. The refund takes three working days from
the moment the parcel reaches our warehouse.</p>
<ol><li>Open your account and choose &#8220;return&#8221;.</li>
<li>Print the label, or show the code at the counter.</li>
<li>Hand in the parcel; keep the receipt until the refund has arrived.</li></ol></details>
<details><summary>Warranty</summary>
<p>Two years by law, five years on frames and fittings. Spare parts are kept for ten years after the last sale of a
product. Please quote the SKU and the date of your order when you write to us; a photograph of the fault saves a
question. Wear of surfaces is no fault: it is what makes a thing yours.</p></details>
</section>"""
