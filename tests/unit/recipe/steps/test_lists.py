"""Steps on lists."""

from decimal import Decimal

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step, run_steps
from crawler.recipe.values import MISSING


def run(name, argument, value):
    return run_steps([build_step(name, argument)], value, base_url="")


@pytest.mark.parametrize(
    ("name", "argument", "value", "result"),
    [
        ("join", "", ["a", "b"], "ab"),
        ("join", ", ", [1, Decimal("2.50"), True], "1, 2.50, true"),
        ("slice", [1], ["a", "b", "c"], ["b", "c"]),
        ("slice", [0, -1], ["a", "b", "c"], ["a", "b"]),
        ("slice", [None, 2], ["a", "b", "c"], ["a", "b"]),
        ("slice", [5], ["a"], MISSING),
        ("slice", 1, ["a", "b"], "b"),
        ("slice", -1, ["a", "b"], "b"),
        ("slice", 2, ["a", "b"], MISSING),
        ("slice", -3, ["a", "b"], MISSING),
        ("limit", 2, ["a", "b", "c"], ["a", "b"]),
        ("limit", 9, ["a"], ["a"]),
        ("unique", MISSING, ["b", "a", "b", "A"], ["b", "a", "A"]),
        ("unique", MISSING, [1, True, "1", Decimal("1.0"), 1], [1, True, "1"]),
        ("unique", MISSING, [{"a": [1]}, {"a": [1]}, {"a": [2]}], [{"a": [1]}, {"a": [2]}]),
        ("unique", MISSING, [[1], [1], [True]], [[1], [True]]),
        ("unique", MISSING, [True, False, True, "true"], [True, False, "true"]),
        ("unique", MISSING, [{"a": None}, {"a": None}, {"a": ""}], [{"a": None}, {"a": ""}]),
        ("unique", MISSING, [1.5, Decimal("1.5"), 2], [1.5, 2]),
    ],
)
def test_a_list_step_works_on_the_whole_list(name, argument, value, result):
    got = run(name, argument, value)
    assert got == result
    if isinstance(result, list):
        assert list(map(type, got)) == list(map(type, result))


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("join", MISSING),
        ("join", 5),
        ("slice", MISSING),
        ("slice", []),
        ("slice", [1, 2, 3]),
        ("slice", ["1"]),
        ("slice", True),
        ("slice", [True]),
        ("slice", "1:3"),
        ("limit", 0),
        ("limit", "3"),
        ("unique", "name"),
    ],
)
def test_a_wrong_argument_is_refused(name, argument):
    with pytest.raises(StepError) as error:
        build_step(name, argument)
    assert error.value.hint


def test_objects_cannot_be_joined():
    with pytest.raises(StepFailed, match="got an object"):
        run("join", ",", [{"a": 1}])
