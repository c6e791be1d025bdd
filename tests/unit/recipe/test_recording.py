"""What is recorded of a page passes as a test of the same page."""

import pytest

from crawler.recipe.check import run_tests
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.recording import snapshot_name, test_entry
from crawler.recipe.yaml_writer import with_test

test_entry.__test__ = False  # pytest takes it for a test by its name

RECIPE = """\
schema_version: 1
name: shop
version: "1.0.0"
inputs: {site: {type: string, default: "https://x.example"}}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing:
    follow: [{links: li a, page: book}]
    paginate: {next: a.next}
  table:
    each: tr
    item: row
    fields: {name: td}
    follow: [{links: a, page: table}, {links: b a, page: book}, {links: i a, page: bare}]
  bare:
    item: book
    fields: {title: h1, price: {css: .price, process: [price]}, tags: {css: .tag, all: true}}
  book:
    item: book
    fields:
      title: h1
      price: {css: .price, process: [price]}
      tags: {css: .tag, all: true}
      sizes: {each: li, fields: {name: b, price: {css: i, process: [price]}}}
items:
  row: {version: 1, fields: {name: {type: string, required: true}}}
  book:
    version: 1
    fields:
      title: {type: string, required: true}
      price: {type: decimal}
      tags: {type: array}
      sizes: {type: array}
"""
PAGES = {
    "listing": '<ul><li><a href="/1">A</a></ul><a class=next href="?page=2">Next</a>',
    "empty listing": "<p>nothing</p>",
    "book": '<h1>Oak: "a" # b</h1><p class=price>£5.00</p><b class=tag>yes</b>',
    "full book": "<h1>12</h1>" + "<b class=tag>x y</b>" * 20 + "<ul><li><b>S</b><i>€1</i><li><b>M</b></ul>",
    "rejected book": "<p>",
    "table": "<table><tr><td>a<tr><td>b<tr><th>no cell</table>",
    "empty table": "<p>",
}


@pytest.mark.parametrize("name", PAGES)
def test_what_is_recorded_passes_at_once(name, tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    recipe = load_recipe(path)
    url = "https://x.example/p"
    page_input = PageInput(
        request=PageRequest(url=url, page=name.split()[-1]),
        url=url,
        body=PAGES[name].encode(),
        headers={"content-type": "text/html; charset=utf-8"},
        inputs=recipe.inputs.resolve({}),
    )
    entry = test_entry(recipe, page_input, extract_page(recipe, page_input), snapshot="p.html", inputs={})
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "p.html").write_bytes(page_input.body)
    path.write_text(with_test(RECIPE, entry), encoding="utf-8")
    (verdict,) = run_tests(load_recipe(path))
    assert verdict.passed, verdict
    assert verdict.checked


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.example/", "book.html"),
        ("https://x.example/c/chairs/index.html", "book-chairs.html"),
        ("https://x.example/p/oak-chair.html", "book-oak-chair.html"),
        ("https://x.example/list?page=2&sort=a", "book-list-page-2-sort-a.html"),
        ("https://x.example/%D7%A1", "book-d7-a1.html"),
        ("https://x.example/../..", "book.html"),
        ("https://x.example/" + "long" * 60, "book-" + ("long" * 60)[:55] + ".html"),
    ],
)
def test_a_saved_page_is_named_by_its_type_and_its_url(url, name):
    assert snapshot_name(url, "book", "html") == name
