from __future__ import annotations

import pytest

from crawler.errors import RecipeError
from crawler.recipe.heading import heading_of


def test_name_and_version_are_read_whatever_else_is_wrong():
    assert heading_of('name: goods\nversion: "1.2.3"\npages: nonsense\n') == ("goods", "1.2.3")


@pytest.mark.parametrize("text", ["a: 1", "name: [x]\nversion: {a: 1}\n"])
def test_what_is_not_there_is_empty(text):
    assert heading_of(text) == ("", "")


@pytest.mark.parametrize("text", ["", "just words", "- a list", "a: [", "a: " + "[" * 50, "x" * 300_000, "\0"])
def test_what_is_no_map_of_yaml_is_refused(text):
    with pytest.raises(RecipeError) as refused:
        heading_of(text)
    assert refused.value.problems
