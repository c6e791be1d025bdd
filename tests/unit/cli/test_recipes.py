"""Recipes are found by name or by path, and a wrong name is answered with the right one."""

import pytest

from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.cli.recipes import RecipeName, chosen_paths, load, recipe_path, recipe_paths

RECIPE = """\
schema_version: 1
name: chairs
version: "1.0.0"
start: [{urls: "https://x.example/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1}}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "chairs.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "_parent.yaml").write_text("", encoding="utf-8")
    monkeypatch.setenv("RECIPES_PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_recipe_is_found_by_name_or_by_path(recipes):
    assert recipe_path("chairs").read_text() == RECIPE
    assert recipe_path(str(recipes / "chairs.yaml")).read_text() == RECIPE
    assert load("chairs").name == "chairs"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chiars", "did you mean 'chairs'?"),
        ("sofas", "there are chairs"),
        ("none.yaml", "there is no such file"),
        ("recipes/", "this is a folder"),
    ],
)
def test_an_unknown_recipe_is_refused_with_what_there_is(recipes, name, words):
    with pytest.raises(CommandFailed) as caught:
        recipe_path(name)
    assert words in caught.value.message


def test_a_broken_recipe_is_refused_with_every_problem(recipes):
    (recipes / "chairs.yaml").write_text(RECIPE.replace("pages", "pagse").replace("items", "itmes"), encoding="utf-8")
    with pytest.raises(RecipeRefused) as caught:
        load("chairs")
    assert len(caught.value.problems) >= 2


def test_of_two_folders_the_first_wins(recipes, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("chairs", "sofas"):
        (other / f"{name}.yaml").write_text(RECIPE, encoding="utf-8")
    monkeypatch.setenv("RECIPES_PATH", f"{recipes}:{other}")
    assert [str(path) for path in recipe_paths()] == ["recipes/chairs.yaml", "other/sofas.yaml"]


def test_all_recipes_are_meant_where_none_is_named_but_parents(recipes):
    assert [path.name for path in chosen_paths(())] == ["chairs.yaml"]
    (recipes / "chairs.yaml").unlink()
    with pytest.raises(CommandFailed, match="crawlery recipe new"):
        chosen_paths(())


def test_shells_complete_names_of_recipes(recipes):
    assert [item.value for item in RecipeName().shell_complete(None, None, "ch")] == ["chairs"]
    assert [item.type for item in RecipeName().shell_complete(None, None, "./ch")] == ["file"]
