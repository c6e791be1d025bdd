"""Advice is given where it helps, and a recipe that needs none gets none."""

import pytest

from crawler.recipe.lint import lint_recipe
from crawler.recipe.loader import load_recipe_text

GOOD = """schema_version: 1
name: shop
version: "1.0.0"
allowed_domains: [a.example]
inputs: {site: {type: string, default: "https://a.example"}}
start: [{urls: "{{ inputs.site }}", page: listing}]
pages:
  listing:
    follow: [{links: a, page: product, carry: {shelf: h1}}]
  product:
    sources:
      data: {css: "script::text", parse: json}
    item: product
    fields:
      title: h1
      price: {css: .price, process: [price]}
      shelf: "{{ carried.shelf }}"
      code: {from: data, jmespath: code}
items:
  product:
    version: 1
    key: [title]
    fields:
      title: {type: string}
      price: {type: decimal}
      shelf: {type: string}
      code: {type: string}
quality: {items: {minimum: 1}}
exports: [{name: all, item: product, format: csv}]
tests:
  - {page: listing, snapshot: l.html, url: "https://a.example", expect: {follow: {product: 1}}}
  - {page: product, snapshot: p.html, url: "https://a.example/p", expect: {title: A}}
"""


def advice(old: str = "", new: str = "") -> list[tuple[int, str, str]]:
    assert old in GOOD
    text = GOOD.replace(old, new, 1) if old else GOOD
    return [(problem.line, problem.message, problem.hint) for problem in lint_recipe(load_recipe_text(text))]


def test_a_good_recipe_gets_no_advice():
    assert advice() == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ("title: h1", "title: table > tr td", 15, "a tbody between", "`table tr`"),
        ("title: h1", "title: 'table.specs>tr:first-child'", 15, "a tbody between", "`table tr`"),
        ("title: h1", "title: {css: 'div table[x] > tr'}", 15, "a tbody between", "`table tr`"),
        ("title: h1", "title: {xpath: '//table[1]/tr'}", 15, "a tbody between", "`table//tr`"),
        ("title: h1", "title: 'head > link::attr(href)'", 15, "often elsewhere in the tree", "drop `head`"),
        ("title: h1", "title: 'noscript img::attr(src)'", 15, "often elsewhere in the tree", "drop `noscript`"),
        ("title: h1", "title: {css: 'product_title'}", 15, "no HTML element `product", ""),
        ("title: h1", "title: {css: 'artcle.big'}", 15, "there is no HTML element `artcle`", "a class needs a dot"),
        ("script::text", "script", 12, "the visible text of a script is empty", "script::text"),
        ("{css: .price, process: [price]}", ".price", 16, "'price' is a decimal", "process: [price]"),
        ("{css: .price, process: [price]}", "[.a, {css: .b, process: [price]}]", 16, "'price' is a decimal", "[price]"),
        (
            "      title: h1\n",
            "      title: h1\n      extra: h2\n",
            16,
            "'extra' is read and thrown away",
            "items.product",
        ),
        (
            "inputs: {",
            "inputs: {other: {type: string, required: false}, ",
            5,
            "nothing uses the input 'other'",
            "delete",
        ),
        ("{from: data, jmespath: code}", "h2", 12, "nothing reads the page source 'data'", "from: data"),
        ("{shelf: h1}", "{shelf: h1, label: h2}", 9, "nothing uses the carried value 'label'", "delete"),
        (
            "follow: [",
            "follow: [{links: b, page: product}, ",
            9,
            "also reached without 'shelf'",
            "whichever came first",
        ),
        ("    key: [title]\n", "", 20, "the same row twice is two rows", "title, price or shelf"),
        ("quality: {items: {minimum: 1}}\n", "", 19, "without `quality` one row makes a good run", "minimum"),
    ],
)
def test_advice_says_where_why_and_what_to_do(old, new, line, message, hint):
    found = advice(old, new)
    assert len(found) == 1, found
    assert found[0][0] == line
    assert message in found[0][1]
    assert hint in found[0][2]


def test_a_page_type_without_a_test_is_named():
    text = GOOD[: GOOD.index("tests:")]
    found = lint_recipe(load_recipe_text(text))
    assert [(problem.line, problem.path) for problem in found] == [(8, "pages.listing"), (10, "pages.product")]
    assert [problem.hint for problem in found] == [
        "save one with `crawlery recipe record shop URL --page listing`",
        "save one with `crawlery recipe record shop URL --page product`",
    ]


def test_fixed_start_urls_without_allowed_domains_are_named():
    text = GOOD.replace("allowed_domains: [a.example]\n", "").replace('"{{ inputs.site }}"', "https://a.example")
    text = text.replace('inputs: {site: {type: string, default: "https://a.example"}}\n', "")
    (problem,) = lint_recipe(load_recipe_text(text))
    assert "allowed_domains" in problem.message


def test_an_item_that_no_export_writes_is_named():
    text = GOOD.replace("    follow:", "    item: shelf\n    fields: {name: h1}\n    follow:").replace(
        "items:\n", "items:\n  shelf: {version: 1, key: [name], fields: {name: {type: string}}}\n"
    )
    (problem,) = lint_recipe(load_recipe_text(text))
    assert problem.message == "no export writes the rows of 'shelf'"


def test_xml_may_have_any_element():
    text = GOOD.replace("    sources:", "    parse: xml\n    sources:").replace("title: h1", "title: {css: headline}")
    assert lint_recipe(load_recipe_text(text)) == []


def test_advice_is_in_file_order_and_has_the_name_of_the_file(tmp_path):
    path = tmp_path / "shop.yaml"
    text = GOOD[: GOOD.index("tests:")].replace("title: h1", "title: table > tr")
    path.write_text(text)
    found = lint_recipe(load_recipe_text(text, path=path))
    assert [problem.line for problem in found] == [8, 10, 15]
    assert {problem.file for problem in found} == {str(path)}


INCREMENTAL = "incremental: {skip_unchanged: [etag]}\nquality"


def test_what_incremental_asks_for_in_vain_is_said():
    assert advice("quality", INCREMENTAL) == []
    ((_, message, hint),) = advice("quality", INCREMENTAL.replace("etag", "sitemap_lastmod"))
    assert message == "no entry of `start` is a sitemap, so none has a lastmod"
    ((_, message, hint),) = advice("quality", INCREMENTAL.replace("{", "{emit: all, "))
    assert message == "rows of pages that are not read are in no file, also with `emit: all`"
    assert hint == "leave out skip_unchanged to have them all"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("title: h1", 'title: {request: {url: "https://a.example/t"}, jmespath: t}', "its rows wait for follow-up"),
        (
            "    item: product\n",
            "    item: product\n    paginate: {next: .n, append: [price]}\n",
            "go on over several pages",
        ),
        ("    key: [title]\n", "", "'product' has no `key`, so its rows are not known again"),
    ],
)
def test_pages_that_are_read_each_time_are_named(old, new, why):
    text = GOOD.replace("quality", INCREMENTAL)
    assert old in text
    said = [(p.message, p.hint) for p in lint_recipe(load_recipe_text(text.replace(old, new, 1)))]
    assert any(m == "pages of the type 'product' are read each time" and why in hint for m, hint in said)
