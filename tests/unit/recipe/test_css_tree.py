"""What a parsed selector knows about itself."""

from __future__ import annotations

import pytest

from crawler.recipe.css import compile_css
from crawler.recipe.css_tree import Nth


@pytest.mark.parametrize(
    ("selector", "native"),
    [
        ("div  >p a,  b", "div > p a, b"),
        ("a:not(.x, .y)", "a:not(.x, .y)"),
        ("a:not(.x .y)", None),  # lexbor would look above the scope
        ("a:is(:nth-of-type(2))", None),  # XPath 1.0 cannot count siblings of the same name inside a test
        ("x ::text", "x"),
        ("x ::attr(a)", "x *"),
    ],
)
def test_lexbor_is_given_the_whole_selector_only_where_it_reads_it_as_meant(selector, native):
    assert compile_css(selector).native == native


@pytest.mark.parametrize(
    ("selector", "prefixes"),
    [
        ("a > b.x  c:not(d e)", ("a", "a > b.x", "a > b.x  c:not(d e)")),
        ("a::attr(href)", ("a",)),
        ("a ::text", ("a",)),
    ],
)
def test_prefixes_are_cut_at_combinators(selector, prefixes):
    assert compile_css(selector).parts[0].selector.prefixes == prefixes


@pytest.mark.parametrize(
    ("a", "b", "positions"), [(2, 1, [1, 3, 5]), (0, 3, [3]), (-1, 2, [1, 2]), (3, -1, [2, 5]), (1, 4, [4, 5])]
)
def test_a_formula_holds_for_the_positions_that_css_says(a, b, positions):
    nth = Nth(name="nth-child", a=a, b=b)
    assert [position for position in range(1, 6) if nth.holds(position)] == positions
