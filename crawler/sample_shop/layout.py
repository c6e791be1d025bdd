"""What every page of the shop shares: frame, labels in three languages, money, and the encoding on the wire."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from crawler.sample_shop.model import Availability, Catalogue, Category, Encoding, Language

#: Class of `.availability` on every page, whatever its language.
AVAILABILITY_CLASS: Final[dict[Availability, str]] = {
    "InStock": "in-stock",
    "OutOfStock": "out-of-stock",
    "BackOrder": "on-backorder",
    "PreOrder": "pre-order",
}

LABELS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "InStock": "In stock",
        "OutOfStock": "Out of stock",
        "BackOrder": "On backorder, about 3 weeks",
        "PreOrder": "Pre-order",
        "available": "available",
        "home": "Home",
        "next": "Next",
        "previous": "Previous",
        "from": "From",
        "on request": "Price on request",
        "brand": "Brand",
        "weight": "Weight",
        "add": "Add to basket",
        "description": "Description",
        "specification": "Specification",
        "versions": "All versions",
        "options": "Options",
        "price": "Price",
        "availability": "Availability",
        "reviews": "Reviews",
        "no reviews": "No reviews yet.",
        "related": "You may also like",
        "choose": "Choose an option",
    },
    "fr": {
        "InStock": "En stock",
        "OutOfStock": "Épuisé",
        "BackOrder": "En réapprovisionnement",
        "PreOrder": "Précommande",
        "available": "disponibles",
        "home": "Accueil",
        "next": "Suivant",
        "previous": "Précédent",
        "from": "À partir de",
        "on request": "Prix sur demande",
        "brand": "Marque",
        "weight": "Poids",
        "add": "Ajouter au panier",
        "description": "Description",
        "specification": "Caractéristiques",
        "versions": "Toutes les versions",
        "options": "Options",
        "price": "Prix",
        "availability": "Disponibilité",
        "reviews": "Avis",
        "no reviews": "Pas encore d'avis.",
        "related": "Vous aimerez aussi",
        "choose": "Choisir une option",
    },
    "he": {
        "InStock": "במלאי",
        "OutOfStock": "אזל מהמלאי",
        "BackOrder": "בהזמנה מראש מהספק",
        "PreOrder": "הזמנה מוקדמת",
        "available": "יחידות",
        "home": "דף הבית",
        "next": "הבא",
        "previous": "הקודם",
        "from": "החל מ-",
        "on request": "מחיר לפי בקשה",
        "brand": "הוצאה לאור",
        "weight": "משקל",
        "add": "הוספה לסל",
        "description": "תיאור",
        "specification": "מפרט",
        "versions": "כל הגרסאות",
        "options": "אפשרויות",
        "price": "מחיר",
        "availability": "זמינות",
        "reviews": "ביקורות",
        "no reviews": "אין עדיין ביקורות.",
        "related": "אולי יעניין אותך",
        "choose": "בחר אפשרות",
    },
}

_SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$", "ILS": "₪"}

#: Python's codec, the `charset` of the Content-Type header, the one of `<meta>`.
_CODECS: Final[dict[Encoding, tuple[str, str | None, str | None]]] = {
    "utf-8": ("utf-8", "utf-8", "utf-8"),
    "header": ("cp1255", "windows-1255", None),
    "meta": ("cp1252", None, "iso-8859-1"),
    "bom": ("utf-8-sig", "iso-8859-1", None),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A page as bytes with its Content-Type."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"


def text(value: str) -> str:
    """Escapes text for HTML, also inside attribute values; NBSP as `&nbsp;`."""
    return html.escape(value).replace("\xa0", "&nbsp;")


def money(amount: Decimal, currency: str, language: Language) -> str:
    """An amount as people of that language write it: `€1,299.00`, `1 299,00 €` with NBSP, `1,299.00 ₪`."""
    plain = f"{amount:,.2f}"
    symbol = _SYMBOLS[currency]
    if language == "fr":
        return plain.replace(",", "\xa0").replace(".", ",") + f"\xa0{symbol}"
    return f"{plain} {symbol}" if language == "he" else symbol + plain


def price_html(
    price: Decimal | None, regular: Decimal | None, currency: str, language: Language, *, lowest: bool = False
) -> str:
    """The inside of `.price`: a lone `.amount`, `del` and `ins`, or words where there is no price."""
    if price is None:
        return f'<span class="on-request">{text(LABELS[language]["on request"])}</span>'
    amount = f'<span class="amount">{text(money(price, currency, language))}</span>'
    lead = f'<span class="from">{text(LABELS[language]["from"])}</span> ' if lowest else ""
    if regular is None:
        return lead + amount
    old = f'<span class="amount">{text(money(regular, currency, language))}</span>'
    return f"{lead}<del>{old}</del> <ins>{amount}</ins>"


def availability_html(tag: str, availability: Availability, stock: int | None, language: Language) -> str:
    """An `.availability` element; the class says the state in every language, the text says how many."""
    labels = LABELS[language]
    count = "" if stock is None else f" ({stock} {labels['available']})"
    classes = f"availability {AVAILABILITY_CLASS[availability]}"
    return f'<{tag} class="{classes}">{text(labels[availability] + count)}</{tag}>'


def json_script(kind: str, value: Any, *, identifier: str = "") -> str:
    """A script element with JSON; `<` is escaped, so that no name can end the element. ASCII, for any encoding."""
    name = f' id="{identifier}"' if identifier else ""
    return f'<script type="{kind}"{name}>{json.dumps(value).replace("<", chr(92) + "u003c")}</script>'


def breadcrumbs(catalogue: Catalogue, category: Category, *, product: str | None = None) -> str:
    """The trail from the home page; the last entry is the page itself and no link."""
    trail = [category]
    while trail[0].parent is not None:
        trail.insert(0, catalogue.category(trail[0].parent))
    entries = [("/", LABELS[category.language]["home"]), *((member.path, member.name) for member in trail)]
    last = entries.pop()[1] if product is None else product
    links = "".join(f'<li><a href="{path}">{text(name)}</a></li>\n' for path, name in entries)
    return (
        f'<nav class="breadcrumbs" aria-label="Breadcrumb"><ol>\n{links}'
        f'<li aria-current="page">{text(last)}</li></ol></nav>'
    )


def navigation(categories: Iterable[Category]) -> str:
    """Links to the top categories. The garden is linked by a path that redirects, as old menus do."""
    links = "".join(
        f'<li><a href="{"/garden" if category.slug == "garden" else category.path}">{text(category.name)}</a></li>\n'
        for category in categories
    )
    return f'<nav class="categories" aria-label="Categories"><ul>\n{links}</ul></nav>'


def frame(
    catalogue: Catalogue,
    *,
    title: str,
    main: str,
    head: str = "",
    body_class: str = "",
    language: Language = "en",
    encoding: Encoding = "utf-8",
) -> Rendered:
    """A whole page around `main`, encoded.

    Args:
        catalogue: for the navigation.
        title: plain text.
        main: HTML inside `<main>`.
        head: HTML for `<head>`, after the charset and before the style sheet.
        body_class: classes of `<body>`.
        language: of the labels and of `<html lang>`.
        encoding: how the page says its encoding; characters outside it become numeric references.

    """
    codec, charset, meta = _CODECS[encoding]
    declared = f'<meta charset="{meta}">\n' if meta else ""
    direction = "rtl" if language == "he" else "ltr"
    page = f"""<!DOCTYPE html>
<html lang="{language}" dir="{direction}">
<head>
{declared}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)} | Sample Shop</title>
{head}<link rel="stylesheet" href="/assets/shop.css">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
{json_script("application/json", {"page": body_class, "currency": "EUR", "experiments": []}, identifier="state")}
</head>
<body class="{body_class}">
<header class="site-header">
<a class="logo" href="/">Sample Shop</a>
<form class="search" action="/search" role="search"><input type="search" name="q" aria-label="Search"></form>
<p class="basket"><a href="/basket.html" rel="nofollow">Basket: <span class="price">{text("€0.00")}</span></a></p>
{navigation(catalogue.children(None))}
</header>
<main id="main">
{main}
</main>
{_FOOTER}
</body>
</html>
"""
    content_type = "text/html" + (f"; charset={charset}" if charset else "")
    return Rendered(body=page.encode(codec, "xmlcharrefreplace"), content_type=content_type)


def plain_json(value: Any) -> Rendered:
    """A JSON document in UTF-8."""
    return Rendered(body=json.dumps(value, ensure_ascii=False, default=str).encode(), content_type="application/json")


_FOOTER: Final = """<footer class="site-footer">
<div class="newsletter"><h2>Letters from the workshop</h2>
<form action="/newsletter" method="post"><label>E-mail <input type="email" name="email"></label>
<button type="submit">Subscribe</button></form></div>
<nav aria-label="Service"><ul>
<li><a href="/about.html">About this shop</a></li>
<li><a href="/shipping.html">Shipping &amp; returns</a></li>
<li><a href="/contact.html">Contact</a></li>
<li><a href="/sitemap.xml">Sitemap</a></li>
</ul></nav>
<p>Free shipping above &#8364;50.00. All prices include VAT. &#169; 2026 Sample Shop, a site made for crawlers.</p>
</footer>
<script>
for (const image of document.querySelectorAll("img[data-src]")) image.src = image.dataset.src;
if (!localStorage.getItem("consent")) {
  const note = document.createElement("div");
  note.className = "consent";
  note.textContent = "This shop bakes its own cookies.";
  document.body.append(note);
}
</script>"""
