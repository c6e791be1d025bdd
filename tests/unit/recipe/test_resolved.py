"""A recipe with its parents in it is one text that means what the files meant."""

from pathlib import Path

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe, load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.resolved import resolved_text
from crawler.recipe.yaml_nodes import plain
from crawler.recipe.yaml_reader import read_yaml

ROOT = Path(__file__).parents[3]
RECIPES = [*sorted((ROOT / "recipes").glob("*.yaml")), *sorted((Path(__file__).parent / "large").glob("*.yaml"))]

PARENT = """schema_version: 1
name: base
version: "2.1.0"
labels: {kind: shop, 'it''s': "a \\"b\\""}
start: [{urls: "https://a.example", page: product}]
pages:
  product:
    item: product
    fields:
      title: {css: "#main h1", process: [strip, {regex: '(\\w+) #'}]}
      price: {css: .price, process: [price]}
      brand: {const: "007"}
items:
  product:
    version: 1
    key: [title]
    fields:
      title: {type: string, required: true}
      price: {type: decimal}
      brand: {type: string}
"""
CHILD = """schema_version: 1
name: child
version: "1.0.0"
description: |
  Two lines,
  and a # in them
extends: base@2
pages:
  product:
    fields:
      price: null
      brand: [.brand, {const: "no: brand, {none}"}]
items:
  product:
    fields:
      price: null
"""


def tree(text):
    report = Report()
    root = read_yaml(text, file="r.yaml", report=report)
    assert not report
    return root


def extracted(recipe):
    page = b'<html><body><div id="main"><h1>STOOL #</h1></div></body></html>'
    asked = PageRequest(url="https://a.example/", page="product")
    result = extract_page(recipe, PageInput(request=asked, url=asked.url, asked_url=asked.url, body=page))
    (row,) = result.rows
    return row.values


@pytest.fixture
def child(tmp_path):
    (tmp_path / "_base.yaml").write_text(PARENT)
    (tmp_path / "child.yaml").write_text(CHILD)
    return load_recipe(tmp_path / "child.yaml")


def test_a_text_without_its_files_makes_the_same_recipe(child):
    alone = load_recipe_text(child.resolved)
    assert "extends" not in child.resolved
    assert (alone.name, alone.version, alone.description) == ("child", "1.0.0", "Two lines,\nand a # in them\n")
    assert alone.labels == {"kind": "shop", "it's": 'a "b"'}
    assert list(alone.items["product"].fields) == list(child.items["product"].fields) == ["title", "brand"]
    assert extracted(alone) == extracted(child) == {"title": "STOOL", "brand": "no: brand, {none}"}
    assert alone.resolved == alone.text


def test_a_recipe_without_a_parent_is_carried_as_it_was_written():
    recipe = load_recipe(ROOT / "recipes" / "shop.yaml")
    assert recipe.resolved == recipe.text


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_value_of_a_tree_is_written_as_it_was_read(path):
    root = tree(path.read_text())
    assert plain(tree(resolved_text(root))) == plain(root)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_what_is_written_is_a_recipe_again(path):
    assert load_recipe_text(resolved_text(tree(path.read_text()))).name == path.stem
