"""What a page says about itself to machines."""

import json

import pytest

from crawler.recipe.propose_data import (
    itemprop_candidates,
    linked_data,
    looks_like_item,
    meta_candidates,
    microdata,
    told_candidates,
)
from crawler.recipe.propose_dom import see

URL = "https://x.example/p/1.html"
PRODUCT = {"@type": "Product", "name": "Oak", "offers": {"price": "5.00", "priceCurrency": "EUR"}}
CRUMBS = {"@type": "BreadcrumbList"}


def page(body):
    return see(f"<!DOCTYPE html><html><body>{body}</body></html>", url=URL, base_url=URL)


def scripts(*blocks):
    texts = [block if isinstance(block, str) else json.dumps(block) for block in blocks]
    return page("".join(f'<script type="application/ld+json">{text}</script>' for text in texts))


@pytest.mark.parametrize(
    "block",
    [
        PRODUCT,
        {**PRODUCT, "@type": ["Product", "Thing"]},
        [CRUMBS, PRODUCT],
        {"@graph": [CRUMBS, PRODUCT]},
        {"@type": "WebPage", "mainEntity": PRODUCT},
    ],
)
def test_the_product_is_found_wherever_it_is_in_the_block(block):
    found = linked_data(scripts(CRUMBS, block))
    assert found.node["name"] == "Oak"
    assert found.source == {"jsonld": "Product"}
    assert found.node["offers"] == [PRODUCT["offers"]]


def test_a_list_of_products_is_no_page_of_one():
    listed = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": PRODUCT}] * 3}
    assert linked_data(scripts(listed)) is None
    assert not looks_like_item(scripts(listed))


@pytest.mark.parametrize("block", ["{broken", "", "null", "[1, 2]", '{"@type": 5}', '"text"'])
def test_blocks_that_say_nothing_are_passed_over(block):
    assert linked_data(scripts(block)) is None
    assert linked_data(scripts(block, PRODUCT)).type == "Product"


def test_a_product_is_preferred_to_an_article():
    assert linked_data(scripts({"@type": "Article"}, PRODUCT)).type == "Product"


def fields(*nodes):
    return {one.field: one for one in told_candidates([linked_data(scripts(node)) for node in nodes])}


def test_offers_may_have_one_price_or_a_range_whatever_the_samples_have():
    rule = fields(PRODUCT)["price"].rule
    assert rule == {"from": "ld", "jmespath": "offers[0].price || offers[0].lowPrice"}
    specified = {**PRODUCT, "offers": {"priceSpecification": [{"price": 5, "priceCurrency": "EUR"}]}}
    found = fields(specified)
    assert found["price"].rule["jmespath"].endswith(" || offers[0].priceSpecification[0].price")
    assert found["currency"].rule["jmespath"] == "offers[0].priceSpecification[0].priceCurrency"


def test_a_price_that_is_no_plain_number_is_read_by_a_step():
    assert fields({**PRODUCT, "offers": {"price": "1.290,00"}})["price"].rule["process"] == ["price"]


def test_an_availability_that_is_no_word_of_schema_org_is_cut_to_its_last_word():
    offers = {"availability": "http://example.org/InStock"}
    assert "process" in fields({**PRODUCT, "offers": offers})["availability"].rule
    assert (
        "process"
        not in fields({**PRODUCT, "offers": {"availability": "http://schema.org/InStock"}})["availability"].rule
    )


def test_several_images_are_also_proposed_as_a_list():
    found = fields({**PRODUCT, "image": ["/1.jpg", {"@type": "ImageObject", "url": "/2.jpg"}]})
    assert found["image"].rule["jmespath"] == "image[0]"
    assert found["images"].rule == {"from": "ld", "jmespath": "image", "all": True}


def test_without_json_ld_there_are_no_candidates():
    assert list(told_candidates([None, None])) == []


def test_microdata_of_a_type_is_read_like_json_ld():
    parts = '<b itemprop="sku" content="O-1"></b><i itemprop="name">Oak</i>'
    found = microdata(page(f'<div itemscope itemtype="https://schema.org/Product">{parts}</div>'))
    assert (found.name, found.source) == ("md", {"microdata": "Product"})
    rules = {one.field: one.rule for one in told_candidates([found])}
    assert rules == {"name": {"from": "md", "jmespath": "name"}, "sku": {"from": "md", "jmespath": "sku"}}
    assert microdata(page("<i itemprop=name>Oak</i>")) is None


def test_microdata_of_no_type_prefers_the_attribute_for_machines():
    parts = '<b itemprop="price" content="5.00">five</b><i itemprop="name">O</i>'
    found = {one.field: one.rule for one in itemprop_candidates(page(parts))}
    assert found["price"] == {"css": "[itemprop=price]::attr(content)", "process": ["price"]}
    assert found["name"] == "[itemprop=name]"


def test_meta_tags_become_rules_and_empty_ones_do_not():
    body = (
        '<meta property="og:title" content="Oak"><meta property="product:price:amount" content="5,00">'
        '<meta name="description" content=" ">'
    )
    assert {one.field: one.rule for one in meta_candidates(page(body))} == {
        "name": {"meta": "og:title"},
        "price": {"meta": "product:price:amount", "process": ["price"]},
    }


@pytest.mark.parametrize(
    ("body", "item"),
    [
        ('<meta property="og:type" content="product">', True),
        ('<meta property="og:type" content="website">', False),
        ('<div itemscope itemtype="https://schema.org/Product">', True),
        ('<div itemtype="https://schema.org/Product"></div><div itemtype="https://schema.org/Product">', False),
        ("<h1>Oak</h1>", False),
    ],
)
def test_a_page_of_one_item_says_so(body, item):
    assert looks_like_item(page(body)) is item
