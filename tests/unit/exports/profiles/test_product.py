"""What a row says of a product: prices, kinds, SKUs of variations."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.exports.profiles.options import MOST_OPTIONS
from crawler.exports.profiles.product import NewNames, product_of


def offer(**fields):
    return product_of({"sku": "A", "name": "a", **fields}).offer


@pytest.mark.parametrize(
    ("price", "regular", "columns"),
    [
        (Decimal("42.00"), Decimal("45.00"), ("45.00", "42.00")),
        (Decimal(45), None, ("45", None)),
        (Decimal(45), Decimal(45), ("45", None)),
        (Decimal(45), Decimal(40), ("45", None)),  # what it costs now is more than what is struck out: no sale
        (None, Decimal(45), ("45", None)),
        (None, None, (None, None)),
        (Decimal(0), Decimal(45), ("45", "0")),
        (42.5, 45, ("45", "42.5")),
        ("42.00", "45.00", ("45.00", "42.00")),
        ("from 42", None, (None, None)),
    ],
)
def test_the_lower_of_two_prices_is_the_sale(price, regular, columns):
    found = offer(price=price, regular_price=regular)
    assert tuple(None if one is None else str(one) for one in (found.regular_price, found.sale_price)) == columns


def test_a_variation_without_a_price_costs_what_its_product_costs_and_one_with_a_price_has_its_own_sale():
    product = product_of(
        {
            "sku": "A",
            "name": "a",
            "price": Decimal(42),
            "regular_price": Decimal(45),
            "variants": [{"attributes": {"x": "1"}}, {"attributes": {"x": "2"}, "price": Decimal(43)}],
        }
    )
    prices = [(one.regular_price, one.sale_price) for one in product.variations]
    assert prices == [(Decimal(45), Decimal(42)), (Decimal(43), None)]


def test_a_sku_that_is_made_is_none_that_the_page_gives_to_a_later_variation():
    members = [{"attributes": {"size": "M"}}, {"sku": "S-m", "attributes": {"size": "Slim"}}]
    product = product_of({"sku": "S", "name": "a", "variants": members})
    assert [one.sku for one in product.variations] == ["S-m-2", "S-m"]


def test_a_variation_without_a_sku_or_with_one_that_is_taken_gets_a_new_one():
    members = [
        {"sku": sku, "attributes": {"x": value}} for sku, value in (("", "Red"), ("A", "Red"), ("B", "1"), ("B", ""))
    ]
    product = product_of({"sku": "A", "name": "a", "variants": members})
    assert [one.sku for one in product.variations] == ["A-red", "A-red-2", "B", "A-2"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "simple"),
        ({"type": "Variable"}, "variable"),
        ({"type": "simple", "variants": [{"sku": "B"}]}, "variable"),
        ({"grouped": ["B"]}, "grouped"),
        ({"external_url": "https://a.example/"}, "external"),
        ({"type": "affiliate"}, "external"),
        ({"type": "booking"}, "simple"),
    ],
)
def test_the_kind_is_what_the_row_says_or_shows(fields, kind):
    assert product_of({"sku": "A", "name": "a", **fields}).kind == kind


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("https://schema.org/InStock", "InStock"),
        ("in stock", "InStock"),
        ("SoldOut", "OutOfStock"),
        ("on-backorder", "BackOrder"),
        ("pre_order", "PreOrder"),
        ("ask us", None),
        (None, None),
    ],
)
def test_words_for_availability_are_understood(said, word):
    assert offer(availability=said).availability == word


def test_a_number_in_stock_tells_what_nothing_else_does():
    assert offer(stock=0).availability == "OutOfStock"
    assert offer(stock=3).availability == "InStock"
    assert offer(stock=3, availability="PreOrder").availability == "PreOrder"


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://a.example/p/Oak-Chair/", "oak-chair"),
        ("https://a.example/p/%D7%9B%D7%99%D7%A1%D7%90.html?x=1", "כיסא"),
        ("https://a.example/p/v1.5/", "v1-5"),
        ("https://a.example/", "a-name"),
        ("", "a-name"),
    ],
)
def test_the_slug_is_the_last_part_of_the_address_or_the_name(url, slug):
    assert product_of({"sku": "A", "name": "A name", "url": url}).slug == slug


def test_names_are_given_out_once():
    names = NewNames("a")
    assert [names.new(text) for text in ("a", "a", "a-2", "b")] == ["a-2", "a-3", "a-2-2", "b"]


def test_a_product_has_a_limited_number_of_options_however_many_its_variations_name():
    different = [{"attributes": {f"option {number}": "x"}} for number in range(500)]
    product = product_of({"sku": "A", "name": "a", "variants": different})
    assert len(product.options) == MOST_OPTIONS
    assert {len(one.chosen) for one in product.variations} == {MOST_OPTIONS}
    assert len({one.sku for one in product.variations}) == 500
