"""Which part of a rule can read a page of some kind."""

from __future__ import annotations

import pytest

from crawler.recipe.readable_rules import readable
from crawler.recipe.rules import source_text
from tests.unit.recipe.engine import item_recipe


def rule_of(conditions: str):
    (condition,) = item_recipe("a: a", page=f"blocked_if: {conditions}").pages["page"].blocked_if
    return condition.rule


@pytest.mark.parametrize(
    ("rule", "tree", "value"),
    [
        ("p", True, False),
        ("{xpath: //p}", True, False),
        ("{meta: robots}", True, False),
        ("{jmespath: x}", False, True),
        ("{response: text}", True, True),
        ("{const: 1}", True, True),
        ("{union: [p, {response: text}]}", True, True),
    ],
)
def test_css_reads_trees_and_jmespath_reads_values(rule, tree, value):
    assert (readable(rule_of(rule), "tree") is not None) is tree
    assert (readable(rule_of(rule), "value") is not None) is value


def test_of_alternatives_those_that_fit_are_left():
    rule = rule_of("{any: [p, {response: status}]}")
    assert [source_text(member) for member in readable(rule, "tree").members] == ["css: p", "response: status"]
    assert [source_text(member) for member in readable(rule, "value").members] == ["response: status"]
    assert readable(rule_of("{any: [p, b]}"), "value") is None
