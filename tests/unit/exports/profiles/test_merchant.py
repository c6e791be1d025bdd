"""The product feed for Google: prices with currencies, words for conditions, columns of options."""

from __future__ import annotations

import pytest

from crawler.exports.profiles.merchant import COLUMNS, lines

ROW = {"sku": "A", "name": "Shirt", "url": "https://shop.example/p/", "currency": "EUR", "price": 42}


def one(**fields):
    (line,) = lines({**ROW, **fields}, raw=False)
    assert set(line) <= set(COLUMNS)
    return line


def test_prices_have_a_currency_and_the_sale_is_beside_what_it_costs_else():
    line = one(regular_price=45)
    assert (line["price"], line["sale_price"]) == ("45 EUR", "42 EUR")
    line = one(price=None)
    assert (line["price"], line["sale_price"]) == ("", "")


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("https://schema.org/UsedCondition", "used"),
        ("RefurbishedCondition", "refurbished"),
        (None, "new"),
        ("?", "new"),
    ],
)
def test_a_condition_is_one_of_googles(said, word):
    assert one(condition=said)["condition"] == word


def test_an_identifier_exists_if_there_is_one():
    assert one()["identifier_exists"] == "no"
    assert one(gtin="123")["identifier_exists"] == ""
    assert one(brand="B")["identifier_exists"] == "no"
    assert one(brand="B", mpn="7")["identifier_exists"] == ""


def test_the_text_is_one_line_and_there_always_is_one():
    assert one(description="a\tb\nc")["description"] == "a b c"
    assert one()["description"] == "Shirt"


def test_variations_are_lines_of_one_group_and_their_options_have_columns():
    variants = [{"sku": "A-1", "attributes": {"צבע": "אדום", "Größe": "L"}}, {"sku": "A-2", "attributes": {"צבע": ""}}]
    found = list(lines({**ROW, "variants": variants, "images": ["https://a.example/1.jpg"]}, raw=False))
    assert [(line["id"], line["item_group_id"], line["color"], line["size"]) for line in found] == [
        ("A-1", "A", "אדום", "L"),
        ("A-2", "A", "", ""),
    ]
    assert {line["image_link"] for line in found} == {"https://a.example/1.jpg"}


def test_there_are_at_most_ten_more_images():
    line = one(images=[f"https://a.example/{number},x.jpg" for number in range(20)])
    assert line["additional_image_link"].count(",") == 9
    assert line["image_link"] == "https://a.example/0%2Cx.jpg"


def test_a_grouped_product_has_no_line():
    assert list(lines({**ROW, "grouped": ["B"]}, raw=False)) == []
