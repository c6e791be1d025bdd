"""The way in: any file, recipes that load or a word about it."""

import pytest
from old_recipes import HEAD, SELECTORS, of_text

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text


def test_what_the_loader_refuses_is_told_at_the_place_it_comes_from():
    text = HEAD + SELECTORS + "headers:\n  'no header': x\n"
    result = of_text(text)
    assert not result.recipes[0].valid
    told = [finding for finding in result.findings if finding.kind == "decide"]
    assert [(finding.line, finding.column) for finding in told] == [(6, 3)]
    assert "is no header name" in told[0].message


def test_a_file_of_no_known_system_is_refused():
    with pytest.raises(RecipeError, match="not clear which system"):
        of_text("a: 1\n")


def test_the_name_that_is_asked_for_is_the_recipes_and_its_exports():
    [recipe] = of_text(HEAD + SELECTORS, name="other").recipes
    loaded = load_recipe_text(recipe.text)
    assert (loaded.name, loaded.exports[0].name) == ("other", "other")
