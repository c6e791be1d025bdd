"""How arguments of steps are read."""

import pytest

from crawler.recipe.steps.definition import (
    StepError,
    choice,
    count_argument,
    flag,
    no_argument,
    options_argument,
    pattern_argument,
    text_argument,
)
from crawler.recipe.values import MISSING


def test_an_unknown_option_names_the_one_that_was_meant():
    with pytest.raises(StepError, match="no option `wich`") as error:
        options_argument({"wich": "first"}, {"which": "", "free": ""})
    assert "which" in error.value.hint
    with pytest.raises(StepError) as error:
        options_argument({5: "first"}, {"which": "", "free": ""})
    assert error.value.hint == "it has `which`, `free`"


@pytest.mark.parametrize("value", [True, "5", 5.0, None, MISSING, 0, -1])
def test_a_count_is_a_whole_number_from_one(value):
    with pytest.raises(StepError) as error:
        count_argument(value, "limit: 10")
    assert error.value.hint == "write `limit: 10`"


@pytest.mark.parametrize("value", [MISSING, None, "", 5, ["a"], {"a": 1}, True])
def test_a_text_is_text_that_is_not_empty(value):
    with pytest.raises(StepError, match="needs a text"):
        text_argument(value, "append: x")


def test_a_pattern_that_does_not_compile_is_shown_with_the_cure():
    with pytest.raises(StepError, match=r"'\(\?=a\)'") as error:
        pattern_argument("(?=a)", "regex: a")
    assert "look-around" in error.value.hint


def test_a_choice_is_one_of_a_few_words():
    assert choice({}, "by", ("a", "b"), "a") == "a"
    assert choice({"by": "b"}, "by", ("a", "b"), "a") == "b"
    for wrong in ("x", None, 5, ["a"]):
        with pytest.raises(StepError, match="must be one of a, b"):
            choice({"by": wrong}, "by", ("a", "b"), "a")


def test_a_flag_is_true_or_false():
    assert flag({"all": True}, "all", default=False) is True
    with pytest.raises(StepError, match="must be true or false"):
        flag({"all": "yes"}, "all", default=False)


def test_a_step_without_argument_says_so():
    no_argument(MISSING)
    with pytest.raises(StepError, match="takes no argument"):
        no_argument(None)
