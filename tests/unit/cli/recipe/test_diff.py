"""`crawlery recipe diff`: what a person sees of two versions, and what a script gets."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.cli.main import cli


@pytest.fixture
def old(recipes, recipe_text):
    """A copy of the recipe, as it was before its price was read elsewhere; anywhere, under any name."""
    path = Path("before.yaml")
    path.write_text(recipe_text.replace(".summary .price", ".cost"), encoding="utf-8")
    return str(path)


def test_rows_fields_and_fill_rates_are_shown_and_the_exit_status_says_that_they_differ(old, run):
    lines = run("diff", old, "chairs", code=1).splitlines()
    assert lines[0] == "~ chair url https://x.example/oak  chair oak.html"
    assert lines[1] == "    price  - -> 5.00"
    assert "chair  1 -> 1 rows: 1 changed" in lines
    assert ["price", "0", "(0.0%)", "1", "(100.0%)", "1"] in [line.split() for line in lines]
    assert lines[-1].startswith("chairs 1.2.0 (")
    assert lines[-1].endswith("differ on 1 of 1 page")


def test_a_version_does_not_differ_from_itself(recipes, run):
    lines = run("diff", "chairs", "chairs").splitlines()
    assert lines[0] == "chair  1 -> 1 rows: 1 same"
    assert lines[-1].endswith("give the same on 1 page")


def test_a_row_that_the_new_version_refuses_is_gone_and_says_why(recipes, run, recipe_text):
    Path("after.yaml").write_text(recipe_text.replace("price: {type: decimal}", "price: {type: boolean}"))
    output = run("diff", "chairs", "after.yaml", "--pages", "recipes/chairs", code=1)
    assert "- chair url https://x.example/oak" in output
    assert "refused: price " in output
    assert "0 -> 1 rejected" in output


def test_everything_is_there_as_json(old, run):
    report = json.loads(run("diff", old, "chairs", "--json", code=1))
    assert report["items"]["chair"]["rows"]["changed"] == 1
    assert report["differences"][0]["changes"] == [{"path": "price", "old": None, "new": 5.00}]


def test_the_old_version_may_come_on_stdin(recipes, recipe_text):
    text = recipe_text.replace('version: "1.2.0"', 'version: "1.1.0"')
    result = CliRunner().invoke(cli, ["recipe", "diff", "-", "chairs"], input=text)
    assert result.exit_code == 0, result.output
    assert "chairs 1.1.0 (" in result.output
    assert "chairs 1.2.0 (" in result.output


def test_pages_that_are_not_there_are_named_and_without_any_there_is_nothing_to_compare(old, recipes, run, recipe_text):
    more = (
        recipe_text.partition("# the end")[0]
        + "  - {page: chair, snapshot: elm.html, url: 'http://x/', expect: {name: Elm}}\n"
    )
    Path("more.yaml").write_text(more, encoding="utf-8")
    assert "left out elm.html" in run("diff", "more.yaml", "chairs")
    assert "no saved page to compare on" in run("diff", old, "before.yaml", code=2)


def test_a_broken_version_is_refused_with_all_that_is_wrong(recipes, run):
    Path("broken.yaml").write_text("name: chairs\nnonsense: 1\n", encoding="utf-8")
    output = run("diff", "broken.yaml", "chairs", code=2)
    assert "broken.yaml:2:1: nonsense: " in output
    assert "but its file" not in output


def test_a_version_with_parents_is_read_from_its_file(recipes, run, recipe_text):
    (recipes / "stools.yaml").write_text('schema_version: 1\nname: stools\nversion: "2.0.0"\nextends: chairs@1\n')
    assert "stools 2.0.0" in run("diff", "chairs", "stools")
