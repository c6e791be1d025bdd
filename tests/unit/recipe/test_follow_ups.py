"""Rows that wait for follow-up requests: what is asked, and what an answer gives."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from crawler.errors import PageError
from crawler.recipe.extract import after_loss
from crawler.recipe.follow_ups import MAX_WAITING_BYTES, follow_up_hosts
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.whole_page import whole_page

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, recipe_of, run

JSON = "application/json"


def whole(recipe, page, answers=None, **given):
    """The rows of a page with answers by the end of their URL, and the URLs that were asked, in order."""
    asked = []

    def answer(request):
        asked.append(request.url)
        body = next((text for end, text in (answers or {}).items() if request.url.endswith(end)), None)
        if body is None:
            return None
        kind = JSON if body[:1] in "{[" else "text/html"
        return PageInput(request=request, url=request.url, body=body.encode(), headers={"content-type": kind})

    request = PageRequest(url="https://shop.test/p/1", page="page", carried=given.pop("carried", {}))
    page_input = PageInput(
        request=request, url=request.url, body=page.encode(), headers={"content-type": "text/html"}, **given
    )
    return whole_page(recipe, page_input, answer), asked


def values(recipe, page, answers=None, **given):
    result, _ = whole(recipe, page, answers, **given)
    assert not result.rejects
    return [row.values for row in result.rows]


# --- what a row becomes ----------------------------------------------------------------------------------------------


def test_the_page_itself_gives_no_row_and_a_request_that_is_never_a_duplicate():
    recipe = item_recipe('a: .a\nb: {request: {url: "/b/{{ item.a }}"}, css: b}')
    result = run(recipe, "<p class=a>1</p>")
    [request] = result.follow_ups
    assert (result.rows, result.outcome) == ((), "ok")
    assert (request.url, request.dedupe, request.page) == ("https://shop.test/b/1", False, "page")


def test_an_alternative_asks_only_if_those_before_it_found_nothing():
    recipe = item_recipe('a: [.a, {request: {url: "/a"}, css: b}, .c]')
    assert whole(recipe, "<p class=a>page</p>", {"/a": "<b>asked</b>"})[1] == []
    assert values(recipe, "<p class=c>behind</p>", {"/a": "<b>asked</b>"}) == [{"a": "asked"}]


@pytest.mark.parametrize("answers", [{}, {"/a": "<i>nothing</i>"}, {"/a": '{"b": 1}'}])
def test_what_the_page_has_behind_a_request_that_gave_nothing_wins(answers):
    recipe = item_recipe('a: [{request: {url: "/a"}, css: b}, .c]')
    assert values(recipe, "<p class=c>behind</p>", answers) == [{"a": "behind"}]


def test_one_answer_may_have_several_alternatives_of_a_field():
    recipe = item_recipe('a: [{request: {url: "/a"}, css: u}, {request: {url: "/a"}, css: b}]')
    result, asked = whole(recipe, "", {"/a": "<b>2</b>"})
    assert [row.values for row in result.rows] == [{"a": "2"}]
    assert asked == ["https://shop.test/a"]
    assert result.stats["recipe/alternative/a/2"] == 1


def test_a_request_may_use_what_another_one_gave():
    recipe = item_recipe(
        'price: {request: {url: "/price/{{ item.id }}"}, css: b}\nid: {request: {url: "/id"}, jmespath: id}'
    )
    result, asked = whole(recipe, "", {"/id": '{"id": "7"}', "/price/7": "<b>9.50</b>"})
    assert [row.values for row in result.rows] == [{"price": "9.50", "id": "7"}]
    assert asked == ["https://shop.test/id", "https://shop.test/price/7"]


def test_what_a_template_refers_to_may_come_later():
    recipe = item_recipe('text: "{{ item.a }} of {{ carried.c }}"\na: {request: {url: /a}, css: b}')
    assert values(recipe, "", {"/a": "<b>1</b>"}, carried={"c": "x"}) == [{"text": "1 of x", "a": "1"}]


def test_a_default_may_be_a_template_and_holds_when_the_request_fails():
    recipe = item_recipe('a: .a\nb: {request: {url: /b}, css: b, default: "none for {{ item.a }}"}')
    assert values(recipe, "<p class=a>A</p>") == [{"a": "A", "b": "none for A"}]


def test_the_default_of_the_last_alternative_holds_when_all_have_failed():
    recipe = item_recipe("a: [.a, {request: {url: /a}, css: b, default: last}]")
    assert values(recipe, "") == [{"a": "last"}]


def test_without_a_default_it_is_missing_and_the_row_says_why():
    recipe = item_recipe("a: {request: {url: /a}, css: b}\nb: h1")
    result, _ = whole(recipe, "<h1>x</h1>")
    assert [(row.values, row.gaps["a"]) for row in result.rows] == [
        ({"a": None, "b": "x"}, "the request https://shop.test/a failed")
    ]


def test_a_required_field_whose_request_failed_is_a_reject_that_says_so():
    recipe = item_recipe("a: {request: {url: /a}, css: b}", contract={"a": "{type: string, required: true}"})
    result, _ = whole(recipe, "")
    assert [reason.message for reject in result.rejects for reason in reject.reasons] == [
        "is missing; the request https://shop.test/a failed"
    ]


def test_a_part_of_the_url_that_is_missing_makes_no_request():
    recipe = item_recipe('a: .a\nb: {request: {url: "/b/{{ item.a }}"}, css: b, default: none}')
    result, asked = whole(recipe, "")
    assert ([row.values for row in result.rows], asked) == ([{"a": None, "b": "none"}], [])


def test_a_condition_is_read_from_the_page_and_spares_the_request():
    recipe = item_recipe("a: {request: {url: /a}, css: b, when: .more}")
    assert whole(recipe, "", {"/a": "<b>1</b>"})[1] == []
    assert values(recipe, "<p class=more>x</p>", {"/a": "<b>1</b>"}) == [{"a": "1"}]


def test_steps_and_all_work_on_the_answer():
    recipe = item_recipe(
        'a: {request: {url: /a}, css: b, all: true, process: [upper, {join: "+"}]}\n'
        "b: {any: [{request: {url: /a}, css: i}, h1], process: [upper]}"
    )
    assert values(recipe, "<h1>page</h1>", {"/a": "<b>x</b><b>y</b>"}) == [{"a": "X+Y", "b": "PAGE"}]


def test_xpath_meta_and_response_read_the_answer():
    recipe = item_recipe(
        "a: {request: {url: /a}, xpath: '//b[2]'}\nb: {request: {url: /a}, meta: description}\n"
        "c: {request: {url: /a}, response: url}"
    )
    answer = "<meta name=description content=m><table><b>1</b><b>2</b></table>"
    assert values(recipe, "", {"/a": answer}) == [{"a": "2", "b": "m", "c": "https://shop.test/a"}]


def test_links_of_an_answer_are_relative_to_the_answer():
    recipe = item_recipe(
        "a: {request: {url: /deep/er/}, css: 'a::attr(href)'}\n"
        "b: {request: {url: /deep/er/}, css: 'a::attr(href)', all: true}",
        contract={"a": "{type: string, format: uri}", "b": "{type: array, items: {type: string, format: uri}}"},
    )
    assert values(recipe, "", {"/deep/er/": "<a href=x>x</a>"}) == [
        {"a": "https://shop.test/deep/er/x", "b": ["https://shop.test/deep/er/x"]}
    ]


def test_each_row_of_a_list_makes_its_own_request():
    recipe = item_recipe('a: .a\nb: {request: {url: "/b/{{ item.a }}"}, css: b}', page="each: li")
    answers = {"/b/1": "<b>one</b>", "/b/3": "<b>three</b>"}
    page = "<li><p class=a>1</p></li><li><p class=a>2</p></li><li><p class=a>3</p></li>"
    result, asked = whole(recipe, page, answers)
    assert [row.values["b"] for row in result.rows] == ["one", None, "three"]
    assert len(asked) == 3


def test_a_post_with_a_json_body_of_the_row():
    recipe = item_recipe('a: .a\nb: {request: {url: "https://api.test/x", json: {id: "{{ item.a }}"}}, jmespath: b}')
    [request] = run(recipe, "<p class=a>1</p>").follow_ups
    assert (request.method, json.loads(request.body)) == ("POST", {"id": "1"})
    assert request.headers == (("Content-Type", "application/json"),)


def test_the_row_of_an_answer_is_of_its_page():
    recipe = item_recipe("a: {request: {url: /a}, css: b}")
    result, _ = whole(recipe, "", {"/a": "<b>1</b>"})
    assert [row.url for row in result.rows] == ["https://shop.test/p/1"]


def test_an_answer_that_is_no_such_document_is_a_failed_page_and_the_row_goes_on():
    recipe = item_recipe("a: {request: {url: /a}, jmespath: b, default: none}")
    [request] = run(recipe, "").follow_ups
    with pytest.raises(PageError):
        run(recipe, "<b>no JSON</b>", request=request, url=request.url)
    [row] = after_loss(recipe, request, {}).rows
    assert row.values == {"a": "none"}


def test_a_row_that_is_too_large_is_given_out_at_once_and_counted():
    recipe = item_recipe("a: .a\nb: {request: {url: /b}, css: b, default: none}")
    result = run(recipe, f"<p class=a>{'x' * MAX_WAITING_BYTES}</p>")
    assert (len(result.rows), result.follow_ups) == (1, ())
    assert result.rows[0].values["b"] == "none"
    assert result.stats["recipe/too_large_to_wait"] == 1
    below = run(recipe, f"<p class=a>{'x' * (MAX_WAITING_BYTES - 1000)}</p>")
    assert (len(below.rows), len(below.follow_ups)) == (0, 1)


def test_a_list_page_whose_rows_wait_shows_something_and_does_not_stall():
    recipe = recipe_of("""\
        start: [{urls: 'https://shop.test/', page: page}]
        pages:
          page:
            each: li
            item: thing
            fields: {a: b, c: {request: {url: "/{{ item.a }}"}, css: b}}
            paginate: {param: page}
        items: {thing: {version: 1, key: [a], fields: {a: {type: string}, c: {type: string}}}}
    """)
    result = run(recipe, "<li><b>1</b></li><li><b>2</b></li>")
    assert (len(result.follow_ups), len(result.marks), result.outcome) == (2, 2, "ok")
    assert result.next is not None


def test_the_same_page_twice_gives_the_same_requests():
    recipe = item_recipe('a: .a\nb: {request: {url: "/b/{{ item.a }}"}, css: b}')
    assert run(recipe, "<p class=a>1</p>").follow_ups == run(recipe, "<p class=a>1</p>").follow_ups


def test_a_recipe_makes_no_more_requests_for_a_row_than_it_has_rules():
    fields = "\n".join(
        f"f{n}: [{{request: {{url: /{n}}}, css: i}}, {{request: {{url: /x{n}}}, css: i}}]" for n in range(9)
    )
    result, asked = whole(item_recipe(fields), "", {f"/{n}": "<b>no</b>" for n in range(9)})
    assert (len(result.rows), len(asked)) == (1, 18)


def test_hosts_that_are_written_out_are_known_and_those_of_templates_are_not():
    recipe = item_recipe(
        'a: {request: {url: "https://api.test/x"}, css: b}\nb: {request: {url: "https://b.test/{{ item.c }}"}, css: b}'
        '\nc: h1\nd: {request: {url: "https://{{ item.c }}.test/"}, css: b}\n'
        'e: {request: {url: "https://half.{{ item.c }}/"}, css: b}\nf: {request: {url: /x}, css: b}'
    )
    assert follow_up_hosts(recipe) == ["api.test", "b.test"]
