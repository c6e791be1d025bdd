"""Recipes against the same selectors written by hand with parsel, in one run: what a page costs, as a part of parsel's.

The code by hand is what an engineer writes who knows his pages: one query a field, `strip`, a regular expression for a
price, `Decimal`, `urljoin`. The values are equal. The recipe does more for them: it decodes, guards, counts ambiguous
matches and alternatives, keeps the contract and identifies rows.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import pytest
from parsel import Selector

sys.path.insert(0, str(Path(__file__).parent))

from shop_pages import SMALL, api_page, list_page, product_page

from crawler.errors import PageError
from crawler.recipe.allocator import tune_allocator
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://shop.example/p"
HEADERS = {"content-type": "text/html; charset=utf-8", "date": "Mon, 02 Mar 2026 10:00:00 GMT"}
JSON_HEADERS = {**HEADERS, "content-type": "application/json"}
ROUNDS = 31
#: Pages of a round are read by one, then by the other, so that noise meets both.
SECONDS_PER_ROUND = 0.04

HEAD = """
schema_version: 1
name: bench
version: "1.0.0"
start: [{urls: "https://shop.example/", page: page}]
pages:
  page:
    item: product
"""

CONTRACT = """
items:
  product:
    version: 1
    key: [sku]
    fields:
      name: {type: string, required: true}
      sku: {type: string, required: true}
      price: {type: decimal, minimum: 0, required: true}
      regular_price: {type: decimal, minimum: 0}
      availability: {type: string}
      brand: {type: string}
      category: {type: array, items: {type: string}}
      description: {type: string, max_length: 10000}
      images: {type: array, items: {type: string, format: uri}}
      rating: {type: decimal, minimum: 0, maximum: 5}
      votes: {type: integer}
      canonical: {type: string, format: uri}
      weight: {type: decimal}
      spec_values: {type: array, items: {type: string}}
      reviewers: {type: array, items: {type: string}}
"""

CSS_RECIPE = (
    HEAD
    + """
    fields:
      name: h1.product_title
      sku: .sku
      price: {css: .summary .price ins .amount, process: [price]}
      regular_price: {css: .summary .price del .amount, process: [price]}
      availability: p.stock
      brand: a.brand
      category: {css: nav.woocommerce-breadcrumb a, all: true}
      description: .woocommerce-product-details__short-description
      images: {css: "figure.gallery img::attr(src)", all: true}
      rating: ".star-rating::attr(title)"
      votes: ".star-rating::attr(data-votes)"
      canonical: "link[rel=canonical]::attr(href)"
      weight: "#specs tr:last-child td"
      spec_values: {css: "#specs td", all: true}
      reviewers: {css: .review .author, all: true}
"""
    + CONTRACT
)

MIXED_RECIPE = (
    HEAD
    + """
    fields:
      name: {xpath: "//h1[@itemprop='name' or contains(@class, 'product_title')]"}
      sku: .sku
      price: {css: .summary .price ins .amount, process: [price]}
      regular_price: {xpath: "//p[@class='price']/del/span", process: [price]}
      availability: p.stock
      brand: {xpath: "//a[@class='brand']/text()"}
      category: {xpath: "//nav[@class='woocommerce-breadcrumb']/a", all: true}
      description: .woocommerce-product-details__short-description
      images: {css: "figure.gallery img::attr(src)", all: true}
      rating: {xpath: "//div[@class='star-rating']/@title"}
      votes: ".star-rating::attr(data-votes)"
      canonical: "link[rel=canonical]::attr(href)"
      weight: {xpath: "//th[.='Weight']/following-sibling::td"}
      spec_values: {css: "#specs td", all: true}
      reviewers: {xpath: "//div[@id='reviews']//strong[@class='author']", all: true}
"""
    + CONTRACT
)

XPATH_RECIPE = (
    HEAD
    + """
    fields:
      name: {xpath: "//h1[contains(@class, 'product_title')]"}
      sku: {xpath: "//span[@class='sku']/text()"}
      price: {xpath: "//p[@class='price']/ins//span[@class='amount']", process: [price]}
      regular_price: {xpath: "//p[@class='price']/del//span[@class='amount']", process: [price]}
      availability: {xpath: "//p[contains(concat(' ', normalize-space(@class), ' '), ' stock ')]"}
      brand: {xpath: "//a[@class='brand']/text()"}
      category: {xpath: "//nav[@class='woocommerce-breadcrumb']/a", all: true}
      description: {xpath: "//div[contains(@class, '__short-description')]"}
      images: {xpath: "//figure[@class='gallery']//img/@src", all: true}
      rating: {xpath: "//div[@class='star-rating']/@title"}
      votes: {xpath: "//div[@class='star-rating']/@data-votes"}
      canonical: {xpath: "//link[@rel='canonical']/@href"}
      weight: {xpath: "//th[.='Weight']/following-sibling::td[1]/text()"}
      spec_values: {xpath: "//div[@id='specs']//td", all: true}
      reviewers: {xpath: "//div[@id='reviews']//strong[@class='author']/text()", all: true}
"""
    + CONTRACT
)

JSON_RECIPE = (
    HEAD
    + """
    parse: json
    each: {jmespath: "items[*]"}
    fields:
      name: {jmespath: title}
      sku: {jmespath: sku}
      price: {jmespath: price.amount}
      url: {jmespath: links.self}
      stock: {jmespath: "stock.count"}
      tags: {jmespath: "tags[*].name"}
items:
  product:
    version: 1
    key: [sku]
    fields:
      name: {type: string, required: true}
      sku: {type: string, required: true}
      price: {type: decimal, minimum: 0, required: true}
      url: {type: string, format: uri}
      stock: {type: integer}
      tags: {type: array, items: {type: string}}
"""
)

LINKS_RECIPE = """
schema_version: 1
name: bench
version: "1.0.0"
start: [{urls: "https://shop.example/", page: page}]
pages:
  page:
    follow: [{links: li.product a.product-link, page: product}]
  product:
    item: product
    fields: {name: h1}
items: {product: {version: 1, fields: {name: {type: string}}}}
"""

ROWS_RECIPE = (
    HEAD
    + """
    each: li.product
    fields:
      name: h2
      url: "a.product-link::attr(href)"
      image: "img.thumb::attr(src)"
      price: {css: .price .amount, process: [price]}
      rating: ".star-rating::attr(title)"
      stock: p.stock
items:
  product:
    version: 1
    key: [url]
    fields:
      name: {type: string, required: true}
      url: {type: string, format: uri, required: true}
      image: {type: string, format: uri}
      price: {type: decimal, minimum: 0, required: true}
      rating: {type: decimal, minimum: 0, maximum: 5}
      stock: {type: integer}
"""
)

_AMOUNT = re.compile(r"[\d,]+(?:\.\d+)?")


def amount(texts: list[str]) -> Decimal | None:
    """The first amount of a price."""
    found = _AMOUNT.search("".join(texts))
    return Decimal(found[0].replace(",", "")) if found else None


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text.strip())


def whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def folded(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def all_folded(texts: list[str]) -> list[str]:
    return [" ".join(text.split()) for text in texts]


def css_by_hand(body: bytes) -> list[dict[str, object]]:
    page = Selector(text=body.decode())
    return [
        {
            "name": folded(page.css("h1.product_title::text").get()),
            "sku": folded(page.css(".sku::text").get()),
            "price": amount(page.css(".summary .price ins .amount ::text").getall()),
            "regular_price": amount(page.css(".summary .price del .amount ::text").getall()),
            "availability": folded(page.css("p.stock::text").get()),
            "brand": folded(page.css("a.brand::text").get()),
            "category": all_folded(page.css("nav.woocommerce-breadcrumb a::text").getall()),
            "description": folded(page.css(".woocommerce-product-details__short-description::text").get()),
            "images": [urljoin(URL, src) for src in page.css("figure.gallery img::attr(src)").getall()],
            "rating": number(page.css(".star-rating::attr(title)").get()),
            "votes": whole(page.css(".star-rating::attr(data-votes)").get()),
            "canonical": urljoin(URL, page.css("link[rel=canonical]::attr(href)").get() or ""),
            "weight": number(page.css("#specs tr:last-child td::text").get()),
            "spec_values": all_folded(page.css("#specs td::text").getall()),
            "reviewers": all_folded(page.css(".review .author::text").getall()),
        }
    ]


def mixed_by_hand(body: bytes) -> list[dict[str, object]]:
    page = Selector(text=body.decode())
    return [
        {
            "name": folded(page.xpath("//h1[@itemprop='name' or contains(@class, 'product_title')]/text()").get()),
            "sku": folded(page.css(".sku::text").get()),
            "price": amount(page.css(".summary .price ins .amount ::text").getall()),
            "regular_price": amount(page.xpath("//p[@class='price']/del/span//text()").getall()),
            "availability": folded(page.css("p.stock::text").get()),
            "brand": folded(page.xpath("//a[@class='brand']/text()").get()),
            "category": all_folded(page.xpath("//nav[@class='woocommerce-breadcrumb']/a/text()").getall()),
            "description": folded(page.css(".woocommerce-product-details__short-description::text").get()),
            "images": [urljoin(URL, src) for src in page.css("figure.gallery img::attr(src)").getall()],
            "rating": number(page.xpath("//div[@class='star-rating']/@title").get()),
            "votes": whole(page.css(".star-rating::attr(data-votes)").get()),
            "canonical": urljoin(URL, page.css("link[rel=canonical]::attr(href)").get() or ""),
            "weight": number(page.xpath("//th[.='Weight']/following-sibling::td/text()").get()),
            "spec_values": all_folded(page.css("#specs td::text").getall()),
            "reviewers": all_folded(page.xpath("//div[@id='reviews']//strong[@class='author']/text()").getall()),
        }
    ]


def xpath_by_hand(body: bytes) -> list[dict[str, object]]:
    page = Selector(text=body.decode())
    in_stock = "//p[contains(concat(' ', normalize-space(@class), ' '), ' stock ')]/text()"
    return [
        {
            "name": folded(page.xpath("//h1[contains(@class, 'product_title')]/text()").get()),
            "sku": folded(page.xpath("//span[@class='sku']/text()").get()),
            "price": amount(page.xpath("//p[@class='price']/ins//span[@class='amount']//text()").getall()),
            "regular_price": amount(page.xpath("//p[@class='price']/del//span[@class='amount']//text()").getall()),
            "availability": folded(page.xpath(in_stock).get()),
            "brand": folded(page.xpath("//a[@class='brand']/text()").get()),
            "category": all_folded(page.xpath("//nav[@class='woocommerce-breadcrumb']/a/text()").getall()),
            "description": folded(page.xpath("//div[contains(@class, '__short-description')]/text()").get()),
            "images": [urljoin(URL, src) for src in page.xpath("//figure[@class='gallery']//img/@src").getall()],
            "rating": number(page.xpath("//div[@class='star-rating']/@title").get()),
            "votes": whole(page.xpath("//div[@class='star-rating']/@data-votes").get()),
            "canonical": urljoin(URL, page.xpath("//link[@rel='canonical']/@href").get() or ""),
            "weight": number(page.xpath("//th[.='Weight']/following-sibling::td[1]/text()").get()),
            "spec_values": all_folded(page.xpath("//div[@id='specs']//td/text()").getall()),
            "reviewers": all_folded(page.xpath("//div[@id='reviews']//strong[@class='author']/text()").getall()),
        }
    ]


def json_by_hand(body: bytes) -> list[dict[str, object]]:
    page = json.loads(body, parse_float=Decimal)
    return [
        {
            "name": item["title"].strip(),
            "sku": item["sku"].strip(),
            "price": Decimal(item["price"]["amount"]),
            "url": urljoin(URL, item["links"]["self"]),
            "stock": int(item["stock"]["count"]),
            "tags": [tag["name"] for tag in item["tags"]],
        }
        for item in page["items"]
    ]


def links_by_hand(body: bytes) -> list[dict[str, object]]:
    links = Selector(text=body.decode()).css("li.product a.product-link::attr(href)").getall()
    return [{"url": urljoin(URL, link)} for link in dict.fromkeys(links)]


def rows_by_hand(body: bytes) -> list[dict[str, object]]:
    page = Selector(text=body.decode())
    return [
        {
            "name": folded(row.css("h2::text").get()),
            "url": urljoin(URL, row.css("a.product-link::attr(href)").get() or ""),
            "image": urljoin(URL, row.css("img.thumb::attr(src)").get() or ""),
            "price": amount(row.css(".price .amount ::text").getall()),
            "rating": number(row.css(".star-rating::attr(title)").get()),
            "stock": whole(row.css("p.stock::text").get()),
        }
        for row in page.css("li.product")
    ]


class Case(NamedTuple):
    """A recipe, the same by hand, pages of about `size_bytes`, and how much of parsel's time it may take."""

    recipe: str
    by_hand: Callable[[bytes], list[dict[str, object]]]
    pages: list[bytes]
    size_bytes: int
    at_most: float


def _case(name: str) -> Case:
    large = [product_page(each) for each in range(20)]
    small = [product_page(each, SMALL) for each in range(20)]
    return {
        "css, 48 KB": lambda: Case(CSS_RECIPE, css_by_hand, large, 48_000, 0.4),
        "css, 7 KB": lambda: Case(CSS_RECIPE, css_by_hand, small, 7_000, 0.4),
        "css and xpath, 48 KB": lambda: Case(MIXED_RECIPE, mixed_by_hand, large, 48_000, 0.5),
        "css and xpath, 7 KB": lambda: Case(MIXED_RECIPE, mixed_by_hand, small, 7_000, 0.6),
        "xpath, 48 KB": lambda: Case(XPATH_RECIPE, xpath_by_hand, large, 48_000, 0.6),
        "xpath, 7 KB": lambda: Case(XPATH_RECIPE, xpath_by_hand, small, 7_000, 0.7),
        "100 rows of JSON": lambda: Case(JSON_RECIPE, json_by_hand, [api_page(each) for each in range(5)], 26_000, 6),
        "20 links": lambda: Case(
            LINKS_RECIPE, links_by_hand, [list_page(each, rows=20) for each in range(5)], 13_000, 0.7
        ),
        "300 links": lambda: Case(LINKS_RECIPE, links_by_hand, [list_page(each) for each in range(5)], 118_000, 0.8),
        "300 rows": lambda: Case(ROWS_RECIPE, rows_by_hand, [list_page(each) for each in range(5)], 110_000, 0.6),
    }[name]()


def by_recipe(recipe_text: str) -> Callable[[bytes], list[dict[str, object]]]:
    """Pages through the whole engine: decode, guard, parse, rules, contract."""
    recipe = load_recipe_text(recipe_text)

    def extract(body: bytes) -> list[dict[str, object]]:
        request = PageRequest(url=URL, page="page")
        headers = JSON_HEADERS if body.startswith(b"{") else HEADERS
        result = extract_page(recipe, PageInput(request=request, url=URL, body=body, headers=headers))
        return [row.values for row in result.rows] or [{"url": request.url} for request in result.requests]

    return extract


def seconds(extract: Callable[[bytes], object], pages: list[bytes]) -> float:
    """CPU seconds for all pages."""
    before = time.process_time()
    for page in pages:
        extract(page)
    return time.process_time() - before


@pytest.mark.bench
@pytest.mark.parametrize(
    "name",
    [
        *("css, 48 KB", "css, 7 KB", "css and xpath, 48 KB", "css and xpath, 7 KB", "xpath, 48 KB", "xpath, 7 KB"),
        *("300 rows", "100 rows of JSON", "20 links", "300 links"),
    ],
)
def test_a_recipe_takes_a_part_of_the_time_of_code_by_hand(name):
    tune_allocator()
    case = _case(name)
    extract = by_recipe(case.recipe)
    size = statistics.mean(map(len, case.pages))
    assert abs(size - case.size_bytes) < 0.15 * case.size_bytes, size
    for page in case.pages:
        assert extract(page) == case.by_hand(page)
    times = max(1, round(SECONDS_PER_ROUND / max(seconds(case.by_hand, case.pages), 1e-6)))
    rounds = []
    for _ in range(ROUNDS):
        hand = seconds(case.by_hand, case.pages * times)
        rounds.append((hand, seconds(extract, case.pages * times)))
    pages = len(case.pages) * times
    hand, ours = (statistics.median(each[side] for each in rounds) / pages * 1e6 for side in (0, 1))
    ratio = statistics.median(each[1] / each[0] for each in rounds)
    print(f"\n{name} ({size / 1000:.1f} KB): by hand {hand:,.0f} us/page, recipe {ours:,.0f}: {ratio:.2f} of that")
    assert ratio <= case.at_most


#: 5 MB each: nested without end, as deep as is allowed again and again, and as large as is allowed with much text.
HEAVY = {
    "nested": b"<div>" * 1_000_000,
    "nested to the limit": (b"<div>" * 500 + b"</div>" * 500) * 900,
    "95,000 elements": (
        b"<div>"
        + b"<b>word</b>" * 19_000
        + b"</div><div>"
        + b"<p><i>word</i></p>" * 19_000
        + b"</div><ul>"
        + b"<li>word" * 19_000
        + b"</ul><ol>"
        + b"<li>word" * 19_000
        + b"</ol>"
        + b"x" * 4_000_000
    ),
}


@pytest.mark.bench
@pytest.mark.parametrize("name", HEAVY)
def test_a_page_of_5_mb_takes_less_than_a_second(name):
    extract = by_recipe(CSS_RECIPE)

    def read_or_refused(body: bytes) -> None:
        with contextlib.suppress(PageError):
            extract(body)

    took_s = min(seconds(read_or_refused, [HEAVY[name]]) for _ in range(3))
    print(f"\n{name} ({len(HEAVY[name]) / 1e6:.1f} MB): {took_s:.2f} s")
    assert took_s < 1
