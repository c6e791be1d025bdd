"""Filters of Cardigann definitions as steps."""

import json

import pytest
import yaml
from old_recipes import imported_text

from crawler.recipe.importing.cardigann_filters import date_format
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.steps import build_step, run_steps


def filtered(name, *args):
    """The steps that one filter becomes, and the report."""
    text = (
        "id: f\nlinks: [https://f.example/]\nsearch:\n  path: s\n  rows: {selector: tr}\n  fields:\n"
        f"    title: {{selector: td, filters: [{{name: {name}, args: {json.dumps(list(args))}}}]}}\n"
    )
    result = imported_text(text)
    load_recipe_text(result.recipes[0].text)
    rule = yaml.safe_load(result.recipes[0].text)["pages"]["search"]["fields"]["title"]
    return (rule["process"] if isinstance(rule, dict) else []), result.findings


@pytest.mark.parametrize(
    ("name", "args", "before", "after"),
    [
        ("querystring", ["id"], "/x?id=7&a=1", "7"),
        ("regexp", [r"(\d+) MB"], "about 12 MB", "12"),
        ("re_replace", [r"(\d)-(\d)", "$2.$1"], "1-2", "2.1"),
        ("replace", ["a", "b"], "aa", "bb"),
        ("trim", ["*"], "*x*", "x"),
        ("prepend", ["a "], "b", "a b"),
        ("append", [" b"], "a", "a b"),
        ("toupper", [], "ab", "AB"),
        ("urldecode", [], "a%20b", "a b"),
        ("split", ["/", "1"], "/torrent/12/x", "torrent"),
        ("split", ["/", "0"], "a/b", "a"),
        ("split", ["/", "-1"], "a/b/c", "c"),
        ("split", ["/", "-2"], "a/b/c", "b"),
        ("split", [" by ", "0"], "today by me", "today"),
        ("split", [" by ", "1"], "today by me", "me"),
        ("dateparse", ["Jan 2 2006 15:04"], "Mar 5 2024 14:30", "2024-03-05T14:30:00"),
        ("dateparse", ["yyyy-MM-dd HH:mm:ss"], "2024-03-05 14:30:00", "2024-03-05T14:30:00"),
    ],
)
def test_a_filter_does_here_what_it_did_there(name, args, before, after):
    steps, findings = filtered(name, *args)
    assert not findings
    built = [build_step(one) if isinstance(one, str) else build_step(*one.popitem()) for one in steps]
    assert run_steps(built, before, base_url="https://f.example/") == after


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("regexp", [r"(?<=a)b"]),
        ("regexp", ["(a)(b)"]),
        ("re_replace", ["a"]),
        ("prepend", ["{{ .Config.x }}"]),
        ("split", ["/", "x"]),
        ("dance", []),
    ],
)
def test_a_filter_without_an_equal_is_told_and_left_out(name, args):
    steps, findings = filtered(name, *args)
    assert steps == []
    assert [finding.kind for finding in findings] == ["decide"]


@pytest.mark.parametrize("name", ["timeago", "reltime", "fuzzytime"])
def test_days_that_are_told_from_today_are_told_from_the_day_of_the_answer(name):
    steps, findings = filtered(name)
    assert (steps, findings) == ([{"date": {"locale": "en", "relative": True}}], ())
    build_step("date", steps[0]["date"])


def test_filters_that_only_cleaned_are_left_out():
    steps, findings = filtered("validfilename")
    assert steps == []
    assert [finding.kind for finding in findings] == ["dropped"]


def test_layouts_of_go_and_of_net_are_formats():
    assert date_format("Mon, 02 Jan 2006 15:04:05 -0700") == "%a, %d %b %Y %H:%M:%S %z"
    assert date_format("dd.MM.yyyy HH:mm zzz") == "%d.%m.%Y %H:%M %z"
