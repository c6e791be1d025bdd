"""What one page gives out, and where a crawl begins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import InputError, PageMismatch, PathGone
from crawler.recipe.extract import after_loss, joined_fields, start_requests
from crawler.recipe.model import Chain, PageRequest

sys.path.insert(0, str(Path(__file__).parent))

from engine import recipe_of, run

PRODUCT = """
items:
  product:
    version: 1
    key: [name]
    fields:
      name: {type: string, required: true}
      list_price: {type: string}
"""

SHOP = (
    """
inputs:
  site: {type: string, format: uri, default: "https://shop.test"}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing:
    match: ['^https?://[^/]+/($|c/)']
    drop_if: {css: body.gone}
    follow:
      - each: article
        links: h3 a
        carry: {list_price: .price}
        page: product
        deny: ['/gift']
      - {links: nav a, page: listing, allow: ['/c/']}
    paginate: {next: a.next}
  product:
    match: ['/p/']
    item: product
    fields:
      name: h1
      list_price: "{{ carried.list_price }}"
"""
    + PRODUCT
)

LISTING = """<nav><a href=/c/a>a</a><a href=/about>about</a><a href="mailto:x@y.z">m</a></nav>
<article><h3><a href="p/1#top">1</a></h3><b class=price>9</b></article>
<article><h3><a href="/p/2">2</a></h3></article>
<article><h3><a href="/p/gift-card">g</a></h3></article>
<article><h3><a href="/p/1">again</a></h3></article>
<a class=next href="?page=2">next</a>"""


def listing(body=LISTING, **given):
    return run(recipe_of(SHOP), body, page="listing", url="https://shop.test/", **given)


def test_links_become_absolute_requests_with_what_their_row_carries():
    found = [(request.url, request.page, dict(request.carried)) for request in listing().requests]
    assert found == [
        ("https://shop.test/p/1", "product", {"list_price": "9"}),
        ("https://shop.test/p/2", "product", {}),
        ("https://shop.test/c/a", "listing", {}),
    ]


def test_links_that_are_no_web_links_are_counted():
    assert listing().stats["recipe/link_ignored"] == 1


def test_base_href_decides_where_links_lead():
    result = listing('<base href="https://cdn.test/x/"><article><h3><a href="p/1">1</a></h3></article>')
    assert [request.url for request in result.requests] == ["https://cdn.test/x/p/1"]


def test_a_soft_404_is_dropped_and_gives_nothing():
    result = listing(LISTING.replace("<nav>", "<body class=gone><nav>"))
    assert (result.outcome, result.requests, result.next) == ("dropped", (), None)


def test_a_page_with_nothing_names_the_selector_and_the_likely_cause():
    result = listing("<!doctype html><div id=root></div><script src=app.js></script>")
    assert result.outcome == "empty"
    assert result.cause.sentence() == (
        "listing: `article` matched 0 on 1 page (status 200, 62 bytes: probably rendered by JavaScript)"
    )


def test_the_final_url_must_match_the_page_type():
    with pytest.raises(PageMismatch, match=r"product: the final URL https://shop.test/login does not match /p/"):
        run(recipe_of(SHOP), "<h1>x</h1>", page="product", url="https://shop.test/login")


def test_without_a_page_type_the_only_one_that_matches_is_taken():
    assert run(recipe_of(SHOP), "<h1>x</h1>", page=None, url="https://shop.test/p/1").page == "product"
    with pytest.raises(PageMismatch, match="matches no page type"):
        run(recipe_of(SHOP), "<h1>x</h1>", page=None, url="https://shop.test/about")


def test_a_row_that_breaks_its_contract_is_kept_with_field_and_rule():
    result = run(recipe_of(SHOP), "<p>no heading</p>", page="product")
    assert not result.rows
    [reject] = result.rejects
    assert [(reason.field, reason.rule) for reason in reject.reasons] == [("name", "required")]
    assert reject.url == "https://shop.test/p/1"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (".gone", "css: .gone matches nothing"),
        ("{css: h1, process: [{regex: '[0-9]+'}]}", "the steps leave nothing of 'Name'"),
        ("{css: h1, process: [price]}", "step 1 (price): no amount in 'Name'"),
        ("[.gone, {css: h1, process: [{regex: '[0-9]+'}]}]", "the steps leave nothing of 'Name'"),
    ],
)
def test_an_accepted_row_says_why_a_field_is_missing(rule, why):
    recipe = recipe_of(SHOP.replace('"{{ carried.list_price }}"', rule).replace("carry: {list_price: .price}", ""))
    [accepted] = run(recipe, "<h1>Name</h1>", page="product").rows
    assert dict(accepted.gaps) == {"list_price": why}


# --- lists ---

API = (
    """
start: [{urls: "https://api.test/items?per_page=2", page: items}]
pages:
  items:
    parse: json
    each: {jmespath: "items[*]"}
    paginate: %s
    item: product
    fields: {name: name, list_price: price}
"""
    + PRODUCT
)

TWO = """{"items": [{"name": "a"}, {"name": "b"}], "more": true, "after": "c 1", "total": 5,
 "links": {"next": "/items?p=2"}}"""


def page_of(paginate: str, body=TWO, *, url="https://api.test/items?per_page=2", chain=None):
    request = PageRequest(url=url, page="items", chain=chain)
    return run(recipe_of(API % paginate), body, url=url, request=request, content_type="application/json")


@pytest.mark.parametrize(
    ("paginate", "expected"),
    [
        ("{next: {jmespath: links.next}}", "https://api.test/items?p=2"),
        ("{param: page, start: 1}", "https://api.test/items?per_page=2&page=2"),
        ("{param: page, start: 0, step: 5}", "https://api.test/items?per_page=2&page=5"),
        ("{offset: skip, size: 2}", "https://api.test/items?per_page=2&skip=2"),
        ("{offset: skip, size: 2, total: {jmespath: total}}", "https://api.test/items?per_page=2&skip=2"),
        ("{cursor: {jmespath: after}, param: after}", "https://api.test/items?per_page=2&after=c+1"),
        ("{param: page, start: 1, while: {jmespath: more}}", "https://api.test/items?per_page=2&page=2"),
    ],
)
def test_each_kind_of_list_finds_its_second_page(paginate, expected):
    result = page_of(paginate)
    assert result.next.url == expected
    assert result.next.chain.number == 2
    assert result.next.page == "items"


def test_counting_lists_count_on_from_their_own_value():
    first = page_of("{param: page, start: 1}").next
    assert page_of("{param: page, start: 1}", url=first.url, chain=first.chain).next.url.endswith("&page=3")


@pytest.mark.parametrize(
    ("paginate", "body", "end"),
    [
        ("{next: {jmespath: links.next}}", '{"items": [{"name": "a"}], "links": {"next": null}}', "last"),
        ("{cursor: {jmespath: after}, param: after}", '{"items": [{"name": "a"}], "after": ""}', "last"),
        ("{param: page, while: {jmespath: more}}", '{"items": [{"name": "a"}], "more": false}', "while"),
        ("{param: page}", '{"items": []}', "no_rows"),
        ("{offset: skip, size: 2, total: {jmespath: total}}", '{"items": [{"name": "a"}], "total": 1}', "total"),
        ("{param: page, max_pages: 1}", TWO, "max_pages"),
    ],
)
def test_a_list_ends_for_a_reason(paginate, body, end):
    result = page_of(paginate, body)
    assert (result.next, result.chain_end) == (None, end)


def test_a_json_page_whose_rows_path_is_gone_fails_while_an_empty_list_is_empty():
    with pytest.raises(PathGone, match=r"items\[\*\]"):
        page_of("{param: page}", '{"error": "try later"}')
    assert page_of("{param: page}", '{"items": []}').outcome == "empty"


def test_a_page_past_the_end_of_a_list_is_no_fault():
    assert page_of("{param: page}", '{"items": []}', chain=Chain(id="x", number=3)).outcome == "ok"


def test_marks_say_what_a_page_shows_so_that_the_same_content_gives_the_same_marks():
    assert page_of("{param: page}").marks == page_of("{param: page}", url="https://api.test/items?page=9").marks
    assert not set(page_of("{param: page}").marks) & set(page_of("{param: page}", '{"items": [{"name": "c"}]}').marks)


def test_only_a_page_of_a_list_says_what_it_shows():
    recipe = recipe_of("""\
        start: [{urls: 'https://shop.test/', page: page}]
        pages: {page: {each: li, item: thing, fields: {a: b}, follow: [{links: a, page: page}]}}
        items: {thing: {version: 1, key: [a], fields: {a: {type: string}}}}
    """)
    html = "<li><b>1</b></li><a href=/2>"
    listed = PageRequest(url="https://shop.test/", page="page", chain=Chain(id="x"))
    result, in_a_list = run(recipe, html), run(recipe, html, request=listed)
    assert (len(result.rows), len(result.requests), result.marks) == (1, 1, ())
    assert len(in_a_list.marks) == 2


# --- lost pages ---


def lost(paginate: str, **given):
    status = given.pop("status", 500)
    request = PageRequest(url="https://api.test/items?page=4", page="items", chain=Chain(id="x", number=4, **given))
    return after_loss(recipe_of(API % paginate), request, {}, status=status)


def test_counting_lists_step_over_a_lost_page_and_others_cannot():
    assert lost("{param: page}", value=4).next.url == "https://api.test/items?page=5"
    assert lost("{offset: page, size: 10}", value=4).next.url == "https://api.test/items?page=14"
    assert lost("{cursor: {jmespath: after}, param: page}").next is None
    assert lost("{next: {jmespath: links.next}}").next is None


def test_after_three_lost_pages_in_a_row_a_counting_list_gives_up():
    assert lost("{param: page}", value=4, lost=1).next.chain.lost == 2
    assert lost("{param: page}", value=4, lost=2).next is None


def test_a_404_past_the_first_page_is_the_end_of_a_counting_list():
    assert lost("{param: page}", value=4, status=404).next is None


# --- one row over several pages ---

ARTICLE = """
start: [{urls: "https://news.test/a", page: article}]
pages:
  article:
    paginate: {next: a.next, append: [body]}
    item: article
    fields:
      title: h1
      body: {css: p, all: true}
items:
  article:
    version: 1
    fields:
      title: {type: string, required: true}
      body: {type: array}
"""


def chapter(body, request=None, url="https://news.test/a"):
    return run(recipe_of(ARTICLE), body, page="article", url=url, request=request)


def test_appended_fields_of_later_pages_join_the_first_pages_row():
    first = chapter("<h1>T</h1><p>1<p>2<a class=next href=/a2>")
    assert first.rows == ()
    assert not first.next.dedupe
    last = chapter("<h1>other</h1><p>3", first.next, first.next.url)
    assert [dict(row.values) for row in last.rows] == [{"title": "T", "body": ["1", "2", "3"]}]


def test_a_row_that_is_too_large_to_travel_to_its_next_page_is_given_out_and_counted():
    first = chapter(f"<h1>T</h1><p>{'x' * 100_000}<a class=next href=/a2>")
    assert (first.rows, first.stats.get("recipe/too_large_to_wait")) == ((), None)
    second = chapter(f"<p>{'y' * 100_000}<a class=next href=/a3>", first.next, first.next.url)
    assert [len(part) for row in second.rows for part in row.values["body"]] == [100_000, 100_000]
    assert (second.next, second.chain_end, second.stats["recipe/too_large_to_wait"]) == (None, "too_large", 1)


def test_an_appended_list_that_loops_gives_its_row():
    first = chapter("<h1>T</h1><p>1<a class=next href=/a2>")
    second = chapter("<p>2<a class=next href=/a>", first.next, first.next.url)
    assert (second.next, second.chain_end) == (None, "loop")
    assert second.rows[0].values["body"] == ["1", "2"]


def test_a_lost_page_gives_the_row_that_waited_for_it():
    first = chapter("<h1>T</h1><p>1<a class=next href=/a2>")
    result = after_loss(recipe_of(ARTICLE), first.next, {}, status=500)
    assert result.rows[0].values == {"title": "T", "body": ["1"]}


def test_text_is_joined_by_a_newline_and_missing_parts_leave_it_as_it_is():
    assert joined_fields({"a": "x", "b": "1"}, {"a": "y", "c": "z"}) == {
        "a": "x\ny",
        "b": "1",
        "c": "z",
    }


# --- start ---

START = (
    """
inputs:
  site: {type: string, default: "https://shop.test"}
  categories: {type: array, items: {type: string}, default: [chairs, tables]}
  none: {type: string, required: false}
start:
  - urls: "{{ inputs.site }}/c/{{ category }}?sort={{ sort }}"
    for_each: {category: "{{ inputs.categories }}", sort: [up, down]}
    page: listing
  - urls: ["https://shop.test/a", "https://shop.test/b#x"]
    page: listing
  - request:
      url: "{{ inputs.site }}/api?x=1"
      query: {per_page: 100, "cat[]": "{{ inputs.categories }}", none: "{{ inputs.none }}", flag: true}
      headers: {Accept: application/json}
    page: listing
  - request: {url: "https://shop.test/search", method: POST, form: {q: "a b", "c[]": [1, 2]}}
    page: listing
  - request: {url: "https://shop.test/graph", method: POST, json: {query: "{{ inputs.categories }}", n: 1.50}}
    page: listing
pages:
  listing:
    item: product
    fields: {name: h1, list_price: .price}
"""
    + PRODUCT
)


def started(**given):
    recipe = recipe_of(START)
    return start_requests(recipe, recipe.inputs.resolve(given))


def test_start_gives_every_combination_in_order():
    urls = [request.url for request in started()]
    assert urls[:6] == [
        "https://shop.test/c/chairs?sort=up",
        "https://shop.test/c/chairs?sort=down",
        "https://shop.test/c/tables?sort=up",
        "https://shop.test/c/tables?sort=down",
        "https://shop.test/a",
        "https://shop.test/b",
    ]


def test_a_list_repeats_its_query_key_and_a_missing_value_leaves_it_out():
    api = started()[6]
    assert api.url == "https://shop.test/api?x=1&per_page=100&cat%5B%5D=chairs&cat%5B%5D=tables&flag=true"
    assert dict(api.headers) == {"Accept": "application/json"}


def test_forms_and_json_become_bodies_with_their_content_type():
    form, graph = started()[7:]
    assert (form.method, form.body) == ("POST", b"q=a+b&c%5B%5D=1&c%5B%5D=2")
    assert dict(form.headers) == {"Content-Type": "application/x-www-form-urlencoded"}
    assert graph.body == b'{"query":["chairs","tables"],"n":1.50}'
    assert dict(graph.headers) == {"Content-Type": "application/json"}


def test_a_start_url_that_is_none_is_refused_with_the_template():
    with pytest.raises(InputError, match=r"start\[0\]: `\{\{ inputs.site \}\}.*gives 'nowhere"):
        started(site="nowhere")


def test_a_list_where_a_text_must_stand_is_refused_at_start():
    recipe = recipe_of(START.replace('"{{ inputs.site }}/c/', '"https://x.test/{{ inputs.categories }}/'))
    with pytest.raises(InputError, match=r"start\[0\]"):
        start_requests(recipe, recipe.inputs.resolve({}))
