"""The grammar of templates, without scopes and steps."""

import pytest

from crawler.recipe.template_parser import Expression, TemplateError, split_template
from crawler.recipe.values import MISSING


def test_text_and_expressions_alternate():
    assert split_template("a{{ b.c | d }}e{{f}}") == [
        "a",
        Expression(path=("b", "c"), steps=(("d", MISSING),)),
        "e",
        Expression(path=("f",), steps=()),
    ]


def test_closing_braces_in_quotes_and_maps_do_not_end_an_expression():
    text = "{{ a | b: {c: {d: '}}'}} | e }}!"
    assert split_template(text) == [
        Expression(path=("a",), steps=(("b", {"c": {"d": "}}"}}), ("e", MISSING))),
        "!",
    ]


@pytest.mark.parametrize("text", ['{"a": {"b": 1}}', "{}", "a { b", "100%}"])
def test_other_braces_are_text(text):
    assert split_template(text) == [text]


def test_names_may_be_of_any_script():
    assert split_template("{{ item.שם-מלא }}") == [Expression(path=("item", "שם-מלא"), steps=())]


def test_an_error_shows_the_expression_that_is_wrong():
    with pytest.raises(TemplateError, match=r"in `\{\{ a = b \}\}`"):
        split_template("{{ ok }} {{ a = b }} {{ c }}")


def test_a_long_expression_is_shown_shortened():
    with pytest.raises(TemplateError) as error:
        split_template("{{ " + "a" * 200 + " = }}")
    assert len(error.value.args[0]) < 120
