"""XPath of recipes: checked at load, so that a page can only make it give nothing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.query_error import QueryError
from crawler.recipe.xpath import FUNCTIONS, MAX_XPATH_LENGTH, compile_xpath


@pytest.mark.parametrize(
    "expression",
    [
        "//th[.='UPC']/following-sibling::td[1]",
        "normalize-space(//h1)",
        "//a/@href | //img/@src",
        "count(//a[contains(@class, 'x')]) > 3 and not(//b)",
        "//div[@div and mod]/or",
        "//*[local-name() = 'path']",
        "string(//title)",
        "//li[position() mod 2 = 1]",
        "//comment()",
        "//text()[normalize-space()]",
        "ancestor-or-self::div/..",
        "  //a  ",
    ],
)
def test_xpath_1_is_taken(expression):
    assert compile_xpath(expression).text == expression


@pytest.mark.parametrize(
    "expression", [".//a", "a/b", "..", "@x", "self::*", "count(.//a)", ".//a[b/c]", "a//b | .//c"]
)
def test_a_row_takes_relative_paths(expression):
    assert compile_xpath(expression, row=True).row


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("//a", "write .//"),
        ("/html", "write ./"),
        ("  //a", "write .//"),
        (".//a | //b", "write .//"),
        ("string(//a)", "write .//"),
        (".//a[/b]", "write ./"),
        ("concat('x', //a)", "write .//"),
        ("1 + count(//a)", "write .//"),
        ("not(//a) and //b", "write .//"),
    ],
)
def test_a_path_that_leaves_the_row_is_refused(expression, hint):
    with pytest.raises(QueryError, match="leaves the row") as error:
        compile_xpath(expression, row=True)
    assert error.value.hint == hint
    compile_xpath(expression)


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("", "empty", None),
        ("//a[", "does not compile", None),
        ("//a)", "does not compile", None),
        ("count()", "count() at character 1 takes 1 arguments, 0 given", None),
        ("//a[contains(.)]", "takes 2 arguments, 1 given", None),
        ("//a[substring(., 1, 2, 3)]", "takes 2 to 3 arguments, 4 given", None),
        ("//a[concat(.)]", "takes 2 or more arguments, 1 given", None),
        ("//a[contains(concat(a, ',', b), 'x', y)]", "contains() at character 5", None),
        ("count(1)", "Invalid type", None),
        ("$x", "no variables", None),
        ("re:test(., 'x')", "no such namespace", "declare the prefix"),
        ("//svg:path", "no such namespace", "declare the prefix"),
        ("document('file:///etc/passwd')", "document()", "there are"),
        ("id('x')", "id()", "@id"),
        ("ends-with(@a, 'b')", "ends-with()", "css"),
        ("matches(., 'x')", "matches()", "regex"),
        ("string-join(//a, ',')", "string-join()", "join"),
        ("//a[has-class('x')]", "has-class()", "css"),
        ("a#b", "'#' at character 2", None),
        ("'unclosed", "at character 1", None),
        ("//a\x01", "control character", None),
        (".x", "does not compile", "`css:`"),
        ("#x", "'#'", None),
        ("(" * 25 + "1" + ")" * 25, "brackets", None),
        ("a" * (MAX_XPATH_LENGTH + 1), "1001 characters", None),
    ],
)
def test_what_a_recipe_may_not_use_is_refused_with_the_cure(expression, message, hint):
    with pytest.raises(QueryError) as error:
        compile_xpath(expression)
    assert message in error.value.args[0]
    if hint is not None:
        assert error.value.hint is not None
        assert hint in error.value.hint


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_allowed_function_exists_in_libxml2(function):
    for arguments in ("", "//a", "'a'", "'a', 'b'", "'a', 1", "'a', 'b', 'c'"):
        with contextlib.suppress(QueryError):
            compile_xpath(f"//a[{function}({arguments})]")
            compile_xpath(f"//head[{function}({arguments})]")  # is there on the page it is tried on
            return
    pytest.fail(f"{function} takes none of the arguments tried")


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("//a/b[1]/@c", ("//a/b[1]", "//a")),
        ("//div//a[x/y]/z", ("//div//a[x/y]", "//div")),
        (".//a/b", (".//a",)),
        ("count(//a/b)", ()),
        ("//a/b | //c", ()),
    ],
)
def test_a_path_knows_its_prefixes(expression, steps):
    assert compile_xpath(expression).steps == steps


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text):
    for row in (False, True):
        with contextlib.suppress(QueryError):
            compile_xpath(text, row=row)


@given(
    st.lists(
        st.sampled_from(
            ["//", "/", "a", "[", "]", "(", ")", "@", "'x'", "1", "|", "and", "::", "..", "*", "count", ","]
        )
    )
)
def test_any_mixture_of_tokens_compiles_or_is_refused(tokens):
    with contextlib.suppress(QueryError):
        compile_xpath(" ".join(tokens))


def test_queries_compare_by_text():
    assert compile_xpath("//a") == compile_xpath("//a")
    assert compile_xpath("//a").language == "xpath"
