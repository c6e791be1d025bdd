"""`crawlery recipe new --extends`: from the address of a site to a recipe of a few lines, with tests that pass."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner
from kinds_of_sites import MARKED_UP, OPENCART, RSS, SHOPIFY_PAGE, STRUCTURED
from served_site import ServedSite

from crawler.cli.main import cli
from crawler.recipe.check import run_tests
from crawler.recipe.loader import load_recipe
from crawler.recipe.parents import built_in_names


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`run("new", URL, code=2)` is the output of `crawlery recipe new` in an empty folder."""
    monkeypatch.setenv("RECIPES_PATH", str(tmp_path / "recipes"))
    monkeypatch.setenv("EGRESS_ALLOW", "")
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(cli, ["recipe", *arguments])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    return invoke


def pages(**answers):
    """A site of these paths; `_` stands for `/`."""
    texts = {name.replace("_", "/"): text for name, text in answers.items()}
    return lambda site, path: texts[path].replace("SITE", site) if path in texts else None


CARDS = '<div class="product-card"><a href="/oak">Oak</a></div><div class="product-card"><a href="/ash">Ash</a></div>'
WOO = '<ul><li class="product"><a class="woocommerce-LoopProduct-link" href="/oak">Oak</a></li></ul>'
WOO_PAGE = """<h1 class="product_title">Oak</h1><i class="sku">C-1</i>
<p class="summary"><b class="price">89.50 <i class="woocommerce-Price-currencySymbol">€</i></b></p>"""


@pytest.mark.parametrize(
    ("parent", "site", "given", "found"),
    [
        ("schema-org-product", pages(_='<a href="/oak">Oak</a>', _oak=MARKED_UP), {"site": "SITE"}, "Oak chair"),
        ("generic-shop", pages(_all=CARDS, _oak=STRUCTURED), {"site": "SITE/all"}, "Oak chair"),
        ("woocommerce", pages(_shop_=WOO, _oak=WOO_PAGE), {"site": "SITE"}, "C-1"),
        (
            "opencart",
            pages(
                _='<div id="menu"><a href="/c?path=1">Desktops</a></div>',
                **{"_c?path=1": '<p class="product-thumb"><span class="image"><a href="/oak">O</a></span></p>'},
                _oak=OPENCART,
            ),
            {"site": "SITE"},
            "Cinema display",
        ),
        (
            "shopify-pages",
            pages(_collections_all='<main><a href="/products/oak">O</a></main>', _products_oak=SHOPIFY_PAGE),
            {"site": "SITE"},
            "shirt",
        ),
        ("rss", pages(_all=RSS), {"feed": "SITE/all"}, "First"),
    ],
)
def test_a_recipe_says_where_the_site_is_and_has_tests_that_pass(run, tmp_path, parent, site, given, found):
    with ServedSite(site) as served:
        output = run("new", f"{served.url}/all", "--name", "mine", "--extends", parent)
        written = yaml.safe_load((tmp_path / "recipes" / "mine.yaml").read_text(encoding="utf-8"))
    assert written["extends"] == f"{parent}@1"
    assert written["inputs"] == {
        name: {"default": value.replace("SITE", served.url)} for name, value in given.items()
    }
    assert set(written) == {
        "schema_version", "name", "version", "description", "extends", "inputs", "exports", "tests",
    }  # fmt: skip
    assert found in output
    recipe = load_recipe(tmp_path / "recipes" / "mine.yaml")
    verdicts = run_tests(recipe)
    assert verdicts
    assert all(verdict.passed for verdict in verdicts), verdicts
    assert f"{len(verdicts)} test" in output
    assert any("rows" in test.expect or "name" in test.expect for test in recipe.tests)


LISTED = """<?xml version="1.0"?><urlset><url><loc>SITE/p/1</loc></url><url><loc>SITE/p/2</loc></url></urlset>"""


def good(number):
    return f'<h1>Chair {number}</h1><p><b class="price">€{number}9.50</b> <i class="sku">C-{number}</i></p>'


@pytest.mark.parametrize("begin", ["/", "/listed.xml"])
def test_of_a_sitemap_the_pages_say_which_fields_there_are(run, tmp_path, begin):
    site = {"/robots.txt": "Sitemap: SITE/listed.xml", "/listed.xml": LISTED, "/p/1": good(1), "/p/2": good(2)}
    with ServedSite(lambda here, path: site[path].replace("SITE", here) if path in site else None) as served:
        run("new", served.url + begin, "--name", "mine", "--extends", "sitemap-only")
        asked = list(served.asked)
    written = yaml.safe_load((tmp_path / "recipes" / "mine.yaml").read_text(encoding="utf-8"))
    begins = served.url + ("/robots.txt" if begin == "/" else begin)
    assert written["inputs"] == {"sitemap": {"default": begins}}
    assert list(written["pages"]) == ["page"]
    assert {"url", "name", "price", "sku"} <= set(written["pages"]["page"]["fields"])
    assert [test["expect"]["name"] for test in written["tests"]] == ["Chair 1", "Chair 2"]
    assert all(verdict.passed for verdict in run_tests(load_recipe(tmp_path / "recipes" / "mine.yaml")))
    assert "/p/1" in asked


def test_nothing_is_written_where_nothing_can_be_begun_with(run, tmp_path):
    with ServedSite(pages(_=CARDS)) as served:
        said = run("new", served.url, "--name", "mine", "--extends", "wocommerce", code=2)
        assert "did you mean 'woocommerce'" in said
        assert "has version 1.0.0, not 2" in run("new", served.url, "--name", "mine", "--extends", "rss@2", code=2)
        assert "answers with status 404" in run("new", served.url, "--name", "mine", "--extends", "woocommerce", code=2)
    assert not (tmp_path / "recipes" / "mine.yaml").exists()


def test_a_sitemap_that_lists_nothing_is_no_beginning(run, tmp_path):
    empty = {"/robots.txt": "Sitemap: SITE/listed.xml", "/listed.xml": LISTED}
    with ServedSite(lambda here, path: empty[path].replace("SITE", here) if path in empty else None) as served:
        said = run("new", served.url, "--name", "mine", "--extends", "sitemap-only", code=2)
    assert "it leads to no page of which fields could be proposed" in said
    assert not (tmp_path / "recipes" / "mine.yaml").exists()


def test_a_site_without_rows_is_begun_with_all_the_same_and_that_is_said(run, tmp_path):
    with ServedSite(pages(_="<p>Nothing</p>", _shop_=WOO)) as served:
        said = run("new", served.url, "--name", "mine", "--extends", "woocommerce")
    assert "no rows on the pages that were looked at" in said
    assert [test.page for test in load_recipe(tmp_path / "recipes" / "mine.yaml").tests] == ["listing"]


def test_a_page_with_rows_that_are_refused_becomes_no_test(run, tmp_path):
    refused = RSS.replace("</channel>", "<item><title>Third</title></item></channel>")
    with ServedSite(pages(_all=refused)) as served:
        run("new", f"{served.url}/all", "--name", "mine", "--extends", "rss")
    assert load_recipe(tmp_path / "recipes" / "mine.yaml").tests == ()


def test_a_parent_beside_the_recipe_may_be_extended_too(run, tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "_ours.yaml").write_text(
        'schema_version: 1\nname: ours\nversion: "3.1.0"\n'
        'inputs: {shop: {type: string, format: uri}}\nstart: [{urls: "{{ inputs.shop }}", page: page}]\n'
        "pages: {page: {item: thing, fields: {name: h1}}}\n"
        "items: {thing: {version: 1, fields: {name: {type: string}}}}\n",
        encoding="utf-8",
    )
    with ServedSite(pages(_things="<h1>Thing</h1>")) as served:
        run("new", f"{served.url}/things", "--name", "mine", "--extends", "ours")
    written = yaml.safe_load((tmp_path / "recipes" / "mine.yaml").read_text(encoding="utf-8"))
    assert (written["extends"], written["inputs"]) == ("ours@3", {"shop": {"default": f"{served.url}/things"}})
    assert written["exports"] == [{"name": "mine", "item": "thing", "format": "csv"}]


def test_links_that_robots_txt_forbids_are_not_followed(run):
    site = pages(**{"_robots.txt": "User-agent: *\nDisallow: /oak", "_": '<a href="/oak">O</a>', "_oak": MARKED_UP})
    with ServedSite(site) as served:
        run("new", served.url, "--name", "mine", "--extends", "schema-org-product")
    assert "/oak" not in served.asked


def test_the_help_names_all_that_are_built_in(run):
    said = run("new", "--help")
    assert all(name in said.replace("\n", "").replace(" ", "") for name in built_in_names())
