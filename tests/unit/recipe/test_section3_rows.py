"""What `each` makes rows of, and what it says when it cannot: an empty list is no fault, a path that is gone is one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from crawler.errors import PathGone, RecipeError

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, recipe_of, row, run

ITEM = "items: {thing: {version: 1, fields: {x: {type: string}}}}\n"


def listing(each: str, field: str = "'@'", *, page: str = ""):
    return recipe_of(
        "start: [{urls: 'https://shop.test/', page: page}]\n"
        f"pages:\n  page:\n    {page}\n    each: {each}\n    item: thing\n    fields: {{x: {field}}}\n{ITEM}"
    )


def values(recipe, body, **given):
    result = run(recipe, body, **given)
    assert not result.rejects, result.rejects
    return [one.values["x"] for one in result.rows]


@pytest.mark.parametrize("each", ["a", "{jmespath: a, process: [upper]}", "{jmespath: a, parse: html}"])
def test_an_empty_json_list_makes_no_rows_whatever_is_done_with_its_members(each):
    recipe = listing(each, "b" if "html" in each else "'@'", page="parse: json")
    assert values(recipe, '{"a": []}', content_type="application/json") == []


@pytest.mark.parametrize("each", ["a", "{jmespath: a, process: [upper]}", "{jmespath: a, parse: html}"])
@pytest.mark.parametrize("body", ["{}", '{"a": null}', "[]"])
def test_a_json_path_that_is_gone_fails_the_page_whatever_is_done_with_its_members(each, body):
    recipe = listing(each, "b" if "html" in each else "'@'", page="parse: json")
    with pytest.raises(PathGone, match="`a` is not there"):
        run(recipe, body, content_type="application/json")


@pytest.mark.parametrize(
    ("each", "reason"),
    [("length(a)", "invalid type"), ("{jmespath: b, process: [price]}", r"step 1 \(price\): no amount in 'q'")],
)
def test_rows_that_fail_to_be_made_fail_the_page_with_the_reason(each, reason):
    with pytest.raises(PathGone, match=reason):
        run(listing(each, page="parse: json"), '{"b": ["q"]}', content_type="application/json")


@pytest.mark.parametrize("each", ["length(nope)", "nope", "{jmespath: b, process: [price]}"])
def test_nested_rows_that_fail_are_a_missing_field_and_no_failed_page(each):
    recipe = item_recipe(f"x: {{each: {each}, fields: {{v: k}}}}", contract={"x": "{type: array}"}, page="parse: json")
    assert row(recipe, '{"b": ["q"]}', content_type="application/json") == {"x": None}


@pytest.mark.parametrize("each", ['{css: "li.none::text", process: [upper]}', '{css: "li.none::attr(v)", parse: json}'])
def test_a_selector_that_matches_nothing_makes_no_rows(each):
    assert values(listing(each), "<p>") == []


@pytest.mark.parametrize(
    ("each", "expected"),
    [('"li::attr(v)"', ["1", "2"]), ('"li::text"', ["a", "b"]), ('"ul ::text"', ["a", "b"])],
)
def test_attributes_and_texts_are_rows_that_jmespath_reads(each, expected):
    assert values(listing(each), "<ul><li v=1>a</li><li v=2>b</li></ul>") == expected


def test_members_that_are_no_text_are_no_html_rows_and_the_others_are():
    body = json.dumps({"a": ["<b>1</b>", 7, {"x": 1}, "<b>2</b>"]})
    recipe = listing("{jmespath: a, parse: html}", "b", page="parse: json")
    assert values(recipe, body, content_type="application/json") == ["1", "2"]
    assert run(recipe, body, content_type="application/json").stats["recipe/source_unparsed"] == 2


def test_an_xpath_that_gives_text_makes_no_rows_and_says_so():
    with pytest.raises(PathGone, match="gives text, and rows are made of elements"):
        run(listing('{xpath: "//li/@v"}', '":scope"'), "<li v=1>a")


def test_a_page_source_that_is_gone_fails_the_page_whose_rows_it_holds():
    recipe = listing("{from: s, jmespath: a}", page='sources: {s: {css: "script::text", parse: json}}')
    assert values(recipe, '<script>{"a": ["q"]}</script>') == ["q"]
    with pytest.raises(PathGone, match="page source `s` is not there"):
        run(recipe, "<p>")


def test_a_list_of_texts_is_read_as_a_list_of_json_values():
    recipe = item_recipe(
        "x: {from: s, jmespath: '[*].k'}",
        contract={"x": "{type: array}"},
        page="sources: {s: {css: 'script::text', all: true, parse: json}}",
    )
    body = '<script>{"k": 1}</script><script>{broken</script><script>{"k": 2}</script>'
    assert row(recipe, body) == {"x": [1, 2]}
    assert run(recipe, body).stats["recipe/source_unparsed"] == 1


# --- rows made of options ---

VARIANTS = "x: {each: .variant, else: {cartesian: options}, fields: {price: .p, options: .o}}\n"


@pytest.mark.parametrize(
    "options",
    ["h1", "{css: option, all: true}", "{each: tr, fields: {name: td}}", "{css: h1, process: [price]}"],
)
def test_what_lists_no_options_cannot_be_combined(options):
    with pytest.raises(RecipeError, match="'options' does not list options"):
        item_recipe(f"{VARIANTS}options: {options}", contract={"x": "{type: array}", "options": "{type: array}"})


@pytest.mark.parametrize("value", ["5", '"S"', "{}", '[1, "a"]', '[{"name": "Size"}]', "[]"])
def test_options_that_the_page_writes_otherwise_make_no_rows(value):
    recipe = item_recipe(
        "x: {each: variants, else: {cartesian: options}, fields: {options: '@'}}\noptions: {jmespath: options}",
        contract={"x": "{type: array}", "options": "{type: object}"},
        page="parse: json",
    )
    result = run(recipe, f'{{"options": {value}}}', content_type="application/json")
    assert all(one.values.get("x") is None for one in (*result.rows, *result.rejects))


def test_options_of_a_nested_row_are_combined_in_that_row():
    recipe = item_recipe(
        """\
        x:
          each: section
          fields:
            price: i
            options: {each: p, fields: {name: b, values: {css: u, all: true}}}
            variants: {each: .none, else: {cartesian: options}, fields: {price: .p, options: .o}}
        price: i
        """,
        contract={"x": "{type: array}"},
    )
    body = "<i>9</i>" + "".join(f"<section><i>{n}</i><p><b>Size</b><u>S{n}</u></section>" for n in (1, 2))
    assert [one["variants"] for one in row(recipe, body)["x"]] == [
        [{"price": "1", "options": {"Size": "S1"}}],
        [{"price": "2", "options": {"Size": "S2"}}],
    ]
