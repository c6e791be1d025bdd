"""The two files of the Import Suite: flags of options, addresses, categories."""

from __future__ import annotations

from crawler.exports.profiles.suite import parent_columns, parent_lines, variation_columns, variation_lines

ROW = {
    "sku": "A",
    "name": "Shirt",
    "url": "https://shop.example/p/shirt/",
    "images": ["https://cdn.example/a|b.jpg", "https://cdn.example/c.jpg"],
    "category": ["Clothes > Shirts", "Sale"],
    "attributes": [
        {"name": "pa_colour", "values": ["Red", "Blue"], "default": "Red"},
        {"name": "Cut: fit", "value": "L"},
    ],
    "variants": [{"sku": "A-1", "attributes": {"colour": "Red"}, "image": "https://cdn.example/r.jpg"}],
}


def test_the_columns_are_those_that_the_suite_knows():
    assert parent_columns(["Size"])[:3] == ("ID", "post_title", "post_name")
    assert parent_columns(["Size"])[-3:] == ("attribute:Size", "attribute_data:Size", "attribute_default:Size")
    assert variation_columns(["Size"])[:4] == ("ID", "post_type", "post_status", "parent_sku")
    assert variation_columns(["Size"])[-2:] == ("images", "meta:attribute_Size")


def test_an_option_says_its_place_whether_it_is_shown_shared_and_varies():
    (line,) = parent_lines(ROW, raw=False)
    assert line["attribute_data:pa_colour"] == "0|1|1|1"
    assert line["attribute_default:pa_colour"] == "Red"
    assert (line["attribute:Cut fit"], line["attribute_data:Cut fit"]) == ("L", "1|1|0|0")


def test_what_parts_values_is_in_none_of_them():
    (line,) = parent_lines(ROW, raw=False)
    assert line["images"] == "https://cdn.example/a%7Cb.jpg|https://cdn.example/c.jpg"
    assert line["tax:product_cat"] == "Clothes > Shirts|Sale"


def test_a_product_with_variations_has_no_price_of_its_own():
    (line,) = parent_lines({**ROW, "price": 42, "regular_price": 45}, raw=False)
    assert (line["regular_price"], line["sale_price"]) == ("", "")
    (line,) = parent_lines({**ROW, "variants": None, "price": 42, "regular_price": 45}, raw=False)
    assert (line["regular_price"], line["sale_price"]) == ("45", "42")


def test_a_variation_is_a_line_of_its_own():
    (line,) = variation_lines(ROW, raw=False)
    assert line["parent_sku"] == "A"
    assert (line["post_title"], line["post_name"]) == ("Shirt - Red", "shirt-red")
    assert (line["tax_class"], line["images"]) == ("parent", "https://cdn.example/r.jpg")
    assert line["meta:attribute_pa_colour"] == "Red"
