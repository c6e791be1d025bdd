"""Where `blocked_if` may stand, in which language, and what is wrong with it."""

from __future__ import annotations

import pytest

from crawler.cli.recipe.explain import explanation
from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.rules import source_text
from tests.unit.recipe.engine import HEAD, item_recipe

PAGE = "start: [{urls: 'https://shop.test/', page: p}]\npages:\n  p:\n    follow: [{links: a, page: p}]\n"


def sources(conditions):
    return [source_text(condition.rule) for condition in conditions]


def test_those_of_the_recipe_come_before_those_of_the_page_type():
    recipe = load_recipe_text(f"{HEAD}blocked_if: .a\n{PAGE}    blocked_if: [.b, {{jmespath: error}}]\n")
    assert sources(recipe.blocked_if) == ["css: .a"]
    assert sources(recipe.pages["p"].blocked_if) == ["css: .a", "css: .b", "jmespath: error"]


def test_a_text_is_in_the_language_of_its_page_type():
    recipe = item_recipe("a: a", page="parse: json\nblocked_if: error")
    assert sources(recipe.pages["page"].blocked_if) == ["jmespath: error"]


def test_a_template_may_name_inputs():
    recipe = load_recipe_text(
        f"{HEAD}inputs: {{on: {{type: boolean, default: false}}}}\nblocked_if: '{{{{ inputs.on }}}}'\n{PAGE}"
    )
    assert sources(recipe.blocked_if) == ["template: {{ inputs.on }}"]


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (".a[", "blocked_if: "),
        ("[.a, {css: .b, as: count}]", "blocked_if[1]: a count always holds"),
        ("{from: state, jmespath: x}", "there is no page source 'state'"),
        ("'{{ carried.x }}'", "blocked_if: "),
        ("{csss: .a}", "did you mean 'css'?"),
        ("Blocked", "blocked_if: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(conditions, said):
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(f"{HEAD}blocked_if: {conditions}\n{PAGE}")
    assert said in str(caught.value)
    assert ":4:" in str(caught.value)


def test_explain_says_it_of_each_page_type():
    recipe = load_recipe_text(f"{HEAD}blocked_if: .a\nlimits: {{blocked_in_a_row: 3}}\n{PAGE}    blocked_if: .b\n")
    lines = [line.strip() for line in explanation(recipe)]
    assert [line for line in lines if line.startswith("keeps crawlers out")] == [
        "keeps crawlers out if css: .a",
        "keeps crawlers out if css: .b",
    ]
    assert "pauses after answers that keep it out: 3" in lines
