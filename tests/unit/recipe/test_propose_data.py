"""What a page says about itself to machines."""

import json

import pytest

from crawler.recipe.propose_data import (
    linked_candidates,
    linked_data,
    looks_like_item,
    meta_candidates,
    microdata_candidates,
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
    ("block", "path"),
    [
        (PRODUCT, ""),
        ({**PRODUCT, "@type": ["Product", "Thing"]}, ""),
        ([CRUMBS, PRODUCT], '[?"@type" && contains("@type", \'Product\')] | [0]'),
        ({"@graph": [CRUMBS, PRODUCT]}, '"@graph"[?"@type" && contains("@type", \'Product\')] | [0]'),
        ({"@type": "WebPage", "mainEntity": PRODUCT}, "mainEntity"),
    ],
)
def test_the_product_is_found_wherever_it_is_in_the_block(block, path):
    found = linked_data(scripts(block))
    assert found.node["name"] == "Oak"
    assert found.path == path


def test_of_several_blocks_the_right_one_is_selected_by_what_only_it_contains():
    found = linked_data(scripts({"@type": "BreadcrumbList", "name": "Product"}, PRODUCT))
    assert ':contains(\'"@type": "Product"\')' in found.source["css"]
    assert ":contains" not in linked_data(scripts(PRODUCT)).source["css"]


@pytest.mark.parametrize("block", ["{broken", "", "null", "[1, 2]", '{"@type": 5}', '"text"'])
def test_blocks_that_say_nothing_are_passed_over(block):
    assert linked_data(scripts(block)) is None
    assert linked_data(scripts(block, PRODUCT)).type == "Product"


def test_a_product_is_preferred_to_an_article():
    assert linked_data(scripts({"@type": "Article"}, PRODUCT)).type == "Product"


def fields(*nodes):
    return {one.field: one for one in linked_candidates([linked_data(scripts(node)) for node in nodes])}


def test_offers_are_read_alone_and_in_lists_whatever_the_samples_have():
    rule = fields(PRODUCT)["price"].rule
    assert rule == {"from": "ld", "jmespath": "offers.price || offers.lowPrice || offers[0].price"}


def test_a_price_that_is_no_plain_number_is_read_by_a_step():
    assert fields({**PRODUCT, "offers": {"price": "1.290,00"}})["price"].rule["process"] == ["price"]


def test_an_expression_with_alternatives_is_kept_together_below_a_path():
    rule = fields([CRUMBS, PRODUCT])["price"].rule
    assert rule["jmespath"].endswith(" | [0] | (offers.price || offers.lowPrice || offers[0].price)")


def test_several_images_are_also_proposed_as_a_list():
    found = fields({**PRODUCT, "image": ["/1.jpg", "/2.jpg"]})
    assert found["image"].rule["jmespath"] == "image[0]"
    assert found["images"].rule == {"from": "ld", "jmespath": "image", "all": True}


def test_without_json_ld_there_are_no_candidates():
    assert list(linked_candidates([None, None])) == []


def test_microdata_prefers_the_attribute_for_machines():
    parts = '<b itemprop="price" content="5.00">five</b><i itemprop="name">O</i>'
    body = f'<div itemtype="https://schema.org/Product">{parts}</div>'
    found = {one.field: one.rule for one in microdata_candidates(page(body))}
    assert found["price"] == {
        "css": '[itemtype*="schema.org/Product"] [itemprop=price]::attr(content)',
        "process": ["price"],
    }
    assert found["name"] == '[itemtype*="schema.org/Product"] [itemprop=name]'


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
