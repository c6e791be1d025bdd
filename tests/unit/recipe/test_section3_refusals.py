"""A recipe says nothing that would be ignored: what can change nothing is refused at load."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import RecipeError

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, recipe_of, row


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("[{css: .a, default: x}, .b]", "nothing behind it is ever tried"),
        ("{any: [{css: .a, default: x}, .b]}", "nothing behind it is ever tried"),
        ("{any: [.b, {css: .a, default: x}], process: [upper]}", "a default is used unprocessed"),
        ("{css: h1, as: count, default: 3}", "a count is never missing"),
        ("{css: h1, as: count, all: true}", "counts every match already"),
        ('{css: "h1::text", as: html}', "give no element"),
        ('{css: "h1::attr(id)", as: html}', "give no element"),
        ('{css: "h1::text", remove: b}', "no elements inside text"),
        ('{css: "h1::attr(id)", remove: b}', "no elements inside text"),
    ],
)
def test_a_modifier_that_can_change_nothing_is_refused(rule, message):
    with pytest.raises(RecipeError, match=message):
        item_recipe(f"x: {rule}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("[.a, {css: .b, default: x}]", "x"),
        ("{any: [.a, .b], process: [upper], default: x}", "x"),
        ('{css: h1, as: count, process: [{map: {"0": none}}]}', "none"),
        ('{css: "h1, p::text", as: html}', "q"),
    ],
)
def test_a_modifier_that_can_change_something_is_not(rule, expected):
    assert row(item_recipe(f"x: {rule}"), "<p>q")["x"] == expected


def test_rows_of_elements_keep_what_is_inside_them():
    with pytest.raises(RecipeError, match="rows keep what is inside them"):
        item_recipe("x: {each: {css: li, remove: b}, fields: {v: i}}", contract={"x": "{type: array}"})


def test_a_list_is_no_page_source_of_html():
    with pytest.raises(RecipeError, match="a list cannot be parsed as html"):
        item_recipe("x: {from: s, css: b}", page='sources: {s: {css: "p::attr(a)", all: true, parse: html}}')


def test_colons_in_an_attribute_make_no_pseudo_element():
    recipe = item_recipe(
        """x: {each: 'a[href*="::"]', fields: {v: b}}""",
        contract={"x": "{type: array}"},
        page="sources: {s: {css: 'a[href*=\"::\"]', parse: html}}",
    )
    assert row(recipe, "<a href='x::y'><b>1</b></a>")["x"] == [{"v": "1"}]


def test_rows_that_a_page_source_makes_do_not_make_an_html_page_json():
    recipe = recipe_of(
        """\
        start: [{urls: 'https://shop.test/', page: page}]
        pages:
          page:
            sources: {s: {response: text, process: [{regex: 'x=(.*);'}], parse: json}}
            follow:
              - {each: {from: s, jmespath: l}, links: {jmespath: u}, carry: {n: {jmespath: n}}, page: page}
            item: thing
            fields:
              x: [{from: s, jmespath: a}, {from: s, jmespath: b}, h1]
              v: {each: {from: s, jmespath: "[*]"}, fields: {a: {jmespath: b}, c: {jmespath: d}}}
        items: {thing: {version: 1, fields: {x: {type: string}, v: {type: array}}}}
        """
    )
    assert recipe.pages["page"].parse is None
    assert row(recipe, '<h1>T</h1><script>x={"l": []};</script>') == {"x": "T", "v": None}


@pytest.mark.parametrize(
    "rule",
    [
        r"{css: h1, process: [{regex: '\\d'}]}",
        r"{css: h1, process: [{reject: [a, '\\d']}]}",
        r"{css: h1, process: [{replace: {pattern: '\\d', with: ''}}]}",
        r"{css: h1, process: [{split: {pattern: '\\s'}}, {join: ','}]}",
        r"{css: h1, process: [{map: {values: {'\\d': digit}, by: regex}}]}",
        r"""'{{ carried.c | regex: ''\\d'' }}'""",
        r"""'{{ carried.c | replace: {pattern: ''\\d'', with: x} }}'""",
        r"""'{{ carried.c | split: {pattern: ''\\s''} | join: ''-'' }}'""",
    ],
)
def test_two_backslashes_are_refused_wherever_a_regular_expression_stands(rule):
    with pytest.raises(RecipeError, match="two backslashes"):
        item_recipe(f"x: {rule}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (r"{css: h1, process: [{split: {pattern: '\s'}}, {join: ','}]}", "a,1"),
        (r"{css: h1, process: [{map: {values: {'\d': digit}, by: regex}}]}", "digit"),
        (r"""'{{ carried.c | replace: {pattern: ''\d'', with: x} }}'""", "cx"),
    ],
)
def test_one_backslash_is_enough(rule, expected):
    assert row(item_recipe(f"x: {rule}"), "<h1>a 1</h1>", carried={"c": "c1"})["x"] == expected


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("img.photo", r"img\.photo::attr\(src\)"),
        ("{css: 'div > img'}", r"div > img::attr\(src\)"),
        ("[h1, 'input[name=sku]']", r"input\[name=sku\]::attr\(value\)"),
        ("{css: 'h1, meta[name=x]'}", r"::attr\(content\)"),
        ("{css: h1, when: img.sold}", r"img\.sold::attr\(src\)"),
    ],
)
def test_the_text_of_an_element_that_has_none_is_refused(rule, hint):
    with pytest.raises(RecipeError, match=rf"has no text, so this never gives a value; .*{hint}"):
        item_recipe(f"x: {rule}")


@pytest.mark.parametrize(
    "rule", ["{css: img, as: html}", "{css: img, as: count}", "'img::attr(src)'", "'img ~ b'", "{css: p, remove: img}"]
)
def test_an_element_without_text_may_be_counted_read_as_html_or_removed(rule):
    assert row(item_recipe(f"x: {rule}"), "<p>a<img src=q><b>c</b></p>")["x"] is not None


@pytest.mark.parametrize(
    "page", ["drop_if: {css: .gone, as: count}", "paginate: {param: p, while: {css: a, as: count}}"]
)
def test_a_condition_that_always_holds_is_refused(page):
    with pytest.raises(RecipeError, match="a count always holds"):
        item_recipe("x: h1", page=page)


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        ("match: ['^{{ carried.c }}/p']", "h1"),
        ("paginate: {param: '{{ inputs.site }}'}", "h1"),
        ("", "{meta: '{{ carried.c }}'}"),
        ("", "{css: h1, process: [{append: '{{ carried.c }}'}]}"),
        ("", "{css: h1, process: [{map: {T: '{{carried.c}}'}}]}"),
        ("", """{xpath: "//*[@id='{{ carried.c }}']"}"""),
        ("", """{css: "[id='{{ carried.c }}']"}"""),
    ],
)
def test_a_template_where_none_is_filled_in_is_refused(page, rule):
    with pytest.raises(RecipeError, match="is not filled in here"):
        item_recipe(f"x: {rule}", page=page)


def test_braces_that_refer_to_nothing_are_text():
    assert row(item_recipe("x: {css: h1, process: [{append: '{{ x }}'}]}"), "<h1>T")["x"] == "T{{ x }}"


def test_rows_are_dropped_before_their_fields_are_read_so_drop_if_knows_no_row():
    with pytest.raises(RecipeError, match=r"`row\.v` is not known here"):
        item_recipe("x: {each: li, drop_if: '{{ row.v }}', fields: {v: b}}", contract={"x": "{type: array}"})
