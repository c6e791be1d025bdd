"""Exports with a profile: everything that does not fit is found when the recipe is loaded."""

from __future__ import annotations

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.profiles import PROFILES

RECIPE = """schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: "https://shop.example/", page: product}]
pages:
  product:
    item: product
    fields: {sku: b, name: h1, price: i, variations: {css: u, all: true}}
items:
  product:
    version: 1
    fields:
      sku: {type: string, required: true}
      name: {type: string, required: true}
      price: {type: decimal}
      variations: {type: array}
exports:
  - {name: a, item: product, format: csv, profile: woocommerce-core@1}
"""


def said(text):
    with pytest.raises(RecipeError) as refused:
        load_recipe_text(text, name="r")
    return [f"{problem.path}: {problem.message}; {problem.hint}" for problem in refused.value.problems]


def test_a_recipe_whose_item_fits_is_loaded_with_the_profile():
    (export,) = load_recipe_text(RECIPE).exports
    assert (export.profile, export.file, export.gzip) == ("woocommerce-core@1", "a.csv", False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "woocommerce-core@1}",
            "woocomerce-core@1}",
            (
                "exports[0].profile: must be plain@1, woocommerce-import-suite/parent@1, "
                "woocommerce-import-suite/variation@1, woocommerce-core@1 or google-merchant@1, not the text "
                "'woocomerce-core@1'; did you mean 'woocommerce-core@1'?"
            ),
        ),
        (
            "format: csv",
            "format: jsonl",
            "exports[0].format: the profile woocommerce-core@1 is written as csv, not as jsonl; write format: csv",
        ),
        (
            "woocommerce-core@1}",
            "woocommerce-import-suite/variation@1}",
            (
                "exports[0].profile: woocommerce-import-suite/variation@1 reads the field 'variants', which the item "
                "'product' does not have; rename 'variations' to 'variants'"
            ),
        ),
        (
            "sku: {type: string, required: true}",
            "sku: {type: string}",
            (
                "items.product.fields.sku: woocommerce-core@1 has no line without 'sku', so it must be required; "
                "add required: true"
            ),
        ),
        (
            "price: {type: decimal}",
            "price: {type: string}",
            (
                "items.product.fields.price: woocommerce-core@1 reads 'price' as decimal, integer or number, not as "
                "string; change its type, or give the field another name"
            ),
        ),
        (
            "profile:",
            'columns: {variations: {join: ","}}, profile:',
            "exports[0].columns: the profile woocommerce-core@1 has columns of its own; delete it",
        ),
        (
            "profile: woocommerce-core@1",
            "compression: zip",
            "exports[0].compression: must be gzip, not the text 'zip'; did you mean 'gzip'?",
        ),
        (
            "format: csv, profile: woocommerce-core@1",
            "format: parquet, compression: gzip",
            "exports[0].compression: Parquet is compressed as it is, with zstd; delete it",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(old, new, message):
    assert old in RECIPE
    assert said(RECIPE.replace(old, new)) == [message]


def test_a_field_that_several_profiles_cannot_read_is_named_once():
    more = "  - {name: b, item: product, format: csv, profile: woocommerce-import-suite/parent@1}\n"
    assert len(said(RECIPE.replace("name: {type: string, required: true}", "name: {type: string}") + more)) == 1


def test_a_compressed_export_is_called_so():
    recipe = load_recipe_text(RECIPE.replace("profile: woocommerce-core@1", "compression: gzip"))
    assert recipe.exports[0].file == "a.csv.gz"


def test_every_profile_is_one_of_a_version():
    assert all(name.rpartition("@")[2].isdigit() for name in PROFILES)
