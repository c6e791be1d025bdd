"""Where a crawl begins: never nowhere, and never by a name that means something else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import InputError, RecipeError
from crawler.recipe.extract import start_requests

sys.path.insert(0, str(Path(__file__).parent))

from engine import recipe_of

RECIPE = """\
inputs: {cats: {type: array, items: {type: string}, required: false}}
start:
  - {urls: "https://shop.test/{{ NAME }}", for_each: {NAME: "{{ inputs.cats }}"}, page: page}
pages: {page: {follow: [{links: a, page: page}]}}
"""


@pytest.mark.parametrize("given", [{}, {"cats": []}])
def test_a_crawl_without_a_page_to_begin_with_is_refused(given):
    recipe = recipe_of(RECIPE.replace("NAME", "cat"))
    with pytest.raises(InputError, match=r"no value for `for_each\.cat`"):
        start_requests(recipe, recipe.inputs.resolve(given))
    assert [request.url for request in start_requests(recipe, {"cats": ["a"]})] == ["https://shop.test/a"]


@pytest.mark.parametrize("name", ["inputs", "carried", "item", "row"])
def test_a_name_of_for_each_hides_no_scope(name):
    with pytest.raises(RecipeError, match=f"'{name}' is the name of a scope"):
        recipe_of(RECIPE.replace("NAME", name))


TWO_LISTS = """\
inputs: {cats: {type: array, items: {type: string}}}
start:
  - {urls: "https://shop.test/{{ x }}/{{ y }}", for_each: {x: "{{ inputs.cats }}", y: "{{ inputs.cats }}"}, page: page}
pages: {page: {follow: [{links: a, page: page}]}}
"""


@pytest.mark.parametrize("cats", [["a"] * 3_000, ["x" * 100_000] * 30])
def test_a_crawl_does_not_begin_with_more_than_can_be_kept(cats):
    with pytest.raises(InputError, match="begins with more than 100,000 requests of 67,108,864 bytes together"):
        start_requests(recipe_of(TWO_LISTS), {"cats": cats})


def test_of_very_many_wrong_addresses_some_are_named():
    with pytest.raises(InputError) as error:
        start_requests(recipe_of(TWO_LISTS.replace("https://shop.test/", "")), {"cats": ["a"] * 3_000})
    assert len(error.value.messages) == 50
