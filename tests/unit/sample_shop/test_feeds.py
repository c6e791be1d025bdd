import gzip
import json
from urllib.parse import parse_qsl, urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

import pytest

from crawler.sample_shop import feeds
from crawler.sample_shop.catalogue import build_catalogue

SITE = "http://shop.test"
CATALOGUE = build_catalogue(products=60)
SKUS = [product.sku for product in CATALOGUE.products]
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def api(**parameters):
    return json.loads(feeds.api_products(CATALOGUE, SITE, parameters).body)


def locations(body):
    return [element.text for element in ET.fromstring(body).iter(LOC)]


def robots(delay=None):
    parser = RobotFileParser()
    parser.parse(feeds.robots_txt(SITE, delay).body.decode().splitlines())
    return parser


def test_robots_may_go_everywhere_but_to_the_private_pages():
    assert robots().can_fetch("x", f"{SITE}/p/a.html")
    assert not robots().can_fetch("x", f"{SITE}/private/prototype.html")
    assert robots().site_maps() == [f"{SITE}/sitemap.xml"]


def test_a_crawl_delay_is_named_only_if_there_is_one():
    assert robots().crawl_delay("x") is None
    assert robots(2).crawl_delay("x") == 2


def test_the_sitemap_index_leads_to_every_product_and_category():
    assert locations(feeds.sitemap_index(SITE).body) == [
        f"{SITE}/sitemap-categories.xml",
        f"{SITE}/sitemap-products.xml.gz",
    ]
    products = locations(gzip.decompress(feeds.sitemap_products(CATALOGUE, SITE).body))
    assert products == [SITE + product.path for product in CATALOGUE.products]
    assert SITE + "/c/furniture/chairs/" in locations(feeds.sitemap_categories(CATALOGUE, SITE).body)


def test_the_feed_and_the_stock_list_name_every_product():
    feed = ET.fromstring(feeds.product_feed(CATALOGUE, SITE).body)
    assert [item.findtext("{http://base.google.com/ns/1.0}id") for item in feed.iter("item")] == SKUS
    lines = feeds.stock_list(CATALOGUE).body.decode().splitlines()
    assert [line.partition(";")[0] for line in lines] == SKUS


def test_pages_go_on_while_has_next_says_so():
    found, page = [], 1
    while True:
        answer = api(page=str(page), size="25")
        found += [item["sku"] for item in answer["items"]]
        if not answer["has_next"]:
            break
        page += 1
    assert found == SKUS
    assert page == 3


def test_the_link_to_the_next_page_is_relative_and_keeps_the_other_parameters():
    link = api(size="25", category="chairs", page="1")["links"]["next"]
    assert link is None
    link = urlsplit(api(size="25", page="1")["links"]["next"])
    assert (link.netloc, parse_qsl(link.query)) == ("", [("page", "2"), ("size", "25")])


def test_a_list_that_fills_its_last_page_ends_there():
    assert [api(page=str(page), size="30")["has_next"] for page in (1, 2)] == [True, False]
    assert json.loads(feeds.api_cursor(CATALOGUE, SITE, {"size": "60"}).body)["next_cursor"] is None


def test_offsets_say_the_total():
    answer = api(offset="50", limit="20")
    assert answer["total"] == 60
    assert [item["sku"] for item in answer["items"]] == SKUS[50:]


def test_cursors_go_on_until_they_are_null():
    found, cursor = [], ""
    while cursor is not None:
        answer = json.loads(feeds.api_cursor(CATALOGUE, SITE, {"size": "17", "cursor": cursor}).body)
        found += [item["sku"] for item in answer["data"]]
        cursor = answer["next_cursor"]
    assert found == SKUS


@pytest.mark.parametrize(
    "cursor", ["", "x", "€", "bm90IGpzb24=", "e30=", "W10=", "eyJhdCI6IC0xfQ==", "eyJhdCI6ICJ4In0="]
)
def test_a_cursor_that_is_none_of_ours_starts_anew(cursor):
    answer = json.loads(feeds.api_cursor(CATALOGUE, SITE, {"cursor": cursor}).body)
    assert answer["data"][0]["sku"] == SKUS[0]


@pytest.mark.parametrize("value", ["", "-1", "x", "²", "9" * 30])
def test_a_page_that_is_no_number_is_the_first(value):
    assert api(page=value)["items"][0]["sku"] == SKUS[0]


def test_a_category_chooses_and_an_unknown_one_is_empty():
    assert {item["categories"][-1] for item in api(category="chairs")["items"]} == {"Chairs"}
    assert api(category="no such")["items"] == []


def test_one_product_has_its_description_as_html():
    product = next(product for product in CATALOGUE.products if product.description and product.variations)
    answer = json.loads(feeds.api_product(product, SITE).body)
    assert answer["description_html"] == product.description_html
    assert len(answer["variants"]) == len(product.variations)
    assert answer["price"]["amount"] == f"{product.price:.2f}"
