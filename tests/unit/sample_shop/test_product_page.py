"""The pages are read with parsers of their own, so that truth and markup cannot drift apart unseen."""

import json
from decimal import Decimal
from urllib.parse import urljoin

import pytest
from lxml import html

from crawler.sample_shop.assortment import CATEGORIES
from crawler.sample_shop.catalogue import build_catalogue
from crawler.sample_shop.product_page import BROKEN_JSON_LD_SKU, product_page

SITE = "http://shop.test"
CATALOGUE = build_catalogue()
CODECS = {"utf-8": "utf-8", "header": "cp1255", "meta": "cp1252", "bom": "utf-8-sig"}
STATES = {"in-stock": "InStock", "out-of-stock": "OutOfStock", "on-backorder": "BackOrder", "pre-order": "PreOrder"}


def page_of(product):
    return product_page(CATALOGUE, product, SITE).body.decode(CODECS[product.category.encoding])


def amount(element):
    if element is None:
        return None
    digits = "".join(letter for letter in element.text_content() if letter.isdigit())
    return Decimal(digits) / 100


def prices(element):
    now = element.xpath("./ins/span") or element.xpath("./span[@class='amount']") or [None]
    old = element.xpath("./del/span") or [None]
    return amount(now[0]), amount(old[0])


def stock(element):
    digits = "".join(letter for letter in element.text_content().partition("(")[2] if letter.isdigit())
    return STATES[element.get("class").split()[1]], int(digits) if digits else None


def first(element, path):
    found = element.xpath(path)
    return found[0].text_content().strip() if found else None


def description(tree):
    found = tree.xpath("//div[@class='description']")
    if not found:
        return None
    for line_break in found[0].xpath(".//br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return "\n".join(block.text_content() for block in found[0].xpath(".//p|.//li"))


def variation(row):
    price, regular = prices(row.xpath("td[@class='price']")[0])
    state, count = stock(row.xpath("td[contains(@class, 'availability')]")[0])
    options = [{"name": first(pair, "dt"), "value": first(pair, "dd")} for pair in row.xpath(".//dl/div")]
    return {
        "sku": first(row, "td[@class='sku']"),
        "options": options,
        "price": price,
        "regular_price": regular,
        "availability": state,
        "stock": count,
    }


def row_of(page):
    tree = html.document_fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8"))
    price, regular = prices(tree.xpath("//div[@class='summary']/p[@class='price']")[0])
    state, count = stock(tree.xpath("//div[@class='summary']/p[contains(@class, 'availability')]")[0])
    weight, rating = first(tree, "//tr[@class='spec-weight']/td"), first(tree, "//span[@class='rating-value']")
    images = tree.xpath("//div[@class='gallery']//a/@href")
    url = tree.xpath("//link[@rel='canonical']/@href")[0]
    return {
        "url": url,
        "sku": first(tree, "//p[@class='meta']/span[@class='sku']"),
        "name": first(tree, "//h1"),
        "brand": first(tree, "//tr[@class='spec-brand']/td"),
        "category": " > ".join(link.text_content() for link in tree.xpath("//nav[@class='breadcrumbs']//a")[1:]),
        "description": description(tree),
        "price": price,
        "regular_price": regular,
        "currency": tree.xpath("//meta[@property='product:price:currency']/@content")[0],
        "availability": state,
        "stock": count,
        "rating": Decimal(rating) if rating else None,
        "reviews": len(tree.xpath("//article[@class='review']")),
        "images": [urljoin(url, image) for image in dict.fromkeys(images)] or None,
        "ean": first(tree, "//tr[@class='spec-ean']/td"),
        "weight_kg": Decimal(weight.removesuffix(" kg")) if weight else None,
        "attributes": [
            {"name": first(row, "th"), "value": first(row, "td")} for row in tree.xpath("//tr[@class='spec-attribute']")
        ]
        or None,
        "variations": [variation(row) for row in tree.xpath("//table[@class='variations']//tr[@class='variation']")]
        or None,
    }


@pytest.mark.parametrize("slug", [category.slug for category in CATEGORIES if category.nouns])
def test_what_a_careful_reader_takes_from_the_pages_is_the_truth(slug):
    products = CATALOGUE.of(CATALOGUE.category(slug))
    assert products
    for product in products:
        assert row_of(page_of(product)) == product.truth(SITE)


def test_pages_have_the_weight_of_real_ones():
    sizes = [len(page_of(product).encode()) for product in CATALOGUE.products]
    assert min(sizes) > 7_500
    assert max(sizes) < 25_000


def json_ld(page):
    text = page.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    node = json.loads(text)
    return node["@graph"][1] if "@graph" in node else node


def test_json_ld_says_what_the_page_says():
    for product in CATALOGUE.products:
        if product.sku == BROKEN_JSON_LD_SKU:
            continue
        node = json_ld(page_of(product))
        assert (node["@type"], node["sku"], node["name"]) == ("Product", product.sku, product.name)
        assert node.get("brand", {}).get("name") == product.brand
        offers = node["offers"] if isinstance(node["offers"], list) else [node["offers"]]
        shown = product.variations or (product,)
        assert [offer.get("price") for offer in offers] == [
            None if one.price is None else f"{one.price:.2f}" for one in shown
        ]


def test_one_page_has_json_ld_that_does_not_parse():
    product = CATALOGUE.product(BROKEN_JSON_LD_SKU)
    with pytest.raises(ValueError, match="delimiter"):
        json_ld(page_of(product))


def test_data_for_scripts_calls_the_current_price_regular_where_nothing_is_reduced():
    product = next(
        product for product in CATALOGUE.products if any(one.regular_price is None for one in product.variations)
    )
    tree = html.document_fromstring(page_of(product))
    data = json.loads(tree.xpath("//form/@data-product_variations")[0])
    plain = next(place for place, one in enumerate(product.variations) if one.regular_price is None)
    assert data[plain]["display_regular_price"] == data[plain]["display_price"]


def test_related_goods_show_prices_that_are_not_the_products_own():
    tree = html.document_fromstring(page_of(CATALOGUE.products[0]))
    assert len(tree.xpath("//aside//span[@class='amount']")) >= 6
