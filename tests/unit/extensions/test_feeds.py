"""Feeds of recipes: what cannot be written is said before the crawl."""

from __future__ import annotations

import pytest

from crawler.errors import ConfigError
from crawler.extensions.feeds import check_feeds
from crawler.recipe.loader import load_recipe_text
from crawler.spiders.runner import project_settings

RECIPE = """
schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: "https://shop.example/", page: product}]
pages:
  product: {item: product, fields: {sku: b, name: h1}}
items:
  product: {version: 1, fields: {sku: {type: string, required: true}, name: {type: string, required: true}}}
exports:
  - {name: core, item: product, format: csv, profile: woocommerce-core@1}
"""


def test_nothing_is_appended_to_the_file_of_a_profile_whose_columns_are_those_of_its_rows(tmp_path):
    path = tmp_path / "core.csv"
    settings, recipe = project_settings(), load_recipe_text(RECIPE)
    settings.set("FEEDS", {str(path): {"format": "csv"}})
    check_feeds(settings, recipe)
    path.write_text("ID\n")
    with pytest.raises(ConfigError, match="nothing can be appended; -O overwrites it"):
        check_feeds(settings, recipe)
    settings.set("FEEDS", {str(path): {"format": "csv", "overwrite": True}})
    check_feeds(settings, recipe)
