"""Paginated lists: none ends without a word, none is read for ever, and a row over several pages comes once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.errors import PageError, RecipeError
from crawler.recipe.extract import after_loss, extract_page
from crawler.recipe.model import PageInput, PageRequest

sys.path.insert(0, str(Path(__file__).parent))

from engine import recipe_of, run

LIST = """\
start: [{urls: 'https://shop.test/', page: page}]
pages:
  page:
    parse: json
    each: items
    item: thing
    fields: {k: k}
    paginate: %s
items: {thing: {version: 1, fields: {k: {type: integer}}}}
"""
JSON = {
    "items": [{"k": 1}],
    "number": 2,
    "object": {"a": 1},
    "list": [{"a": 1}],
    "link": "/2",
    "no": False,
    "nil": None,
}


def end_of(paginate: str):
    result = run(recipe_of(LIST % paginate), json.dumps(JSON), content_type="application/json")
    return result.next.url if result.next else result.chain_end


@pytest.mark.parametrize(
    "paginate",
    [
        "{next: 'length(gone)'}",
        "{next: [gone, 'length(gone)']}",
        "{cursor: 'length(gone)', param: after}",
        "{cursor: {jmespath: link, process: [integer]}, param: after}",
        "{offset: skip, size: 1, total: 'length(gone)'}",
        "{param: page, while: 'length(gone) > `0`'}",
        "{param: page, while: {jmespath: link, process: [integer]}}",
    ],
)
def test_a_list_whose_rule_for_the_next_page_fails_is_a_failed_page_and_no_end(paginate):
    with pytest.raises(PageError, match="failed"):
        end_of(paginate)


@pytest.mark.parametrize("condition", ["number < total_pages", "pages.left > `0`", "link >= `1`"])
def test_a_while_that_compares_what_is_not_there_is_a_failed_page_and_no_end(condition):
    with pytest.raises(PageError, match=r"no number here|cannot be evaluated"):
        end_of(f"{{param: page, while: '{condition}'}}")


@pytest.mark.parametrize("condition", ["number < `2`", "no", "gone", "list[?b]", "number == gone"])
def test_a_while_that_does_not_hold_ends_the_list(condition):
    assert end_of(f"{{param: page, while: '{condition}'}}") == "while"


@pytest.mark.parametrize("value", ["number", "object", "list"])
def test_a_next_that_is_no_link_is_a_failed_page_and_no_end(value):
    with pytest.raises(PageError, match="is no link but"):
        end_of(f"{{next: {value}}}")


@pytest.mark.parametrize("value", ["object", "list"])
def test_a_cursor_that_is_no_single_value_is_a_failed_page_and_no_end(value):
    with pytest.raises(PageError, match="the cursor is no single value"):
        end_of(f"{{cursor: {value}, param: after}}")


@pytest.mark.parametrize("paginate", ["{next: no}", "{next: nil}", "{next: gone}", "{cursor: nil, param: after}"])
def test_a_list_ends_where_the_page_names_no_next_one(paginate):
    assert end_of(paginate) == "last"


def test_an_alternative_that_names_the_next_page_makes_up_for_one_that_fails():
    assert end_of("{next: ['length(gone)', link]}") == "https://shop.test/2"


def test_links_that_lead_nowhere_are_told_from_selectors_that_match_nothing():
    recipe = recipe_of(
        "start: [{urls: 'https://shop.test/', page: page}]\n"
        "pages: {page: {follow: [{each: li, links: b, page: page}], paginate: {next: a.next}}}\n"
    )
    sentences = [
        run(recipe, body).cause.sentence()
        for body in ("<li><b>1</b><li><b>2</b>", "<li>1", "<p>", "<li><b>1</b><a class=next href=/2>")
    ]
    assert [sentence.partition(" on 1 page")[0] for sentence in sentences] == [
        "page: `b` matched 2",
        "page: `b` matched 0",
        "page: `li` matched 0",
        "page: `b` matched 1",
    ]
    assert "none of them is an element with a link" in sentences[0]


def test_a_follow_whose_condition_does_not_hold_is_named_by_it():
    recipe = recipe_of(
        "start: [{urls: 'https://shop.test/', page: page}]\n"
        "pages: {page: {follow: [{links: a, when: .shop, page: page}]}}\n"
    )
    sentence = run(recipe, "<a href=/1>1</a>").cause.sentence()
    assert sentence.startswith("page: `.shop` matched 0")
    assert "does not hold" in sentence


# --- one row over several pages ---

ARTICLE = """\
start: [{urls: 'https://shop.test/a', page: page}]
pages:
  page:
    item: thing
    drop_if: .dropped
    fields: {t: h1, b: .body, l: {css: li, all: true}}
    paginate: %s
items: {thing: {version: 1, fields: {t: {type: string}, b: {type: string}, l: {type: array}}}}
"""


def number(url: str) -> int:
    return int(parse_qs(urlsplit(url).query).get("p", ["1"])[0])


def part(count: int, *, last: int = 3) -> str:
    onward = f"<a class=next href='?p={count + 1}'>" if count < last else ""
    return f"<!doctype html><h1>T</h1><p class=body>part {count}</p><li>{count}</li>{onward}"


def rows_of(paginate: str, body_of, *, most: int = 20) -> list[dict[str, object]]:
    """The rows of a crawl of the article; a body of None is a page that never comes."""
    recipe = recipe_of(ARTICLE % paginate)
    request: PageRequest | None = PageRequest(url="https://shop.test/a", page="page")
    rows = []
    for _ in range(most):
        body = body_of(number(request.url))
        if body is None:
            result = after_loss(recipe, request, {}, status=500)
        else:
            result = extract_page(recipe, PageInput(request=request, url=request.url, body=body.encode()))
        rows += [one.values for one in result.rows]
        request = result.next
        if request is None:
            return rows
    raise AssertionError(f"the article goes on after {most} pages")


WHOLE = [{"t": "T", "b": "part 1\npart 2\npart 3", "l": ["1", "2", "3"]}]


@pytest.mark.parametrize("paginate", ["{next: a.next, append: [b, l]}", "{param: p, append: [b, l]}"])
def test_the_parts_of_an_article_become_one_row(paginate):
    assert rows_of(paginate, lambda count: part(count) if count <= 3 else "<h1>T</h1>") == WHOLE


def test_an_article_that_shows_its_last_part_for_ever_ends_there():
    assert rows_of("{param: p, append: [b, l]}", lambda count: part(min(count, 3))) == WHOLE


def test_an_article_that_leads_back_to_its_first_part_under_another_url_has_it_once():
    rows = rows_of("{next: a.next, append: [b]}", lambda count: part(count, last=99) if count < 4 else part(1, last=99))
    assert [one["b"] for one in rows] == ["part 1\npart 2\npart 3"]


def test_an_article_of_which_a_part_is_lost_comes_once_and_without_it():
    rows = rows_of("{param: p, append: [b]}", lambda count: None if count == 2 else part(count) if count < 4 else "<p>")
    assert [one["b"] for one in rows] == ["part 1\npart 3"]


def test_an_article_whose_next_part_is_lost_and_names_no_other_comes_as_it_is():
    rows = rows_of("{next: a.next, append: [b]}", lambda count: None if count == 2 else part(count))
    assert [one["b"] for one in rows] == ["part 1"]


def test_an_article_whose_next_part_is_dropped_comes_as_it_is():
    rows = rows_of("{next: a.next, append: [b]}", lambda count: "<p class=dropped>x" if count == 2 else part(count))
    assert [one["b"] for one in rows] == ["part 1"]


def test_append_is_for_pages_of_one_row():
    with pytest.raises(RecipeError, match="append"):
        recipe_of((ARTICLE % "{next: a.next, append: [b]}").replace("    item:", "    each: article\n    item:"))


def test_a_first_part_that_waits_for_the_others_is_no_empty_page():
    request = PageRequest(url="https://shop.test/a", page="page")
    recipe = recipe_of(ARTICLE % "{next: a.next, append: [b]}")
    result = extract_page(recipe, PageInput(request=request, url=request.url, body=part(1).encode()))
    assert (result.outcome, result.rows, result.cause) == ("ok", (), None)
