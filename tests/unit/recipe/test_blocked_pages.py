"""`blocked_if`: pages that keep crawlers out, by the word of the recipe."""

from __future__ import annotations

import pytest

from crawler.errors import PageBlocked, PageError, PageMismatch, ParseRefused
from crawler.recipe.blocked_pages import blocked_sign
from crawler.recipe.diagnose import diagnose
from crawler.recipe.extract import extract_page
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.whole_page import no_answer, whole_page
from tests.unit.recipe.engine import item_recipe, recipe_of, row, run

WALL = "<h1>Members only</h1><p class=wall>Log in</p>"
GOOD = "<h1>Chair</h1>"


def guarded(conditions: str, page: str = ""):
    return item_recipe("name: h1", page=f"blocked_if: {conditions}\n{page}")


def everywhere(conditions: str, page: str):
    return recipe_of(
        f"blocked_if: {conditions}\n"
        "start: [{urls: 'https://shop.test/', page: page}]\n"
        f"pages:\n  page: {page}\n"
        "items: {thing: {version: 1, fields: {name: {type: string}}}}\n"
    )


API = "{parse: json, item: thing, fields: {name: name}}"


@pytest.mark.parametrize(
    "conditions",
    [
        ".wall",
        "{css: .wall}",
        "{xpath: \"//p[@class='wall']\"}",
        "{response: text, process: [{regex: 'Members? only'}]}",
        "[.never, .wall]",
        "[{response: status, process: [{regex: '^403$'}]}, .wall]",
        "[{xpath: \"boolean(//nothing)\", process: [{map: {'true': yes, 'false': false}}]}, .wall]",
    ],
)
def test_a_page_for_which_any_condition_holds_is_blocked(conditions):
    with pytest.raises(PageBlocked, match=r"`blocked_if` holds \("):
        run(guarded(conditions), WALL)
    assert row(guarded(conditions), GOOD) == {"name": "Chair"}


def test_it_is_judged_before_drop_if_and_before_match():
    with pytest.raises(PageBlocked):
        run(guarded(".wall", "drop_if: h1\n"), WALL)
    recipe = guarded("{response: url, process: [{regex: /sorry/}]}", "match: ['/p/']\n")
    with pytest.raises(PageBlocked):
        run(recipe, GOOD, url="https://shop.test/sorry/index", request=PageRequest(url="x", page="page"))
    with pytest.raises(PageMismatch):
        run(recipe, GOOD, url="https://shop.test/other", request=PageRequest(url="x", page="page"))


def test_a_page_of_no_type_is_held_against_the_conditions_of_all_pages():
    recipe = everywhere("{response: url, process: [{regex: /sorry/}]}", "{match: /p/, item: thing, fields: {name: h1}}")
    with pytest.raises(PageBlocked):
        run(recipe, GOOD, url="https://shop.test/sorry/", page=None)
    with pytest.raises(PageMismatch):
        run(recipe, GOOD, url="https://shop.test/other", page=None)


def test_a_challenge_in_html_in_the_place_of_json_is_blocked_and_not_refused():
    recipe = everywhere("[.wall, {jmespath: \"error == 'captcha'\"}]", API)
    with pytest.raises(PageBlocked, match=r"css: \.wall"):
        run(recipe, WALL)
    with pytest.raises(PageBlocked, match="jmespath: error"):
        run(recipe, '{"error": "captcha"}', content_type="application/json")
    assert row(recipe, '{"error": null, "name": "Chair"}', content_type="application/json") == {"name": "Chair"}
    with pytest.raises(ParseRefused):
        run(recipe, "<p>no JSON, and no wall</p>")


def test_an_error_in_json_in_the_place_of_html_is_blocked():
    recipe = everywhere("{jmespath: error}", "{parse: html, item: thing, fields: {name: h1}}")
    with pytest.raises(PageBlocked):
        run(recipe, '{"error": "slow down"}', content_type="application/json")
    assert row(recipe, GOOD) == {"name": "Chair"}


def test_a_page_that_no_parser_takes_is_still_looked_at_as_text():
    recipe = guarded("[.wall, {xpath: //u}, {response: text, process: [{regex: 'Blocked by'}]}]")
    with pytest.raises(PageBlocked, match="response: text"):
        run(recipe, "Blocked by X" + "<div>" * 600)
    with pytest.raises(ParseRefused):
        run(recipe, "<div>" * 600)


def test_a_page_source_can_tell():
    recipe = guarded(
        "{from: state, jmespath: blocked}",
        "sources: {state: {css: 'script::text', parse: json}}\n",
    )
    with pytest.raises(PageBlocked, match="state jmespath: blocked"):
        run(recipe, '<script>{"blocked": true}</script><h1>x</h1>')
    assert row(recipe, '<script>{"blocked": false}</script><h1>x</h1>') == {"name": "x"}


def test_a_condition_that_fails_fails_the_page():
    recipe = everywhere('{jmespath: "length(error) > `1`"}', API)
    with pytest.raises(PageError, match="the condition"):
        run(recipe, '{"error": 1, "name": "x"}', content_type="application/json")


def test_the_conditions_of_the_recipe_hold_for_answers_and_those_of_the_page_type_do_not():
    def answer(body):
        return lambda request: PageInput(request=request, url=request.url, body=body)

    for conditions, stock in (("", "5"), ("blocked_if: {jmespath: stock}\n", None), ("blocked_if: .wall\n", None)):
        recipe = recipe_of(
            f"{conditions}start: [{{urls: 'https://shop.test/', page: page}}]\n"
            "pages:\n  page:\n    blocked_if: {response: url, process: [{regex: stock}]}\n    item: thing\n"
            "    fields:\n      name: h1\n      stock:\n        request: {url: 'https://shop.test/stock'}\n"
            "        jmespath: stock\n"
            "items: {thing: {version: 1, fields: {name: {type: string}, stock: {type: string}}}}\n"
        )
        page = PageInput(request=PageRequest(url="u", page="page"), url="https://shop.test/p", body=GOOD.encode())
        body = WALL.encode() if ".wall" in conditions else b'{"stock": 5}'
        [one] = whole_page(recipe, page, answer(body)).rows
        assert one.values == {"name": "Chair", "stock": stock}
        first = extract_page(recipe, page).follow_ups[0]
        if conditions:
            with pytest.raises(PageBlocked):
                extract_page(recipe, PageInput(request=first, url=first.url, body=body))


def test_what_an_answer_with_a_status_of_failure_says_is_a_sign_or_nothing():
    recipe = everywhere(
        "[.wall, {response: status, process: [{regex: '^403$'}]}, {jmespath: \"length(e) > `1`\"}]", API
    )

    def sign(body, status, **words):
        request = PageRequest(url="u", page="page", **words)
        return blocked_sign(recipe, PageInput(request=request, url="https://shop.test/", body=body, status=status))

    assert sign(WALL.encode(), 500) == "`blocked_if` holds (css: .wall)"
    assert sign(b"", 403) == "`blocked_if` holds (response: status)"
    assert sign(b'{"e": 1}', 500) == ""
    assert sign(b"\x00\xff", 404) == ""


def test_try_says_it_and_shows_no_fields():
    page = PageInput(request=PageRequest(url="u", page="page"), url="https://shop.test/", body=WALL.encode())
    with pytest.raises(PageBlocked):
        diagnose(guarded(".wall"), page, answer=no_answer)
