"""Text of elements, and what modifiers of a rule leave of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, row

PAGE = "<!doctype html><div>a <b>x</b>c<div>d<div>e</div></div><script>s</script></div>"


@pytest.mark.parametrize("also", ["", "\ny: {xpath: //div}"])
@pytest.mark.parametrize("page", [PAGE, PAGE + "<svg><title><p>q</p></title></svg>"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{css: div, remove: b}", "a c\nd\ne"),
        ('{css: div, remove: [b, "> div"]}', "a c"),
        ("{css: div, remove: div}", "a xc"),
        ('{css: "body > div ::text", remove: [b, script], all: true, process: [{join: "|"}]}', "a|c|d|e"),
        ('{css: "body > div ::text", remove: "*", all: true, process: [{join: "|"}]}', "a|c"),
    ],
)
def test_what_remove_names_is_left_out_of_every_kind_of_text(rule, expected, page, also):
    recipe = item_recipe(f"x: {rule}{also}")
    assert row(recipe, page)["x"] == expected


def test_the_page_is_whole_for_the_rules_after_one_that_removes():
    recipe = item_recipe('x: {css: div, remove: ["*"]}\ny: div b\nz: {css: "div div", as: count}')
    assert row(recipe, PAGE) == {"x": "a c", "y": "x", "z": "2"}
