"""What pages fill and what contracts want is held against each other, also in nested rows."""

import pytest

from crawler.errors import RecipeError
from crawler.recipe.crosscheck_fields import fields_read
from crawler.recipe.loader import load_recipe_text

HEAD = """schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: "https://a.example", page: one}]
pages:
"""


def problems(pages: str, items: str, more: str = "") -> list[tuple[str, str, str]]:
    text = f"{HEAD}{pages}items:\n{items}{more}"
    try:
        load_recipe_text(text)
    except RecipeError as error:
        return [(problem.path, problem.message, problem.hint or "") for problem in error.problems]
    return []


PAGE = "  one: {item: thing, fields: {title: h1, price: .price}}\n"
ITEM = "  thing: {version: 1, key: [title], fields: {title: {type: string}, price: {type: string}}}\n"


def test_pages_that_fill_their_item_are_accepted():
    assert problems(PAGE, ITEM) == []


def test_a_field_beyond_the_contract_is_allowed():
    assert problems(PAGE.replace("price: .price", "price: .price, helper: h2"), ITEM) == []


def test_a_field_that_looks_like_one_the_page_leaves_out_is_a_misspelling():
    """Another page fills the contract's field, so that nothing is missing: only the likeness tells."""
    pages = PAGE.replace("price: .price", "price: .price, sku: .sku") + "  two: {item: thing, fields: {titel: h1}}\n"
    start = "  zero: {follow: [{links: a, page: two}, {links: b, page: zero}, {links: c, page: one}]}\n"
    items = ITEM.replace("price: {type", "sku: {type: string}, price: {type")
    found = problems(pages + start, items)
    assert ("pages.two.fields.titel", "the item 'thing' has no field 'titel'", "did you mean 'title'?") in found


def test_a_field_that_nothing_fills_is_reported_with_the_field_that_is_too_many():
    assert problems(PAGE.replace("price:", "prices:"), ITEM) == [
        ("pages.one.fields.prices", "the item 'thing' has no field 'prices'", "did you mean 'price'?"),
        ("items.thing.fields.price", "no page fills the field 'price'", "did you mean 'prices'?"),
    ]


def test_a_field_that_is_too_many_is_reported_while_one_is_missing_without_any_likeness():
    assert [path for path, _, _ in problems(PAGE.replace("price:", "quite_other:"), ITEM)] == [
        "pages.one.fields.quite_other",
        "items.thing.fields.price",
    ]


def test_only_the_like_named_field_is_reported_where_one_explains_what_is_missing():
    found = problems(PAGE.replace("price:", "helper: h2, prices:"), ITEM)
    assert [path for path, _, _ in found] == ["pages.one.fields.prices", "items.thing.fields.price"]


def test_a_key_names_a_field():
    assert problems(PAGE, ITEM.replace("[title]", "[titel]")) == [
        ("items.thing.key[0]", "there is no field 'titel'", "did you mean 'title'?")
    ]


def test_a_page_whose_fields_are_broken_makes_no_field_unfilled():
    found = problems("  one: {item: thing, fields: 5}\n", ITEM)
    assert [path for path, _, _ in found] == ["pages.one.fields"]


NESTED_PAGE = """  one:
    item: thing
    fields:
      title: h1
      price: p
      parts: {each: li, fields: {name: b, sizes: {each: i, fields: {width: u}}}}
"""
NESTED_ITEM = """  thing:
    version: 1
    fields:
      title: {type: string}
      price: {type: string}
      parts:
        type: array
        items:
          type: object
          properties:
            name: {type: string}
            sizes: {type: array, items: {type: object, properties: {width: {type: string}}}}
"""


def test_nested_rows_fill_the_properties_of_the_contract():
    assert problems(NESTED_PAGE, NESTED_ITEM) == []


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ("{name: b", "{nmae: b", {"pages.one.fields.parts.fields.nmae", "pages.one.fields.parts.fields"}),
        (
            "{width: u}",
            "{widht: u}",
            {"pages.one.fields.parts.fields.sizes.fields.widht", "pages.one.fields.parts.fields.sizes.fields"},
        ),
        ("name: b, ", "", {"pages.one.fields.parts.fields"}),
    ],
)
def test_nested_fields_are_held_against_nested_properties(old, new, paths):
    assert {path for path, _, _ in problems(NESTED_PAGE.replace(old, new), NESTED_ITEM)} == paths


def test_nested_rows_may_have_more_fields_than_the_contract_names():
    assert problems(NESTED_PAGE.replace("{name: b", "{other: a, name: b"), NESTED_ITEM) == []


def test_alternatives_of_rows_fill_the_properties_together():
    page = NESTED_PAGE.replace(
        "{each: li, fields: {name: b, sizes", "[{each: dl, fields: {name: dt}}, {each: li, fields: {sizes"
    ).replace("{width: u}}}}", "{width: u}}}}]")
    assert problems(page, NESTED_ITEM) == []


def test_a_list_and_one_value_are_told_apart_per_alternative():
    page = PAGE.replace(
        "price: .price", "price: [.a, {css: .b, all: true}, {css: .c, all: true, process: [{join: x}]}]"
    )
    found = problems(page, ITEM)
    assert [(path, message) for path, message, _ in found] == [
        ("pages.one.fields.price[1]", "'price' is of type string, but this gives a list")
    ]


def test_exports_and_tests_name_fields_of_their_item():
    more = (
        "exports: [{name: a, item: thing, format: csv, columns: {prise: {join: x}}}]\n"
        "tests: [{page: one, snapshot: a, url: 'https://a.example', expect: {titel: A, rwos: 2, price: null}}]\n"
    )
    assert problems(PAGE, ITEM, more) == [
        ("exports[0].columns.prise", "the item has no field 'prise'", "did you mean 'price'?"),
        ("tests[0].expect.titel", "the item 'thing' has no field 'titel'", "did you mean 'title'?"),
        ("tests[0].expect.rwos", "the item 'thing' has no field 'rwos'", "did you mean 'rows'?"),
    ]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("!regular_price || regular_price >= price", ["regular_price", "price"]),
        ("!variants[?!attributes]", ["variants"]),
        ("length(images) > `2`", ["images"]),
        ("a.b[0].c && d", ["d", "a"]),
        ("sort_by(variants, &price)[0].price", ["variants"]),
        ("[a, b] | [0]", ["a", "b"]),
        ("{x: a}.x", ["a"]),
        ("a.*.b == c[].d", ["a", "c"]),
        ("@", []),
        ("not a ( valid", []),
    ],
)
def test_the_fields_that_a_check_reads_are_those_of_the_row(expression, names):
    assert sorted(fields_read(expression)) == sorted(names)


def test_a_check_of_a_field_that_is_not_there_is_refused():
    item = ITEM.replace("fields: {title", "checks: [{jmespath: 'prise || title'}], fields: {title")
    assert problems(PAGE, item) == [
        ("items.thing.checks[0].jmespath", "the item has no field 'prise'", "did you mean 'price'?")
    ]


@pytest.mark.parametrize(
    ("rule", "spec", "path", "message", "hint"),
    [
        ("{const: free}", "type: decimal", "price", "can never be 'free'", "change it"),
        ("[p, {const: InStok}]", "type: string, enum: [InStock]", "price[1]", "can never be 'InStok'", "'InStock'"),
        ("{css: p, default: none}", "type: integer", "price.default", "can never be 'none'", "change it"),
        ("{any: [p], default: -1}", "type: integer, minimum: 0", "price.default", "below the minimum", "change it"),
        (
            "{css: p, process: [strip, {map: {values: {a: InStock}, else: OutStock}}]}",
            "type: string, enum: [InStock, OutOfStock]",
            "price.process[1]",
            "can never be 'OutStock'",
            "'OutOfStock'",
        ),
        ("{css: p, process: [{map: {One: 1, Two: zwei}}]}", "type: integer", "price.process[0]", "never be 'zwei'", ""),
    ],
)
def test_a_value_in_the_recipe_that_the_contract_would_always_refuse_is_refused(rule, spec, path, message, hint):
    item = ITEM.replace("price: {type: string}", f"price: {{{spec}}}")
    ((found_path, found_message, found_hint),) = problems(PAGE.replace("price: .price", f"price: {rule}"), item)
    assert found_path == f"pages.one.fields.{path}"
    assert message in found_message
    assert hint in found_hint


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("{const: '12.50'}", "type: decimal"),
        ("{const: /a}", "type: string, format: uri"),
        ("{css: p, process: [{map: {One: 1, Two: '2'}}]}", "type: integer"),
        ("{css: p, process: [{map: {a: b}}, upper]}", "type: string, enum: [B]"),
        ("{css: p, default: 0}", "type: decimal"),
        ("{css: p, default: '{{ item.title }}'}", "type: integer"),
    ],
)
def test_values_that_the_contract_takes_are_let_through(rule, spec):
    item = ITEM.replace("price: {type: string}", f"price: {{{spec}}}")
    assert problems(PAGE.replace("price: .price", f"price: {rule}"), item) == []
