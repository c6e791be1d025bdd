"""`crawlery recipe explain`: the plan in words, and what it costs."""

import re
from pathlib import Path

from changing_site import RECIPE

from crawler.cli.recipe.explain import explanation
from crawler.recipe.loader import load_recipe_text


def test_explain_says_what_each_part_does(recipes, run):
    output = run("explain", "chairs")
    for words in (
        "chairs 1.2.0: Chairs of a shop",
        "site: string uri, default https://x.example",
        "GET {{ inputs.site }}/ as listing",
        "follows css: li a to chair",
        "goes on at css: a.next, at most 1,000 pages",
        "name: the first of",
        "1. css: .title h2",
        "price: css: .summary .price, then price",
        "Item chair (version 1, identified by url)",
        "name: string, required",
        "writes chair rows to chairs.csv",
    ):
        assert words in output, words


def test_explain_says_which_engine_reads_what(recipes, run, recipe_text):
    output = run("explain", "chairs")
    assert "css on lexbor reads name, price" in output
    assert "xpath" not in output
    (recipes / "chairs.yaml").write_text(recipe_text.replace("h1]", "{xpath: //h1}]"))
    output = run("explain", "chairs")
    assert "xpath on lexbor reads name" in output
    assert "lxml" not in output
    (recipes / "chairs.yaml").write_text(recipe_text.replace("h1]", "{xpath: '//h1[true()]'}]"))
    said = "xpath on lxml reads name: the page is parsed once more, when the first of them is reached"
    assert said in run("explain", "chairs")


def test_explain_shows_what_each_rule_costs_on_the_saved_pages(recipes, run):
    output = run("explain", "chairs", "--cost")
    assert "oak.html (chair, " in output
    for line in (r"decoded, guarded, parsed +[\d,]+ us", r"price +[\d,]+ us  css on lexbor", r"contract +[\d,]+ us"):
        assert re.search(line, output), line
    assert "lxml" not in output


def test_explain_tells_what_xpath_adds_to_a_saved_page(recipes, run, recipe_text):
    (recipes / "chairs.yaml").write_text(recipe_text.replace("h1]", "{xpath: '//h1[true()]'}]"))
    output = run("explain", "chairs", "--cost")
    assert re.search(r"lxml's tree for xpath +[\d,]+ us", output)
    (recipes / "chairs" / "oak.html").write_text("<h1>a<svg><param><path></param><path></svg>")
    assert "differs: every rule reads it" in run("explain", "chairs", "--cost")


def test_explain_asks_for_saved_pages_where_there_are_none(recipes, run, recipe_text):
    (recipes / "chairs.yaml").write_text(recipe_text[: recipe_text.index("tests:")])
    assert "has no saved pages" in run("explain", "chairs", "--cost", code=2)


def test_explain_says_what_a_recipe_takes_over_from_earlier_runs():
    plan = load_recipe_text(RECIPE.replace("emit: changed", "emit: new\n  compare: {ignore: [price]}"))
    said = "\n".join(explanation(plan))
    for words in (
        "reads only pages that have changed since the last run, by their sitemap's lastmod or their ETag or",
        "writes rows that are new, whatever price is",
        "calls a row gone after 1 whole runs without it",
    ):
        assert words in said, said


def test_when_a_run_is_good_is_said_with_every_bound(recipes, run):
    path = Path("recipes/chairs.yaml")
    text = path.read_text(encoding="utf-8")
    more = "quality: {coverage: {price: 98%}, http_errors: {maximum: 5%}, bands: learned}\nexports:"
    path.write_text(text.replace("exports:", more, 1), encoding="utf-8")
    said = run("explain", "chairs")
    assert "good with price in at least 98.00%" in said
    assert "good with at most 5.00% of the pages come to an error" in said
    assert "good if it is as the last 20 whole runs were" in said
