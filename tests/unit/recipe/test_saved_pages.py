"""Saved pages that the tests of recipes name."""

import sys
from pathlib import Path

import pytest

from crawler.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))

from engine import recipe_of

from crawler.recipe.saved_pages import saved_pages

RECIPE = """\
inputs: {town: {type: string, default: Ulm}}
start: [{urls: "https://shop.test/", page: page}]
pages: {page: {follow: [{links: a, page: page, carry: {price: i}}], item: thing, fields: {name: b}}}
items: {thing: {version: 1, fields: {name: {type: string}}}}
tests:
"""


def with_tests(*entries):
    lines = "".join(
        f"  - {{page: page, url: 'https://shop.test/', expect: {{rows: 1}}, {entry}}}\n" for entry in entries
    )
    return recipe_of(RECIPE + lines)


def test_they_are_those_of_all_recipes_each_once_and_those_that_are_not_there_are_named():
    new = with_tests("snapshot: a.html, status: 404", "snapshot: b.html", "snapshot: c.html")
    old = with_tests("snapshot: a.html", "snapshot: b.html, inputs: {town: Bonn}", "snapshot: d.html")
    bodies = {"a.html": b"A", "b.html": b"B", "d.html": b"D"}
    pages, absent = saved_pages([new, old], bodies.get)
    assert [(page.name, page.body, page.status) for page in pages] == [
        ("a.html", b"A", 404),  # as the first recipe says
        ("b.html", b"B", 200),
        ("b.html", b"B", 200),  # with another input it is another page
        ("d.html", b"D", 200),
    ]
    assert absent == ["c.html"]


def test_a_recipe_is_run_on_them_as_its_own_tests_are():
    recipe = with_tests("snapshot: a.html, status: 404, content_type: text/html, carried: {price: '5'}")
    ((page,), _) = saved_pages([recipe], lambda _: b"A")
    given = page.input_of(recipe)
    assert (given.request.page, given.url, given.status) == ("page", "https://shop.test/", 404)
    assert (dict(given.inputs), given.headers) == ({"town": "Ulm"}, {"content-type": "text/html"})
    assert given.request.carried == {"price": "5"}


def test_inputs_that_do_not_fit_a_recipe_are_refused():
    ((page,), _) = saved_pages([with_tests("snapshot: a.html, inputs: {town: Bonn}")], lambda _: b"A")
    other = recipe_of(RECIPE.partition("\n")[2].partition("tests")[0])
    with pytest.raises(InputError, match="town"):
        page.input_of(other)
