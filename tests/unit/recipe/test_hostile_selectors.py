"""Selectors that are meant to hang a crawl: refused at load, given up on a page, or done within two seconds of CPU.

The two seconds are those of the machine on which they were measured; see `test_mutated_pages` for why they are held
against ordinary pages here. What is too slow is told by name, page and seconds.
"""

from __future__ import annotations

import contextlib
import json
import random
import time

import pytest
from hostile_selectors import CSS, JMESPATH, PAGES, REGEXES, XPATH, json_page
from written_pages import CSS as ORDINARY
from written_pages import css_page

from crawler.errors import PageError, RecipeError
from crawler.recipe.loader import load_recipe_text
from tests.unit.recipe.engine import item_recipe, recipe_of, run

#: Seconds that 100 ordinary pages take where a page must not take more than `_MOST_S`. To be measured again when the
#: engine has become faster: otherwise a machine that is slower than that one is not seen to be.
_ORDINARY_S = 0.022
_MOST_S = 2.0

#: A large page in a busy machine takes longer than many small ones tell.
_SLACK = 2.0

SELECTORS = [*(("css", text) for text in CSS), *(("xpath", text) for text in XPATH)]

#: The pages that cost most.
WORST = ("400 deep with 200 siblings each", "400 deep with 200 empty siblings each", "19,900 siblings")


@pytest.fixture(scope="module")
def most_s() -> float:
    """The two seconds, on this machine as it is now."""
    recipe = load_recipe_text(ORDINARY)
    pages = [css_page(random.Random(number)).body for number in range(100)]
    took_s = min(sum(seconds(recipe, body) for body in pages) for _ in range(5))
    return _SLACK * _MOST_S * max(1.0, took_s / _ORDINARY_S)


def recipe_for(language: str, text: str, process: str = "[{limit: 1}]"):
    """A recipe that asks for all that the selector matches; None if it is refused."""
    quoted = "'" + text.replace("'", "''") + "'"
    try:
        return item_recipe(
            f"a: {{{language}: {quoted}, all: true, process: {process}}}", contract={"a": "{type: array}"}
        )
    except RecipeError:
        return None


def seconds(recipe, body: str, **words) -> float:
    begun = time.thread_time()
    with contextlib.suppress(PageError):
        run(recipe, body, **words)
    return time.thread_time() - begun


def too_slow(recipe, pages: dict[str, str], most_s: float, **words) -> list[str]:
    if recipe is None:
        return []
    took_s = {name: seconds(recipe, body, **words) for name, body in pages.items()}
    return [f"{name}: {took:.1f} s" for name, took in took_s.items() if took > most_s]


@pytest.mark.parametrize(("language", "text"), random.Random(3).sample(SELECTORS, 4), ids=str)
def test_a_hostile_selector_takes_no_two_seconds_of_the_worst_pages(most_s, language, text):
    pages = {name: PAGES[name] for name in WORST}
    assert too_slow(recipe_for(language, text), pages, most_s) == []


def test_a_text_that_is_nowhere_is_not_searched_for_again_by_each_element_below(most_s):
    recipe = recipe_for("css", '*:contains("zzz") *:contains("x")')
    pages = {"deep": "<div>" * 120 + "x " * 300_000 + "</div>" * 120}
    assert too_slow(recipe, pages, most_s) == []


@pytest.mark.parametrize("rule", ["css: div, remove: i", "xpath: '//div', remove: [i]"])
def test_what_is_taken_out_of_elements_inside_each_other_does_not_copy_the_page_for_each(most_s, rule):
    recipe = item_recipe(f"a: {{{rule}, all: true, process: [{{limit: 1}}]}}", contract={"a": "{type: array}"})
    assert too_slow(recipe, {name: PAGES[name] for name in WORST}, most_s) == []


@pytest.mark.parametrize("text", ["css: ':scope'", "xpath: '.'", "css: b::text", "css: b", "xpath: './/b'"])
def test_rows_inside_each_other_do_not_read_the_page_once_for_each(most_s, text):
    recipe = recipe_of(f"""
        start: [{{urls: 'https://shop.test/', page: page}}]
        pages:
          page:
            each: div
            item: thing
            fields:
              a: {{{text}}}
        items:
          thing:
            version: 1
            fields:
              a: {{type: string}}
    """)
    assert too_slow(recipe, {name: PAGES[name] for name in WORST}, most_s) == []


@pytest.mark.long
@pytest.mark.parametrize(("language", "text"), SELECTORS, ids=str)
def test_no_hostile_selector_takes_two_seconds_of_a_hostile_page(most_s, language, text):
    assert too_slow(recipe_for(language, text), PAGES, most_s) == []


@pytest.mark.parametrize("text", JMESPATH)
def test_no_jmespath_takes_two_seconds_of_a_megabyte_of_json(most_s, text):
    pages = {"json": json_page()}
    assert too_slow(recipe_for("jmespath", text), pages, most_s, content_type="application/json") == []


@pytest.mark.parametrize("pattern", REGEXES)
def test_no_regex_takes_two_seconds_of_a_megabyte_of_text(most_s, pattern):
    quoted = "'" + pattern + "'"
    recipe = item_recipe(f"a: {{css: p, process: [{{regex: {quoted}}}]}}")
    pages = {"letters": "<p>" + "x" * 1_000_000, "words": "<p>" + "x " * 500_000, "lists": "<p>" + "x," * 500_000}
    assert too_slow(recipe, pages, most_s) == []


def test_there_are_as_many_pages_and_selectors_as_are_spoken_of():
    assert len(PAGES) == 11
    assert len(SELECTORS) + len(JMESPATH) + len(REGEXES) >= 25
    assert len(json.loads(json_page())) > 100
