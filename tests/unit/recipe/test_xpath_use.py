"""Which documents of a page XPath reads on lxml's tree: known before its first rule, so that each has one tree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe

from crawler.recipe.xpath_use import xpath_documents


def documents(fields: str):
    return set(xpath_documents(item_recipe(fields).pages["page"]))


def test_css_alone_needs_none():
    assert documents("a: h1") == set()


def test_xpath_on_the_page_needs_the_page_itself_wherever_it_stands():
    assert documents("a: {xpath: 'name(//h1)'}") == {None}
    assert documents("a: [h1, {xpath: 'name(//h2)'}]") == {None}


def test_xpath_of_the_common_forms_needs_none():
    assert documents("a: [h1, {xpath: '//h2'}]") == set()
