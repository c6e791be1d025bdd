"""Runs every import that `docs/recipes.md` shows: a `text old` block, its `text report` and the `text new` recipe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crawler.recipe.importing.convert import FORMATS, import_recipes

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"
_EXAMPLE = re.compile(
    r"^```text old file=(?P<file>\S+)\n(?P<old>.*?)^```\n```text report\n(?P<report>.*?)^```\n"
    r"(?:```text new\n(?P<new>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = list(_EXAMPLE.finditer(PAGE.read_text(encoding="utf-8")))


def test_the_page_shows_an_import_of_every_format():
    shown = {import_recipes(one["old"].encode(), file=one["file"], stem="x").system for one in EXAMPLES}
    assert shown == set(FORMATS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["file"])
def test_the_report_and_the_recipe_are_the_ones_that_are_shown(example):
    file = example["file"]
    done = import_recipes(example["old"].encode(), file=file, stem=Path(file).stem)
    assert "".join(f"{finding}\n" for finding in done.findings) == example["report"]
    assert all(recipe.valid for recipe in done.recipes)
    if example["new"] is not None:
        assert [recipe.text for recipe in done.recipes] == [example["new"]]
