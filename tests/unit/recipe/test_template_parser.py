"""The grammar of templates, without scopes and steps."""

from decimal import Decimal

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


@pytest.mark.parametrize(
    ("written", "argument"),
    [
        ("'a | b }}'", "a | b }}"),
        ('"a\\n\\"}}"', 'a\n"}}'),
        ("bare word", "bare word"),
        ("3", 3),
        ("-1.50", Decimal("-1.50")),
        ("true", True),
        ("null", None),
        ("[1, 'b', c]", [1, "b", "c"]),
        ("[]", []),
        ("{which: first, free: 0}", {"which": "first", "free": 0}),
        ('{"a b": [x], c: {d: 1}}', {"a b": ["x"], "c": {"d": 1}}),
        ("3rd", "3rd"),
        ("%H:%M", "%H:%M"),
    ],
)
def test_step_arguments_are_written_as_in_yaml(written, argument):
    (expression,) = split_template("{{ inputs.a | step: " + written + " }}")
    assert isinstance(expression, Expression)
    assert expression.steps == (("step", argument),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ }}", "is empty"),
        ("{{ a", "without `}}` behind it"),
        ("a }}", "without `{{` before it"),
        ("{{ a | }}", "a step's name must follow"),
        ("{{ a | 5 }}", "a step's name must follow"),
        ("{{ a b }}", "'b' is not expected"),
        ("{{ a. }}", "' ' is not expected"),
        ("{{ a | b: }}", "'}' is not expected"),
        ("{{ a | b: , }}", "',' is not expected"),
        ("{{ a | b: [1, 2 }}", "'}' is not expected"),
        ("{{ a | b: [1 [2]] }}", "'[' is not expected"),
        ("{{ a | b: {c} }}", "'}' is not expected"),
        ("{{ a | b: {c: 1 d: 2} }}", "':' is not expected"),
        ("{{ a | b: 'x }}", "a quote is not closed"),
        ('{{ a | b: "x }}', "Unterminated string"),
        ('{{ a | b: "\\q" }}', "Invalid \\escape"),
        ("{{ a | b: " + "[" * 9 + "1" + "]" * 9 + " }}", "nested too deep"),
        ("{% if a %}", "paths and steps only"),
    ],
)
def test_what_does_not_parse_says_where(text, message):
    with pytest.raises(TemplateError) as error:
        split_template(text)
    assert message in error.value.args[0]


def test_lists_may_be_nested_eight_deep():
    (expression,) = split_template("{{ a | b: " + "[" * 8 + "]" * 8 + " }}")
    assert expression.steps == (("b", [[[[[[[[]]]]]]]]),)
