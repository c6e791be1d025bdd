"""Why a field is missing, and rules outside of recipes."""

from decimal import Decimal

import pytest

from crawler.recipe.diagnose import RuleRefused, diagnose, evaluate_rule, rule_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest

RECIPE = """\
schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: "https://x.example/", page: listing}]
pages:
  listing:
    follow: [{each: .cards li, links: h2 a, page: book}]
    paginate: {next: .pager a.next}
  api:
    parse: json
    each: {jmespath: "data.items[*]"}
    item: offer
    fields: {sku: sku}
    follow: [{links: {jmespath: "urls[]"}, page: api}]
  book:
    follow: [{links: .related a, page: api}]
    item: book
    sources:
      ld: {css: "script.ld::text", parse: json}
    fields:
      title: [".head h1", h1]
      price: {css: .price, process: [price]}
      stock: {css: ".summary .stock b"}
      brand: {from: ld, jmespath: brand.name}
      sizes: {each: .sizes li, fields: {name: b.size}}
items:
  offer: {version: 1, fields: {sku: {type: string}}}
  book:
    version: 1
    fields:
      title: {type: string}
      price: {type: decimal}
      stock: {type: string}
      brand: {type: string}
      sizes: {type: array}
"""


def run(page, body):
    recipe = load_recipe_text(RECIPE)
    request = PageRequest(url="https://x.example/", page=page)
    return diagnose(recipe, PageInput(request=request, url=request.url, body=body.encode()))


def test_a_missing_field_shows_the_longest_part_of_its_selector_that_matches():
    found = {one.path: one for one in run("book", "<div class=summary><p class=stock>none</div>").findings}
    (miss,) = found["stock"].misses
    assert (miss.source, miss.prefix, miss.prefix_matches) == ("css: .summary .stock b", ".summary .stock", 1)
    assert found["stock"].filled == 0


def test_alternatives_before_the_winner_are_explained_and_those_after_are_not():
    found = {one.path: one for one in run("book", "<h1>Oak</h1>").findings}
    assert found["title"].first.winner == 1
    assert found["title"].alternatives == 2
    assert [miss.source for miss in found["title"].misses] == ["css: .head h1"]


def test_an_alternative_after_the_winner_is_no_miss():
    found = {one.path: one for one in run("book", '<div class="head"><h1>Oak</h1></div>').findings}
    assert found["title"].first.winner == 0
    assert found["title"].misses == ()


def test_a_page_source_that_is_not_there_is_named():
    found = {one.path: one for one in run("book", "<h1>Oak</h1>").findings}
    assert [miss.note for miss in found["brand"].misses] == ["the page has no source `ld`"]


def test_a_failed_step_is_told_with_its_number():
    found = {one.path: one for one in run("book", "<p class=price>€5 or €6</p>").findings}
    assert found["price"].first.failure.startswith("step 1 (price)")


def test_fields_of_nested_rows_are_counted_over_all_rows():
    body = "<ul class=sizes><li><b class=size>S</b><li>M</ul>"
    found = {one.path: one for one in run("book", body).findings}
    assert (found["sizes[].name"].filled, found["sizes[].name"].rows) == (1, 2)


def test_links_and_next_pages_that_are_missing_are_explained():
    diagnosis = run("listing", "<ul class=cards><li><h2>no link</h2></ul><p class=pager>")
    assert {where: [miss.prefix for miss in misses] for where, misses in diagnosis.misses.items()} == {
        "follow[0].links": ["h2"],
        "paginate.next": [".pager"],
    }


def test_rows_whose_path_is_gone_are_an_error_with_its_reason():
    diagnosis = run("api", '{"data": {"products": []}}')
    assert diagnosis.result is None
    assert type(diagnosis.error).__name__ == "PathGone"
    assert "each" in diagnosis.misses


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("h1", "Oak"),
        ("h1 ::text", "Oak"),
        ({"css": ".price", "process": ["price"]}, Decimal("5.00")),
        ("{css: .price, process: [price]}", Decimal("5.00")),
        ("css: .price\nprocess: [price]", Decimal("5.00")),
        ("- h7x\n- h1", None),
        ("- .none\n- h1", "Oak"),
        ("[.none, h1]", "Oak"),
        ("xpath: //h1", "Oak"),
        ("{css: li, all: true}", ["a", "b"]),
        ("{{ row.x }}", None),
        ("each: li\nfields:\n  name: b", [{"name": "a"}, {"name": "b"}]),
        ({"response": "url"}, "https://x.example/"),
    ],
)
def test_a_rule_on_its_own_gives_what_it_would_give_in_a_recipe(rule, value):
    page = rule_page("https://x.example/", b"<h1>Oak</h1><p class=price>5.00 EUR<ul><li><b>a</b><li><b>b</b></ul>")
    if value is None:
        with pytest.raises(RuleRefused):
            evaluate_rule(rule, page)
    else:
        assert evaluate_rule(rule, page).value == value


def test_a_rule_reads_json_as_jmespath():
    page = rule_page(
        "https://x.example/", b'{"items": [{"name": "Oak"}]}', headers={"content-type": "application/json"}
    )
    assert evaluate_rule("items[0].name", page).value == "Oak"


def test_a_wrong_rule_is_refused_with_a_hint_and_without_a_place_in_a_file():
    with pytest.raises(RuleRefused) as caught:
        evaluate_rule("{css: h1, proces: [strip]}", rule_page("https://x.example/", b"<h1>Oak</h1>"))
    assert str(caught.value) == "proces: unknown key 'proces' (did you mean 'process'?)"
