"""Rules: which source gives the value, what missing means, which alternative wins."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from crawler.errors import PageError

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, row, run

HTML = """<!doctype html><title>t</title><meta name=author content="Ann"><meta property="og:title" content=" OG ">
<h1 id=a class=big>First <b>bold</b></h1><h1>Second</h1><p class=empty> </p><p class=price>12.50</p>
<ul><li>a<li>b<li>a</ul><div class=x><span>in</span> out</div><a href="../x?y=1#z">link</a><input disabled value="">
<table class=spec><tr><th>Size</th><td>XL</td></tr><tr><th>Zero</th><td>0</td></tr></table>
<script id=state type="application/json">{"a": {"b": "deep"}, "n": 1.50, "list": [1, 2], "html": "<i>x</i>"}</script>
"""


def one(rule: str, *, spec: str = "{type: string}", **given):
    return row(item_recipe(f"f: {rule}", contract={"f": spec}), HTML, **given)["f"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("h1", "First bold"),
        ('"h1::text"', "First"),
        ('"h1.big::attr(id)"', "a"),
        ("{xpath: \"//th[.='Size']/following-sibling::td\"}", "XL"),
        ("{xpath: 'string(//h1/@id)'}", "a"),
        ("{meta: author}", "Ann"),
        ('{meta: "og:title"}', "OG"),
        ("{response: url}", "https://shop.test/p/1"),
        ("{const: GBP}", "GBP"),
        ('{template: "{{ carried.c }}!"}', "kept!"),
        ('"{{ carried.c }}"', "kept"),
        ("{css: .x, remove: [span]}", "out"),
        ("{css: .x, as: html}", '<div class="x"><span>in</span> out</div>'),
        ("{css: .nothing, default: none}", "none"),
        ('{css: .nothing, default: "{{ carried.c }}"}', "kept"),
        ("[.nothing, .empty, h1]", "First bold"),
        ("[.nothing, {const: x}]", "x"),
        ("{any: [.nothing, .price], process: [{append: '!'}]}", "12.50!"),
        ("{any: [.nothing, .none], default: d, process: [{append: '!'}]}", "d"),
        ("{css: h1, when: .price}", "First bold"),
        ("[{css: h1, when: .nothing}, .price]", "12.50"),
        ("{css: h1, all: true, process: [{join: '|'}]}", "First bold|Second"),
        ("{union: [h1, .price], process: [{join: '|'}]}", "First bold|12.50"),
    ],
)
def test_each_source_gives_its_value(rule, expected):
    assert one(rule, carried={"c": "kept"}) == expected


@pytest.mark.parametrize(
    "rule", [".nothing", ".empty", '"input::attr(disabled)"', "{meta: nobody}", "{response: headers.x-none}"]
)
def test_what_is_not_there_is_missing(rule):
    assert one(rule) is None


def test_all_keeps_every_match_and_drops_missing_ones():
    assert one("{css: 'li, p.empty', all: true}", spec="{type: array}") == ["a", "b", "a"]
    assert one("{css: .nothing, all: true}", spec="{type: array}") is None


def test_count_counts_matches_and_zero_is_a_value():
    assert one("{css: li, as: count}", spec="{type: integer}") == 3
    assert one("{css: .nothing, as: count}", spec="{type: integer, required: true}") == 0


def test_more_than_one_distinct_value_is_counted_as_ambiguous_and_equal_ones_are_not():
    recipe = item_recipe("t: h1\np: .price\nl: 'li:first-child, li:last-child'")
    assert run(recipe, HTML).stats == {"recipe/ambiguous/t": 1}


def test_the_alternative_that_won_is_counted_from_one():
    recipe = item_recipe("t: [.nothing, h1]\np: [.price, h1]")
    stats = run(recipe, HTML).stats
    assert stats["recipe/alternative/t/2"] == 1
    assert stats["recipe/alternative/p/1"] == 1


def test_a_step_that_fails_is_counted_and_the_next_alternative_is_tried():
    recipe = item_recipe(
        "p: [{css: h1, process: [price]}, {css: .price, process: [price]}]", contract={"p": "{type: decimal}"}
    )
    result = run(recipe, HTML, trace=True)
    assert result.rows[0].values == {"p": Decimal("12.50")}
    assert result.stats["recipe/step_failed/p/1"] == 1
    assert result.traces[0].winner == 1


def test_a_reject_names_the_last_failed_step():
    recipe = item_recipe("p: {css: h1, process: [price]}", contract={"p": "{type: decimal, required: true}"})
    [reject] = run(recipe, HTML).rejects
    assert [(reason.field, reason.rule) for reason in reject.reasons] == [("p", "required")]
    assert reject.reasons[0].message == "is missing; step 1 (price): no amount in 'First bold'"


def test_sources_are_parsed_once_and_addressed_by_name():
    recipe = item_recipe(
        "a: {from: state, jmespath: a.b}\nn: {from: state, jmespath: n}\nh: {from: inner, css: i}",
        contract={"n": "{type: decimal}"},
        page="""
        sources:
          state: {css: 'script#state::text', parse: json}
          inner: {from: state, jmespath: html, parse: html}
        """,
    )
    assert row(recipe, HTML) == {"a": "deep", "n": Decimal("1.50"), "h": "x"}


def test_a_source_that_does_not_parse_is_counted_and_its_rules_are_missing():
    recipe = item_recipe("a: [{from: s, jmespath: a}, h1]", page="sources:\n  s: {css: .price, parse: json}\n")
    broken = HTML.replace("12.50", "{broken")
    result = run(recipe, broken)
    assert result.rows[0].values["a"] == "First bold"
    assert result.stats["recipe/source_unparsed"] == 1


def test_nested_each_makes_a_list_of_objects_bound_to_its_rows():
    recipe = item_recipe(
        """
        title: h1
        specs:
          each: .spec tr
          fields:
            name: th
            value: td
            of: "{{ item.title }}/{{ row.name }}"
        """,
        contract={"title": "{type: string}", "specs": "{type: array}"},
    )
    assert row(recipe, HTML)["specs"] == [
        {"name": "Size", "value": "XL", "of": "First bold/Size"},
        {"name": "Zero", "value": "0", "of": "First bold/Zero"},
    ]


def test_templates_see_fields_written_after_them():
    assert row(item_recipe('both: "{{ item.t }}-{{ item.p }}"\nt: h1\np: .price'), HTML)["both"] == "First bold-12.50"


def test_options_without_variants_become_every_combination_at_the_parents_price():
    recipe = item_recipe(
        """
        sku: {const: S}
        price: {css: .price, process: [price]}
        attributes:
          each: .o
          fields:
            name: b
            values: {css: i, all: true}
        variants:
          each: {from: forms, jmespath: "[*]"}
          else: {cartesian: attributes}
          fields:
            sku: {jmespath: sku, default: "{{ item.sku }}-{{ row.attributes.Size }}-{{ row.attributes.Hue }}"}
            price: {jmespath: price, process: [price]}
            attributes: {jmespath: attributes}
        """,
        contract={"price": "{type: decimal}", "attributes": "{type: array}", "variants": "{type: array}"},
        page="sources:\n  forms: {css: 'form::attr(data-variants)', parse: json}",
    )
    html = "<p class=price>9.90</p><p class=o><b>Size</b><i>S</i><i>M</i></p><p class=o><b>Hue</b><i>red</i></p>"
    variants = row(recipe, html)["variants"]
    assert [(variant["sku"], variant["price"]) for variant in variants] == [
        ("S-S-red", Decimal("9.90")),
        ("S-M-red", Decimal("9.90")),
    ]


def test_preceding_and_table_read_around_the_row():
    recipe = item_recipe(
        """
        group: {preceding: {css: tr.head, value: th}}
        size: {table: {header: Size}}
        """,
        page="each: tr.row",
    )
    html = """<table><tr><th>Name</th><th>Size</th></tr><tr class=head><th>Chairs</th></tr>
    <tr class=row><td>A</td><td>S</td></tr><tr class=head><th>Desks</th></tr><tr class=row><td>B</td><td>L</td></tr>
    </table>"""
    assert [dict(found.values) for found in run(recipe, html).rows] == [
        {"group": "Chairs", "size": "S"},
        {"group": "Desks", "size": "L"},
    ]


def test_a_failing_condition_fails_the_page_instead_of_not_holding():
    recipe = item_recipe("a: a", page="parse: json\ndrop_if: {jmespath: 'length(a) > `1`'}")
    with pytest.raises(PageError, match="condition"):
        run(recipe, '{"a": 1}', content_type="application/json")


def test_a_rule_for_html_on_a_json_answer_fails_the_page_with_the_reason():
    with pytest.raises(PageError, match="the page is json"):
        run(item_recipe("a: h1"), '{"a": 1}', content_type="application/json")


def test_a_template_that_cannot_be_text_is_a_failure_of_the_field():
    recipe = item_recipe('a: "x{{ item.l }}"\nl: {css: li, all: true}', contract={"l": "{type: array}"})
    result = run(recipe, HTML)
    assert result.rows[0].values["a"] is None
    assert result.stats["recipe/source_failed/a"] == 1
