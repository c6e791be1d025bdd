"""Recipes of the deployment: found by name, read again when they or their parents have changed."""

from __future__ import annotations

import os

import pytest

from control_api.recipe_shelf import RecipeShelf
from crawler.errors import RecipeError

RECIPE = """\
schema_version: 1
name: {name}
version: "{version}"
start:
  - urls: https://shop.example/
    page: one
pages:
  one:
    item: thing
    fields: {{title: h1}}
items:
  thing: {{version: 1, key: [title], fields: {{title: {{type: string, required: true}}}}}}
"""


def write(folder, name, version="1.0.0"):
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(RECIPE.format(name=name, version=version))
    return path


def test_the_first_folder_wins_and_parents_and_hidden_files_are_no_recipes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    write(first, "shop", "2.0.0")
    write(second, "shop", "1.0.0")
    write(second, "other")
    write(second, "_parent")
    write(second, ".hidden")
    shelf = RecipeShelf([first, second, tmp_path / "none"])
    assert shelf.names() == ["other", "shop"]
    assert shelf.get("shop").version == "2.0.0"
    assert shelf.get("_parent") is None
    assert shelf.get("../b/other") is None


def test_a_recipe_is_read_once_and_again_when_a_file_beside_it_changes(tmp_path):
    path = write(tmp_path / "a", "shop")
    shelf = RecipeShelf([path.parent])
    first = shelf.get("shop")
    assert shelf.get("shop") is first
    write(path.parent, "shop", "1.1.0")
    os.utime(path, ns=(1, 1))
    assert shelf.get("shop").version == "1.1.0"
    second = shelf.get("shop")
    write(path.parent, "_parent")
    assert shelf.get("shop") is not second


def test_a_broken_recipe_says_what_is_wrong_every_time(tmp_path):
    path = write(tmp_path / "a", "shop")
    path.write_text("name: shop\n")
    shelf = RecipeShelf([path.parent])
    for _ in range(2):
        with pytest.raises(RecipeError):
            shelf.get("shop")
