"""`crawlery recipe ...` on files: nothing here needs a network."""

import json

import pytest
import yaml
from click.testing import CliRunner

from crawler.cli.main import cli
from crawler.cli.recipes import recipe_path

RECIPE = """\
schema_version: 1
name: chairs
version: "1.2.0"
description: Chairs of a shop
inputs:
  site: {type: string, format: uri, default: "https://x.example"}
start:
  - urls: "{{ inputs.site }}/"
    page: listing
pages:
  listing:
    match: ['/$']
    follow: [{links: li a, page: chair}]   # the cards
    paginate: {next: a.next}
  chair:
    item: chair
    fields:
      url: {response: url}
      name: [".title h2", h1]
      price: {css: .summary .price, process: [price]}
items:
  chair:
    version: 1
    key: [url]
    fields:
      url: {type: string, format: uri}
      name: {type: string, required: true}
      price: {type: decimal}
exports: [{name: chairs, item: chair, format: csv}]
tests:
  - page: chair
    snapshot: oak.html
    url: https://x.example/oak
    expect: {name: Oak, price: "5.00"}
# the end
"""
OAK = '<h1>Oak</h1><div class="summary"><p class="price">£5.00</p></div>'
LISTING = '<ul><li><a href="/oak">Oak</a><li><a href="/elm">Elm</a></ul>'


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """A folder of recipes that names are looked up in, and the current folder beside it."""
    folder = tmp_path / "recipes"
    (folder / "chairs").mkdir(parents=True)
    (folder / "chairs.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "chairs" / "oak.html").write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("RECIPES_PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def run(*arguments, code=0):
    result = CliRunner().invoke(cli, ["recipe", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


# --- finding recipes --------------------------------------------------------------------------------------------------


def test_a_recipe_is_found_by_name_or_by_path(recipes):
    assert recipe_path("chairs").read_text() == RECIPE
    assert recipe_path(str(recipes / "chairs.yaml")).read_text() == RECIPE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chiars", "did you mean 'chairs'?"),
        ("sofas", "there are chairs"),
        ("none.yaml", "there is no such file"),
        ("recipes/", "this is a folder"),
    ],
)
def test_an_unknown_recipe_is_refused_with_what_there_is(recipes, name, words):
    assert words in run("explain", name, code=2)


def test_parents_are_no_recipes_of_their_own(recipes):
    (recipes / "_parent.yaml").write_text("schema_version: 1\n", encoding="utf-8")
    assert "parent" not in run("list")


# --- validate, lint, list, explain, schema ----------------------------------------------------------------------------


def test_validate_says_what_a_valid_recipe_consists_of(recipes):
    assert run("validate").strip() == "recipes/chairs.yaml: valid (2 page types, 1 item, 1 test)"


def test_validate_lists_every_problem_with_its_place_and_counts_them(recipes):
    text = RECIPE.replace("paginate:", "paginat:").replace("type: decimal", "type: decimel")
    (recipes / "chairs.yaml").write_text(text, encoding="utf-8")
    lines = run("validate", "chairs", code=2).splitlines()
    assert lines[0].startswith("recipes/chairs.yaml:14:5: pages.listing.paginat: ")
    assert "did you mean 'paginate'?" in lines[0]
    assert any("decimel" in line for line in lines)
    assert lines[-1].endswith("problems in 1 recipe")


def test_lint_gives_advice_with_exit_status_1(recipes):
    assert "without `quality`" in run("lint", "chairs", code=1)


def test_list_shows_broken_recipes_too(recipes):
    (recipes / "bad.yaml").write_text("name: bad\n", encoding="utf-8")
    output = run("list")
    assert "problem" in next(line for line in output.splitlines() if line.startswith("bad"))
    assert "Chairs of a shop" in output


def test_explain_says_what_each_part_does(recipes):
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


def test_schema_is_that_of_the_language_an_item_or_the_inputs(recipes):
    assert "pages" in json.loads(run("schema"))["properties"]
    assert "price" in json.loads(run("schema", "chairs"))["properties"]
    assert "price" in json.loads(run("schema", "chairs", "--item", "chair"))["properties"]
    assert "site" in json.loads(run("schema", "chairs", "--inputs"))["properties"]


@pytest.mark.parametrize(
    "arguments",
    [["--inputs"], ["--item", "chair"], ["chairs", "--item", "sofa"], ["chairs", "--item", "chair", "--inputs"]],
)
def test_a_schema_that_there_is_not_is_refused(recipes, arguments):
    run("schema", *arguments, code=2)


# --- test -------------------------------------------------------------------------------------------------------------


def test_tests_that_pass_are_one_line_each(recipes):
    lines = run("test").splitlines()
    assert lines[0].startswith("ok     chairs chair oak.html  2 values, ")
    assert lines[-1] == "1 passed"


def test_a_failing_test_shows_expected_and_found_under_each_other(recipes):
    (recipes / "chairs" / "oak.html").write_text(OAK.replace("Oak", "Elm"), encoding="utf-8")
    lines = run("test", "chairs", code=1).splitlines()
    assert lines[0].startswith("FAILED chairs chair oak.html")
    assert [line.strip() for line in lines[1:5]] == ["name", "expected  Oak", "found     Elm", "recipes/chairs.yaml:31"]
    assert lines[-1] == "0 passed, 1 failed"


def test_a_recipe_without_tests_says_how_to_make_one(recipes):
    (recipes / "chairs.yaml").write_text(RECIPE.partition("tests:")[0], encoding="utf-8")
    assert "no tests; `crawlery recipe record chairs URL` makes one" in run("test", "chairs")


# --- try --------------------------------------------------------------------------------------------------------------


def test_try_shows_value_winning_alternative_and_how_far_a_selector_gets(recipes, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<h1>Oak</h1><div class="summary">on request</div>', encoding="utf-8")
    lines = [line.strip() for line in run("try", "chairs", str(page), "--url", "https://x.example/p").splitlines()]
    assert "page type chair (the only page type with an item)" in lines
    assert "name   Oak" in lines
    assert "alternative 2 of 2, css: h1" in lines
    assert "css: .title h2 matches nothing" in lines
    assert "price  -" in lines
    assert "css: .summary .price matches nothing; `.summary` matches 1" in lines


def test_try_knows_the_page_type_by_match_and_counts_links(recipes, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(LISTING, encoding="utf-8")
    output = run("try", "chairs", str(page), "--url", "https://x.example/")
    assert "page type listing (by its match)" in output
    assert "follow 2 links to chair" in output
    assert "https://x.example/oak" in output
    assert "css: a.next matches nothing" in output


def test_try_of_a_saved_page_takes_its_url_from_the_test(recipes):
    output = run("try", "chairs", "recipes/chairs/oak.html")
    assert "https://x.example/oak" in output
    assert "page type chair (the recipe says so)" in output


def test_try_shows_why_a_row_is_rejected(recipes, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>", encoding="utf-8")
    assert "name is missing (required)" in run("try", "chairs", str(page), "--page", "chair")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.html"], "a URL begins with http"),
        (["recipes/chairs/oak.html", "--page", "sofa"], "there are listing, chair"),
        (["https://x.example/", "--url", "https://x.example/"], "--url is for files"),
        (["recipes/chairs/oak.html", "-i", "stie=x"], "did you mean 'site'?"),
        (["recipes/chairs/oak.html", "-i", "site"], "is not NAME=VALUE"),
        (["recipes/chairs/oak.html", "-i", "site=x"], "--input site=https://example.com"),
    ],
)
def test_a_page_or_input_that_cannot_be_used_is_refused_in_a_sentence(recipes, arguments, words):
    assert words in run("try", "chairs", *arguments, code=2)


def test_a_page_that_only_match_tells_apart_must_be_named(recipes, tmp_path):
    text = RECIPE.replace("  chair:\n    item", "  other:\n    match: ['/other']\n    item", 1)
    text = text.replace("page: chair", "page: other", 1)
    both = text.replace(
        "items:\n", "  third:\n    item: chair\n    fields: {url: {response: url}, name: h1}\nitems:\n", 1
    )
    both = both.replace("{links: li a, page: other}", "{links: li a, page: other}, {links: p a, page: third}")
    (recipes / "chairs.yaml").write_text(both.partition("tests:")[0], encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(OAK, encoding="utf-8")
    output = run("try", "chairs", str(page), "--url", "https://x.example/x", code=2)
    assert "Say it with --page: listing, other, third" in output


# --- record -----------------------------------------------------------------------------------------------------------


def test_record_saves_the_page_and_writes_a_test_that_passes_and_comments_stay(recipes, tmp_path):
    page = tmp_path / "elm.html"
    page.write_text(OAK.replace("Oak", "Elm"), encoding="utf-8")
    output = run("record", "chairs", str(page), "--url", "https://x.example/elm", "--page", "chair")
    assert "recorded recipes/chairs/chair-elm.html and a test in recipes/chairs.yaml" in output
    text = (recipes / "chairs.yaml").read_text(encoding="utf-8")
    assert "# the cards" in text
    assert "# the end" in text
    assert yaml.safe_load(text)["tests"][1]["expect"] == {
        "url": "https://x.example/elm",
        "name": "Elm",
        "price": "5.00",
    }
    assert run("test").splitlines()[-1] == "2 passed"


def test_record_overwrites_nothing_without_force(recipes, tmp_path):
    page = tmp_path / "elm.html"
    page.write_text(OAK.replace("Oak", "Elm"), encoding="utf-8")
    arguments = ["record", "chairs", str(page), "--url", "https://x.example/oak", "--snapshot", "oak.html"]
    assert "--force overwrites it" in run(*arguments, code=2)
    assert (recipes / "chairs" / "oak.html").read_text(encoding="utf-8") == OAK
    run(*arguments, "--force")
    assert "Elm" in (recipes / "chairs" / "oak.html").read_text(encoding="utf-8")
    assert run("test").splitlines()[-1] == "1 passed"


@pytest.mark.parametrize(
    ("body", "extra", "words"),
    [
        ("<p>", ["--page", "chair"], "row is rejected: nothing was recorded"),
        (OAK, ["--page", "chair", "--snapshot", "../evil.html"], "saved pages lie directly in"),
        ("<ul>", ["--page", "listing", "--url", "https://x.example/"], "gives nothing: nothing was recorded"),
        ("<ul>", ["--page", "listing", "--url", "https://x.example/x"], "PageMismatch"),
    ],
)
def test_a_doubtful_page_is_not_recorded_and_the_recipe_stays_as_it_is(recipes, tmp_path, body, extra, words):
    page = tmp_path / "elm.html"
    page.write_text(body, encoding="utf-8")
    assert words in run("record", "chairs", str(page), *extra, code=2)
    assert (recipes / "chairs.yaml").read_text(encoding="utf-8") == RECIPE
    assert [path.name for path in (recipes / "chairs").iterdir()] == ["oak.html"]


# --- new --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["https://x.example/", "--name", "chairs"], "--force overwrites it"),
        (["https://x.example/", "--name", "My Shop"], "lower-case letters"),
        (["https://x.example/", "--name", "a", "-o", "b.yaml"], "must be called a.yaml"),
        (["x.example"], "did you mean https://x.example?"),
    ],
)
def test_new_refuses_before_it_fetches_anything(recipes, arguments, words):
    assert words in run("new", *arguments, code=2)


# --- watch ------------------------------------------------------------------------------------------------------------


def test_watch_shows_the_result_of_each_run(recipes, capsys):
    from crawler.cli.recipe.watch import run_once

    assert run_once(recipes / "chairs.yaml")
    assert "1 passed in" in capsys.readouterr().out
    (recipes / "chairs.yaml").write_text(RECIPE.replace("name: [", "nam: ["), encoding="utf-8")
    assert not run_once(recipes / "chairs.yaml")
    assert "pages.chair.fields.nam" in capsys.readouterr().out
    (recipes / "chairs.yaml").unlink()
    assert not run_once(recipes / "chairs.yaml")
    assert "the file is gone" in capsys.readouterr().out
