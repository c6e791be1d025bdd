"""Which expressions are looked at before they are run, and what is seen in them."""

from __future__ import annotations

import pytest

from crawler.recipe.xpath import compile_xpath
from crawler.recipe.xpath_plan import Call, Constant, Operation, Path


@pytest.mark.parametrize(
    "expression",
    [
        "//h1",
        "//a/@href",
        "/html/body/p[1]",
        "//th[.='x']/td",
        ".//b",
        "'x'",
        "1 + 2",
        "string(//h1)",
        "//a[@href]",
        ".",
    ],
)
def test_what_is_linear_needs_no_look(expression):
    assert compile_xpath(expression).plan is None


@pytest.mark.parametrize(
    "expression",
    [
        "//a//b",
        "//a[.//b]",
        "//a/..",
        "//a[contains(., 'x')]",
        "//a = //b",
        "//a[b = //c]",
        "(//a)[//b]",
        "count(//a//b)",
    ],
)
def test_what_may_not_be_linear_is_looked_at(expression):
    assert compile_xpath(expression).plan is not None


def test_a_plan_has_steps_with_axes_names_and_predicates():
    plan = compile_xpath("//th[. = 'a' and b]/following-sibling::td[1]//*[@x]/../text()").plan
    assert isinstance(plan, Path)
    assert plan.absolute
    assert [(step.axis, step.name) for step in plan.steps] == [
        ("descendant", "th"),
        ("following-sibling", "td"),
        ("descendant", None),
        ("parent", None),
        ("child", None),
    ]
    assert [step.numbered for step in plan.steps] == [False, True, False, False, False]
    assert plan.steps[0].end == len("//th[. = 'a' and b]")
    (condition,) = plan.steps[0].predicates
    assert isinstance(condition, Operation)
    assert condition.compares
    assert [type(operand) for operand in condition.operands] == [Path, Constant, Path]


def test_calls_and_brackets_begin_paths():
    plan = compile_xpath("concat((//a[.//b])[last()]/c, -//d//e)").plan
    assert isinstance(plan, Call)
    first, second = plan.arguments
    assert isinstance(first, Path)
    assert isinstance(first.start, Path)
    assert [step.axis for step in first.steps] == ["self", "child"]
    assert first.steps[0].numbered
    assert isinstance(second, Path)


def test_an_axis_behind_two_slashes_starts_from_every_node():
    plan = compile_xpath("//a//following::b").plan
    assert isinstance(plan, Path)
    assert plan.steps[1].axis == "descendants' following"
