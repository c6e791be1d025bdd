"""What the shop says to machines: robots.txt, sitemaps, an XML feed, and a JSON API with three kinds of paging."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from crawler.sample_shop.layout import Rendered, plain_json
from crawler.sample_shop.pages import page_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crawler.sample_shop.model import Catalogue, Category, Product

_DEFAULT_SIZE: Final = 50
_MAX_SIZE: Final = 100


def robots_txt(site: str, crawl_delay_s: float | None) -> Rendered:
    """Robots rules: /private/ is closed, the sitemap is named; a Crawl-delay only if one is given."""
    delay = "" if crawl_delay_s is None else f"Crawl-delay: {crawl_delay_s:g}\n"
    body = f"# welcome\nUser-agent: *\n{delay}Disallow: /private/\nDisallow: /basket\n\nSitemap: {site}/sitemap.xml\n"
    return Rendered(body=body.encode(), content_type="text/plain; charset=utf-8")


def sitemap_index(site: str) -> Rendered:
    """The sitemap: an index of a plain child and a compressed one."""
    children = "".join(
        f"<sitemap><loc>{site}/{name}</loc></sitemap>\n"
        for name in ("sitemap-categories.xml", "sitemap-products.xml.gz")
    )
    return _xml(f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{children}</sitemapindex>')


def sitemap_categories(catalogue: Catalogue, site: str) -> Rendered:
    """The first list page of each category."""
    return _urlset(f"<url><loc>{site}{page_path(category, 1)}</loc></url>" for category in catalogue.categories)


def sitemap_products(catalogue: Catalogue, site: str) -> Rendered:
    """Every product page with the day it was listed; gzip as a file, not as a Content-Encoding."""
    plain = _urlset(
        f"<url><loc>{site}{product.path}</loc><lastmod>{product.listed}</lastmod></url>"
        for product in catalogue.products
    )
    return Rendered(body=gzip.compress(plain.body, mtime=0), content_type="application/gzip")


def product_feed(catalogue: Catalogue, site: str) -> Rendered:
    """All products as one XML document with a namespace, as comparison sites take it."""
    entries = "\n".join(
        f"<item><g:id>{escape(product.sku)}</g:id><title>{escape(product.name)}</title>"
        f"<link>{site}{product.path}</link>"
        + ("" if product.price is None else f"<g:price>{product.price} {product.currency}</g:price>")
        + f"<g:availability>{product.availability}</g:availability></item>"
        for product in catalogue.products
    )
    return _xml(
        f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Sample Shop</title>\n'
        f"{entries}\n</channel></rss>"
    )


def stock_list(catalogue: Catalogue) -> Rendered:
    """SKU and stock of every product as plain text, one `SKU;STOCK` a line; no number where it is not known."""
    lines = "".join(
        f"{product.sku};{'' if product.stock is None else product.stock}\n" for product in catalogue.products
    )
    return Rendered(body=lines.encode(), content_type="text/plain; charset=utf-8")


def _urlset(entries: Any) -> Rendered:
    lines = "\n".join(entries)
    return _xml(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>')


def _xml(body: str) -> Rendered:
    return Rendered(body=f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode(), content_type="application/xml")


# --- JSON ------------------------------------------------------------------------------------------------------------


def api_products(catalogue: Catalogue, site: str, parameters: Mapping[str, str]) -> Rendered:
    """`/api/products`: by `page` and `size` (answers `has_next`), or by `offset` and `limit` (answers `total`)."""
    products = _chosen(catalogue, parameters)
    if "offset" in parameters or "limit" in parameters:
        offset, limit = _number(parameters, "offset", 0), _number(parameters, "limit", _DEFAULT_SIZE, most=_MAX_SIZE)
        items = products[offset : offset + limit]
        return plain_json({"total": len(products), "offset": offset, "limit": limit, "items": _items(items, site)})
    page = max(1, _number(parameters, "page", 1))
    size = max(1, _number(parameters, "size", _DEFAULT_SIZE, most=_MAX_SIZE))
    items = products[(page - 1) * size : page * size]
    has_next = page * size < len(products)
    # as the API's authors would write it: relative, and without the parameters that have their default
    following = f"/api/products?page={page + 1}" + "".join(
        f"&{name}={value}" for name, value in parameters.items() if name != "page"
    )
    return plain_json(
        {
            "page": page,
            "has_next": has_next,
            "links": {"next": following if has_next else None},
            "items": _items(items, site),
        }
    )


def api_cursor(catalogue: Catalogue, site: str, parameters: Mapping[str, str]) -> Rendered:
    """`/api/feed`: `next_cursor` is opaque and null on the last page; an unknown cursor starts anew."""
    products = _chosen(catalogue, parameters)
    start = _read_cursor(parameters.get("cursor", ""))
    size = max(1, _number(parameters, "size", _DEFAULT_SIZE, most=_MAX_SIZE))
    end = start + size
    return plain_json(
        {
            "data": _items(products[start:end], site),
            "next_cursor": _cursor(end) if end < len(products) else None,
        }
    )


def api_product(product: Product, site: str) -> Rendered:
    """`/api/products/SKU`: one product with all that the page says, the description as HTML."""
    return plain_json({**_item(product, site), "description_html": product.description_html})


def _chosen(catalogue: Catalogue, parameters: Mapping[str, str]) -> Sequence[Product]:
    slug = parameters.get("category")
    if slug is None:
        return catalogue.products
    known: dict[str, Category] = {category.slug: category for category in catalogue.categories}
    return catalogue.of(known[slug]) if slug in known else ()


def _items(products: Sequence[Product], site: str) -> list[dict[str, Any]]:
    return [_item(product, site) for product in products]


def _item(product: Product, site: str) -> dict[str, Any]:
    """A product as the API gives it. Amounts are text, as in every API that takes money seriously."""
    return {
        "sku": product.sku,
        "name": product.name,
        "url": site + product.path,
        "brand": None if product.brand is None else {"name": product.brand},
        "categories": list(product.trail),
        "price": {"amount": _amount(product.price), "regular": _amount(product.regular_price)},
        "currency": product.currency,
        "stock": {"state": product.availability, "quantity": product.stock},
        "rating": None if product.rating is None else {"value": str(product.rating), "count": len(product.reviews)},
        "images": [{"src": path} for path in product.images],
        "variants": [
            {
                "sku": variation.sku,
                "options": dict(variation.options),
                "price": {"amount": _amount(variation.price), "regular": _amount(variation.regular_price)},
                "stock": {"state": variation.availability, "quantity": variation.stock},
            }
            for variation in product.variations
        ],
    }


def _amount(value: Any) -> str | None:
    return None if value is None else f"{value:.2f}"


def _number(parameters: Mapping[str, str], name: str, default: int, *, most: int = 10**9) -> int:
    """A parameter as a number of at most `most`; the default for anything that is none."""
    value = parameters.get(name, "")
    return min(int(value), most) if value.isascii() and value.isdigit() and len(value) < 10 else default


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"at": position}).encode()).decode()


def _read_cursor(text: str) -> int:
    try:
        position = json.loads(base64.urlsafe_b64decode(text.encode()))["at"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        return 0
    return position if isinstance(position, int) and position >= 0 else 0
