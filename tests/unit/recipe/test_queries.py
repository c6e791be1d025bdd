"""JMESPath as recipes use it, and the three languages side by side."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.errors import PageError
from crawler.recipe.queries import QueryError, QueryFailed, compile_css, compile_jmespath, compile_xpath


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("items[*].name", {"items": [{"name": "a"}, {"name": "b"}]}, ["a", "b"]),
        ("price > `0.1`", {"price": Decimal("0.2")}, True),
        ("price == `0.1`", {"price": Decimal("0.1")}, True),
        ("sum(prices)", {"prices": [Decimal("0.1"), Decimal("0.2"), 1]}, Decimal("1.3")),
        ("@", "text", "text"),
        ("gone.deeper", {}, None),
    ],
)
def test_an_expression_reads_values_with_exact_numbers(expression, value, result):
    assert compile_jmespath(expression).search(value) == result


def test_a_type_error_names_the_expression_and_is_both_kinds_of_error():
    with pytest.raises(QueryFailed, match=r"length\(a\)") as error:
        compile_jmespath("length(a)").search({"a": 1})
    assert isinstance(error.value, QueryError)
    assert isinstance(error.value, PageError)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("", None),
        ("a[", None),
        (".price", "`css:`"),
        ("h1::text", "`css:`"),
        ("$.a", "begins with a key"),
        ("data-id", "double quotes"),
        ("lenght(a)", "length"),
        ("[" * 30 + "]" * 30, None),
        ("a" * 1001, None),
    ],
)
def test_what_does_not_compile_is_refused_with_the_cure(expression, hint):
    with pytest.raises(QueryError) as error:
        compile_jmespath(expression)
    if hint is not None:
        assert hint in (error.value.hint or "")


def test_brackets_in_strings_are_no_nesting():
    assert compile_jmespath("'" + "[" * 100 + "'").search({}) == "[" * 100


def test_every_query_says_its_language_and_its_text():
    queries = [compile_css("a"), compile_xpath("//a"), compile_jmespath("a")]
    assert [(query.language, query.text) for query in queries] == [("css", "a"), ("xpath", "//a"), ("jmespath", "a")]
    assert compile_jmespath("a") == compile_jmespath("a")
