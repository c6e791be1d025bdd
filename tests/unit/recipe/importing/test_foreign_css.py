"""Selectors of other systems."""

import pytest

from crawler.recipe.importing.foreign_css import css_problem, last_element, read_text, selector_parts, with_attribute


def test_what_cannot_be_had_here_is_told_with_what_to_write():
    assert css_problem("div > a[href*='x']:not(.y)") is None
    assert css_problem('span:contains("₪")') is None
    message, hint = css_problem("div:eq(2)")
    assert ":eq" in message
    assert "nth-child" in hint
    assert css_problem("Prices") == ("'Prices' is no HTML element", None)
    assert css_problem("> a", row=True) is None


def test_a_comma_list_is_cut_at_its_own_commas_only():
    assert selector_parts("a, b:is(c, d) , e[f='g,h'],") == ["a", "b:is(c, d)", "e[f='g,h']"]


def test_an_attribute_goes_behind_every_part():
    assert with_attribute("a img, .b", "src") == "a img::attr(src), .b::attr(src)"


@pytest.mark.parametrize(
    ("selector", "element"),
    [
        (".a img", "img"),
        ("select[name='a b']", "select"),
        ("a > b:not(c d)", "b"),
        (".x", ""),
        ("ul>li", "li"),
        ("", ""),
    ],
)
def test_the_element_that_is_found_is_the_last_one(selector, element):
    assert last_element(selector) == element


def test_the_text_of_meta_and_images_is_an_attribute():
    assert read_text("h1, meta[property='og:title']") == "h1, meta[property='og:title']::attr(content)"
