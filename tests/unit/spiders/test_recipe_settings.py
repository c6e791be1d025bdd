"""What the spider of a recipe sets for its crawl."""

from __future__ import annotations

import pytest
from scrapy.crawler import Crawler
from scrapy.utils.misc import is_generator_with_return_value

from crawler.recipe.loader import load_recipe_text
from crawler.spiders.loader import spider_of
from crawler.spiders.recipe import RecipeSpider

RECIPE = """
schema_version: 1
name: chairs
version: "1.0.0"
start: [{urls: "http://a.example/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1}}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""


@pytest.mark.parametrize("callback", [RecipeSpider.parse, RecipeSpider.lost])
def test_scrapy_need_not_look_into_callbacks_for_each_page_for_none_returns_a_value(callback):
    crawler = Crawler(spider_of(load_recipe_text(RECIPE)))
    crawler._create_spider()
    assert not crawler.settings.getbool("WARN_ON_GENERATOR_RETURN_VALUE")
    assert not is_generator_with_return_value(callback)
