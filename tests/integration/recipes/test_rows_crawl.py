"""A shop whose pages need what rows of recipes can do, and whose beginning is a sitemap and a list with mirrors.

One crawl, from the command line to the files. What each part of it means is in `docs/recipes.md`; `FEATURES` says where.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from served_site import ServedSite

import crawler.errors

RECIPE = Path(__file__).parent / "rows" / "rows.yaml"
PAGE = (Path(crawler.errors.__file__).parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]

#: Features of the language, the test below that crawls with it, and the heading of the page that has its example.
FEATURES = {
    "preceding": ("test_headings_belong_to_the_rows_below_them_and_cells_to_their_columns", "`table` and `preceding`"),
    "table": ("test_headings_belong_to_the_rows_below_them_and_cells_to_their_columns", "`table` and `preceding`"),
    "nested each": ("test_rows_in_rows_are_lists_of_objects", "Rows inside a row"),
    "when": ("test_a_rule_counts_only_when_its_condition_holds", "`when`, holds"),
    "union": ("test_a_union_has_the_values_of_all_its_rules", "Alternatives, `any`, `union`"),
    "safe_html": ("test_html_is_made_safe", "`safe_html`"),
    "map by contains": ("test_words_are_mapped_by_what_they_contain_begin_with_and_match", "`map`"),
    "map by prefix": ("test_words_are_mapped_by_what_they_contain_begin_with_and_match", "`map`"),
    "map by regex": ("test_words_are_mapped_by_what_they_contain_begin_with_and_match", "`map`"),
    "cartesian": ("test_variations_of_which_only_options_are_known_are_all_that_there_can_be", "Rows inside a row"),
    "csv in a page": ("test_a_file_that_stands_in_a_page_is_its_rows", "`sources`: a page inside the page"),
    "alternate links": ("test_a_sitemap_gives_its_pages_in_all_languages", "`sitemap`: pages that the site lists"),
    "bounds of sitemaps": ("test_a_sitemap_gives_its_pages_within_bounds", "`sitemap`: pages that the site lists"),
    "mirrors": ("test_of_several_addresses_the_first_that_answers_is_crawled", "Mirrors"),
}

LIST = """<!doctype html><table><tr><th>Price</th><th>Name</th></tr>
<tr class="group"><th colspan="2">Chairs</th></tr><tr class="item"><td>€10</td><td>Oak</td></tr>
<tr class="item"><td>€12</td><td>Ash</td></tr><tr class="group"><th colspan="2">Tables</th></tr>
<tr class="item"><td>€99</td><td>Elm</td></tr></table>"""
GOOD = """<!doctype html><body class="page -wood- wide"><h1>{name}</h1><p class="state">in stock: 4</p>
<i class="grade">A1</i><div class="text"><p onclick="x()">Soft <script>bad()</script><a href="javascript:x">a</a></p></div>
<a class="zoom" href="/1.jpg">1</a><img data-src="/2.jpg"><img data-src="/1.jpg">
<b class="price">€42</b><b class="sale">€39</b>
<select name="wood"><option>Oak</option><option>Ash</option></select><select name="size"><option>S</option></select>
<section class="part"><h2>Seat</h2><ul><li>40 <b title="cm">cm</b></li><li>flat</li></ul></section>
<section class="part"><h2>Legs</h2></section><pre class="sizes">size,width
S,40
"M, wide",55</pre></body>"""
SALE = GOOD.replace('<b class="sale">', '<i class="on-sale">%</i><b class="sale">').replace(
    "<select", """<form data-offers='[{"price": 7, "attributes": {"wood": "Oak"}}]'></form><select""", 1
)
SITEMAP = """<?xml version="1.0"?><urlset xmlns:x="http://www.w3.org/1999/xhtml">
<url><loc>{0}/goods/1</loc><lastmod>2026-11-20</lastmod><x:link rel="alternate" hreflang="de" href="{0}/de/goods/1"/></url>
<url><loc>{0}/goods/2</loc></url><url><loc>{0}/goods/3</loc><lastmod>2026-10-02</lastmod></url>
<url><loc>{0}/goods/gift</loc></url><url><loc>{0}/about</loc></url></urlset>"""


def page(site, path):
    pages = {
        "/list": LIST,
        "/never": LIST,
        "/sitemap.xml": SITEMAP.format(site),
        "/goods/1": GOOD.format(name="Chair"),
        "/de/goods/1": GOOD.format(name="Stuhl"),
        "/goods/2": SALE.replace("{name}", "Table").replace("in stock: 4", "in 3 weeks").replace("-wood-", "-steel-"),
        "/goods/3": GOOD.format(name="Old"),
    }
    return pages.get(path)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """The site with what it was asked for, its lines and its goods by name."""
    folder = tmp_path_factory.mktemp("rows")
    with ServedSite(page) as site:
        done = subprocess.run(
            [*CRAWLERY, "crawl", str(RECIPE), "-i", f"site={site.url}", "-i", "since=2026-11-01"],
            cwd=folder,
            env={**os.environ, "EGRESS_ALLOW": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    files = [
        [json.loads(line, parse_float=Decimal) for line in (folder / "out" / name).read_text("utf-8").splitlines()]
        for name in ("lines.jsonl", "goods.jsonl")
    ]
    lines, goods = ({row["name"]: row for row in rows} for rows in files)
    return site, lines, goods


def test_headings_belong_to_the_rows_below_them_and_cells_to_their_columns(crawled):
    _, lines, _ = crawled
    assert {name: (row["price"], row["group"]) for name, row in lines.items()} == {
        "Oak": (10, "Chairs"),
        "Ash": (12, "Chairs"),
        "Elm": (99, "Tables"),
    }


def test_rows_in_rows_are_lists_of_objects(crawled):
    assert crawled[2]["Chair"]["parts"] == [
        {"title": "Seat", "lines": [{"text": "40 cm", "unit": "cm"}, {"text": "flat"}]},
        {"title": "Legs"},
    ]


def test_a_rule_counts_only_when_its_condition_holds(crawled):
    assert {name: row["sale"] for name, row in crawled[2].items()} == {"Chair": None, "Stuhl": None, "Table": 39}


def test_a_union_has_the_values_of_all_its_rules(crawled):
    assert crawled[2]["Chair"]["pictures"] == ["/1.jpg", "/2.jpg"]


def test_html_is_made_safe(crawled):
    html = crawled[2]["Chair"]["text_html"]
    assert "Soft" in html
    assert not re.search(r"script|onclick|bad", html)


def test_words_are_mapped_by_what_they_contain_begin_with_and_match(crawled):
    found = {name: (row["state"], row["kind"], row["grade"]) for name, row in crawled[2].items() if name != "Stuhl"}
    assert found == {"Chair": ("InStock", "wood", "best"), "Table": ("PreOrder", "steel", "best")}


def test_variations_of_which_only_options_are_known_are_all_that_there_can_be(crawled):
    assert crawled[2]["Chair"]["variants"] == [
        {"price": 42, "attributes": {"wood": "Oak", "size": "S"}},
        {"price": 42, "attributes": {"wood": "Ash", "size": "S"}},
    ]
    assert crawled[2]["Table"]["variants"] == [{"price": 7, "attributes": {"wood": "Oak"}}]


def test_a_file_that_stands_in_a_page_is_its_rows(crawled):
    assert crawled[2]["Chair"]["sizes"] == [{"size": "S", "width": "40"}, {"size": "M, wide", "width": "55"}]


def test_a_sitemap_gives_its_pages_in_all_languages(crawled):
    site, _, goods = crawled
    assert goods["Stuhl"]["url"] == f"{site.url}/de/goods/1"


def test_a_sitemap_gives_its_pages_within_bounds(crawled):
    site, _, goods = crawled
    assert set(goods) == {"Chair", "Stuhl", "Table"}
    assert not {"/goods/3", "/goods/gift", "/about"} & set(site.asked)


def test_of_several_addresses_the_first_that_answers_is_crawled(crawled):
    site, lines, _ = crawled
    assert site.asked.count("/away") >= 1
    assert site.asked.count("/list") == 1
    assert "/never" not in site.asked
    assert len(lines) == 3


@pytest.mark.parametrize(("test", "heading"), FEATURES.values(), ids=FEATURES)
def test_each_feature_is_crawled_here_and_has_an_example_on_the_page(test, heading):
    assert callable(globals()[test])
    found = re.search(rf"^#{{2,4}} {re.escape(heading)}$(.*?)^#{{2,4}} ", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    assert re.search(r"^```yaml (?:page|fields|part|steps|recipe)$", found[1], re.MULTILINE), heading
