"""The page about contracts says what readers of the files need, and what each version has changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.recipe.contract_page import contract_page
from crawler.recipe.contract_registry import compare, contracts_of, read_registry, update

sys.path.insert(0, str(Path(__file__).parent))

from test_contract_registry import recipe


@pytest.fixture
def page(tmp_path):
    """Of a recipe whose item has had two versions."""
    update(tmp_path, compare(recipe(), []))
    now = recipe(
        (
            "    version: 1\n",
            "    version: 2\n    description: What there is\n    checks: [{jmespath: \"name != '|'\"}]\n",
        ),
        ("name: {type: string, required: true}", "name: {type: string, max_length: 9, description: Its name}"),
        ("all: true}}}", "all: true}, size: b}}"),
        (
            "items: {type: string}}\n",
            "items: {type: string}}\n      size: {type: object, properties: {width: {type: decimal, minimum: 0}}}\n",
        ),
    )
    update(tmp_path, compare(now, read_registry(tmp_path)))
    return contract_page(now, contracts_of(now), read_registry(tmp_path))


@pytest.mark.parametrize(
    "line",
    [
        "## thing, version 2",
        "What there is",
        "A row is known by `sku`.",
        "| `sku` | string | yes |  |  |",
        "| `name` | string |  | Its name; characters to 9 |  |",
        "| `tags` | list of string |  |  |  |",
        "| `size.width` | decimal |  | from 0 |  |",
        "* `name != '|'`",
        "`things.csv` (`tags` joined by `|`):",
        "sku,name,tags,size",
        "sku<TAB>name<TAB>tags<TAB>size",
        "| 2 | 1.0.0 | fields.name: may be missing, and was required; fields.size: is new |",
        "| 1 | 1.0.0 | the first that is registered |",
    ],
)
def test_it_says(page, line):
    assert line in page.splitlines()


def test_examples_come_from_the_recipes_own_tests():
    tests = "tests:\n  - {page: p, snapshot: a.html, url: 'https://a.example/', expect: {sku: A-1, tags: {count: 2}}}\n"
    named = recipe(("exports:", f"{tests}exports:"))
    page = contract_page(named, contracts_of(named), [])
    assert "| `sku` | string | yes |  | `A-1` |" in page
    assert "| `tags` | list of string |  |  |  |" in page


def test_items_that_there_were_are_named(tmp_path):
    update(tmp_path, compare(recipe(), []))
    other = recipe(("thing", "stuff"))
    assert "Items that there were: `thing`." in contract_page(other, contracts_of(other), read_registry(tmp_path))
