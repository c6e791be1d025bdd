"""The file of WooCommerce's own importer: types, commas, options that are shared."""

from __future__ import annotations

from crawler.exports.profiles.core import columns, lines

ROW = {
    "sku": "A",
    "name": "Shirt",
    "category": ["Clothes, shoes > Shirts", "Sale"],
    "images": ["https://cdn.example/a,b.jpg", "https://cdn.example/c.jpg"],
    "virtual": True,
    "attributes": [{"name": "pa_colour", "values": ["Red, dark", "Blue"]}, {"name": "Wood", "value": "Oak"}],
    "variants": [{"sku": "A-1", "attributes": {"pa_colour": ""}, "availability": "BackOrder", "stock": 0}],
}


def test_options_have_numbered_columns():
    assert columns(["0001", "0002"])[-5:] == (
        "Attribute 2 name",
        "Attribute 2 value(s)",
        "Attribute 2 visible",
        "Attribute 2 global",
        "Attribute 2 default",
    )


def test_commas_inside_of_values_are_told_from_those_between_them():
    product, _ = lines(ROW, raw=False)
    assert product["Categories"] == "Clothes\\, shoes > Shirts, Sale"
    assert product["Images"] == "https://cdn.example/a%2Cb.jpg, https://cdn.example/c.jpg"
    assert product["Attribute 1 value(s)"] == "Red\\, dark, Blue"


def test_an_option_of_the_shop_is_global_and_loses_its_prefix():
    product, variation = lines(ROW, raw=False)
    assert (product["Attribute 1 name"], product["Attribute 1 global"]) == ("colour", "1")
    assert (product["Attribute 2 name"], product["Attribute 2 global"]) == ("Wood", "0")
    assert (variation["Attribute 1 name"], variation["Attribute 1 value(s)"]) == ("colour", "")
    assert "Attribute 2 name" not in variation


def test_a_variation_names_its_parent_and_inherits_that_it_is_virtual():
    product, variation = lines(ROW, raw=False)
    assert (product["Type"], variation["Type"]) == ("variable, virtual", "variation, virtual")
    assert (variation["Parent"], variation["Tax class"]) == ("A", "parent")
    assert (variation["In stock?"], variation["Backorders allowed?"], variation["Stock"]) == ("backorder", "1", "0")
