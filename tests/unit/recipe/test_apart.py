"""Recipes of strangers: what they ask for at most is a few seconds of a process that serves nobody else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crawler.recipe.apart import TOO_COSTLY, Checked, check_apart
from crawler.recipe.loader import is_judged, load_recipe_text

SHOP = Path(__file__).parents[3] / "recipes" / "shop.yaml"

RECIPE = """\
schema_version: 1
name: x
version: 1.0.0
allowed_domains: [shop.test]
inputs:
  a: {type: string, required: false}
PATTERNS
start:
  - {urls: "https://shop.test/URL", page: page}
pages: {page: {follow: [{links: a, page: page}]}}
"""


def test_a_recipe_and_its_inputs_are_as_in_this_process():
    text, given = SHOP.read_text(encoding="utf-8"), {"site": "http://127.0.0.1:9"}
    recipe = load_recipe_text(text)
    assert check_apart(text, given) == Checked(
        name="shop", resolved=recipe.resolved, inputs=dict(recipe.inputs.resolve(given))
    )
    assert check_apart(text).wrong == ()


def test_what_is_wrong_is_told_as_in_this_process():
    (message,) = check_apart(SHOP.read_text(encoding="utf-8"), {"site": 1}).wrong_inputs
    assert message.startswith("input site: ")
    assert check_apart("a: [").wrong[0].startswith("<recipe>:")


def patterns(count: int) -> str:
    return "\n".join(
        f"  i{number}: {{type: string, required: false, pattern: '(\\w{{200}}){number}'}}" for number in range(count)
    )


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (RECIPE.replace("PATTERNS", patterns(1_000)), {}),
        (RECIPE.replace("PATTERNS", "").replace("URL", "{{ inputs.a }}" * 5_000), {"a": "x" * 900_000}),
    ],
    ids=["patterns", "templates"],
)
def test_a_recipe_that_asks_for_too_much_is_refused(text, given):
    began = time.monotonic()
    assert check_apart(text, given).wrong == (TOO_COSTLY,)
    assert time.monotonic() - began < 60  # the first one would take minutes, the second one 4 GB


def test_whether_rows_are_judged_is_known_without_compiling():
    text = SHOP.read_text(encoding="utf-8")
    assert is_judged(text) is (load_recipe_text(text).quality is not None)
    assert is_judged("name: x\nquality: {rows: {min: 1}}\n")
    assert not is_judged("name: x\n")
