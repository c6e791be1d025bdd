"""Follow-up requests that are refused at load: where no row can wait, and what waits but would read the page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import RecipeError
from crawler.recipe.extract import extract_page
from crawler.recipe.model import PageInput, PageRequest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, recipe_of


def problems(fields, **given):
    with pytest.raises(RecipeError) as refused:
        item_recipe(fields, **given)
    return [
        (problem.path.removeprefix("pages.page."), problem.message, problem.hint) for problem in refused.value.problems
    ]


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ("a: {each: li, fields: {b: {request: {url: /a}, css: b}}}", "fields.a.fields.b.request"),
        ("a: {union: [{request: {url: /a}, css: b}]}", "fields.a.union[0].request"),
        ("a: [[{request: {url: /a}, css: b}]]", "fields.a[0][0].request"),
        ("a: {css: b, when: {request: {url: /a}, css: b}}", "fields.a.when.request"),
    ],
)
def test_a_request_where_no_row_can_wait_is_refused(fields, at):
    found = problems(fields)
    assert [(path, message) for path, message, _ in found if path == at] == [
        (at, "a follow-up request completes a page's row, so it cannot stand here")
    ]


@pytest.mark.parametrize(
    "page",
    [
        "sources: {s: {request: {url: /a}, css: b, parse: json}}",
        "follow: [{links: {request: {url: /a}, css: b}, page: page}]",
        "drop_if: {request: {url: /a}, css: b}",
        "paginate: {next: {request: {url: /a}, css: b}}",
    ],
)
def test_a_request_outside_of_fields_is_refused(page):
    recipe = (
        f"start: [{{urls: 'https://shop.test/', page: page}}]\npages:\n  page:\n    {page}\n    item: thing\n"
        "    fields: {a: h1}\nitems: {thing: {version: 1, fields: {a: {type: string}}}}\n"
    )
    with pytest.raises(RecipeError, match="it cannot stand here"):
        recipe_of(recipe)


def test_what_waits_may_not_read_the_page():
    found = problems(
        'a: {request: {url: /a}, css: b}\nb: {css: h1, default: "{{ item.a }}"}\nc: "{{ item.b }}"\n'
        'd: {each: li, fields: {e: "{{ item.a }}"}}\nf: {template: "{{ item.a }}", when: h1}',
        contract={"d": "{type: array}"},
    )
    waits = [path for path, message, _ in found if "the page cannot be read any more" in message]
    assert waits == ["fields.b.default", "fields.d.fields.e", "fields.f.template"]


def test_a_field_that_asks_may_refer_to_another_one_only_where_the_page_is_not_needed():
    found = problems(
        'a: {request: {url: /a}, css: b}\nb: [{css: h1, default: "{{ item.a }}"}, {request: {url: /b}, css: b}]'
    )
    assert "fields.b[0].default" in [path for path, _, _ in found]


def test_requests_that_wait_for_each_other_are_a_circle():
    found = problems('a: {request: {url: "/{{ item.b }}"}, css: b}\nb: {request: {url: "/{{ item.a }}"}, css: b}')
    assert [message for _, message, _ in found] == ["fields refer to each other in a circle: a -> b -> a"]


def test_a_field_that_is_not_there_is_named_with_what_was_meant():
    found = problems('sku: h1\na: {request: {url: "/{{ item.sku_ }}"}, css: b}')
    assert ("fields.a.request.url", "`item.sku_`: there is no field 'sku_'", "did you mean 'sku'?") in found


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        (
            "{request: {url: /a}, from: s, css: b}",
            "from",
            "`from` reads a part of the page, and `request` another page",
        ),
        ("{request: {uri: /a}, css: b}", "request.uri", "unknown key 'uri'"),
        ("{request: {url: 'ftp://x/'}, css: b}", "request.url", "'ftp://x/' is no http(s) URL"),
        ("{request: {url: /a, headers: {Cookie: x}}, css: b}", "request.headers.Cookie", "'Cookie' is a secret"),
        ("{request: {url: /a, method: GET, form: {a: b}}, css: b}", "request.method", "a GET request has no body"),
        ("{request: {url: /a, parse: html}, jmespath: b}", "jmespath", "`jmespath` reads JSON, but this page is HTML"),
        ("{request: {url: /a, parse: json}, css: b}", "css", "`css` reads HTML and XML, but this page is JSON"),
        ("{request: {url: /a}, const: b}", "request", "'request' does not belong here"),
    ],
)
def test_mistakes_in_a_request_are_told_at_their_place(rule, path, message):
    found = problems(f"a: {rule}", page="sources: {s: {css: b, parse: html}}")
    assert any(where == f"fields.a.{path}" and message in said for where, said, _ in found), found


def test_a_row_waits_for_later_pages_or_for_requests_but_not_for_both():
    found = problems("a: h1\nb: {request: {url: /b}, css: b}", page="paginate: {next: a.next, append: [a]}")
    assert [path for path, message, _ in found if "not for both" in message] == ["paginate.append"]


def test_a_page_with_requests_to_an_api_is_still_read_with_css():
    recipe = item_recipe("a: .a\n" + "\n".join(f"b{n}: {{request: {{url: /b}}, jmespath: b}}" for n in range(5)))
    assert recipe.pages["page"].parse is None


def test_an_xpath_of_an_answer_does_not_move_the_page_to_another_tree():
    recipe = item_recipe("a: .a\nb: {request: {url: /b}, xpath: //b}")
    request = PageRequest(url="https://shop.test/", page="page")
    result = extract_page(recipe, PageInput(request=request, url=request.url, body=b"<p class=a>1</p>"))
    assert "recipe/tree_fallback" not in result.stats
