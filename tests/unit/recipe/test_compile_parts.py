"""Inputs, contracts, limits, quality, exports and tests reach the plan; contract errors stand where they are."""

from decimal import Decimal

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text

BASE = """schema_version: 1
name: one
version: "1.0.0"
start: [{urls: "https://a.example", page: p}]
pages:
  p: {item: thing, fields: {x: h1, tags: {css: a, all: true}}}
items:
  thing:
    version: 2
    key: [x]
    fields:
      x: {type: string, required: true}
      tags: {type: array}
"""


def load(more="", base=BASE):
    return load_recipe_text(base + more)


def problems(more="", base=BASE):
    with pytest.raises(RecipeError) as caught:
        load(more, base)
    return {(problem.line, problem.path): (problem.message, problem.hint or "") for problem in caught.value.problems}


def test_limits_are_in_seconds_and_templates_where_they_may_be():
    limits = load(
        "inputs: {n: {type: integer, default: 5}}\n"
        "limits:\n  obey_robots: false\n  delay: 500ms\n  concurrency_per_domain: 2\n  autothrottle: true\n  depth: 4\n"
        "  requests: 100\n  items: '{{ inputs.n }}'\n  duration: 2h\n  stop_after_errors: 9\n"
    ).limits
    assert (limits.obey_robots, limits.delay_s, limits.concurrency_per_domain, limits.autothrottle) == (
        False,
        0.5,
        2,
        True,
    )
    assert (limits.depth, limits.duration_s, limits.stop_after_errors) == (4, 7200, 9)
    scopes = {"inputs": {"n": 5}}
    assert (limits.requests.render(scopes), limits.items.render(scopes)) == (100, 5)


def test_without_limits_the_deployment_decides():
    assert load().limits.delay_s is None
    assert load().quality is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("items: ten", "a whole number above 0, or a template"),
        ("items: 0", "a whole number above 0"),
        ("delay: 5", "duration"),
    ],
)
def test_a_limit_that_is_none_is_refused(written, message):
    found = problems(f"limits:\n  {written}\n")
    assert any(message in m for m, _ in found.values()), found


@pytest.mark.parametrize(
    ("written", "facts"),
    [
        ("{items: {minimum: 3}}", (3, None, None, None)),
        ("{items: {maximum: 9}, rejected: {maximum: 2%}}", (None, 9, None, 0.02)),
        ("{rejected: {maximum: 0}}", (None, None, 0, None)),
    ],
)
def test_quality_is_compiled(written, facts):
    quality = load(f"quality: {written}\n").quality
    assert (
        quality.items_minimum,
        quality.items_maximum,
        quality.rejected_maximum,
        quality.rejected_maximum_share,
    ) == facts


def test_a_minimum_above_the_maximum_is_refused():
    found = problems("quality: {items: {minimum: 5, maximum: 2}}\n")
    assert found[14, "quality.items.minimum"][0] == "the minimum 5 is above the maximum 2"


def test_exports_are_compiled():
    first, second = load(
        "exports:\n  - {name: a, item: thing, format: csv, raw: true, columns: {tags: {join: '|'}}}\n"
        "  - {name: a, item: thing, format: jsonl}\n"
    ).exports
    assert (first.name, first.item, first.format, first.join, first.raw) == ("a", "thing", "csv", {"tags": "|"}, True)
    assert (second.format, second.join, second.raw) == ("jsonl", {}, False)


def test_two_exports_of_one_file_are_refused():
    found = problems("exports:\n  - {name: a, item: thing, format: csv}\n  - {name: a, item: thing, format: csv}\n")
    assert found[16, "exports[1].name"][0] == "a second export writes the file a.csv"


def test_tests_are_compiled_with_the_line_they_stand_in():
    (test,) = load(
        "tests:\n  - page: p\n    snapshot: a.html\n    url: https://a.example\n    status: 404\n"
        "    content_type: text/html\n    expect: {x: A, tags: {count: 2}, next: null, rows: [{x: 1.50}]}\n"
    ).tests
    assert (test.page, test.snapshot, test.url, test.status, test.content_type, test.line) == (
        "p",
        "a.html",
        "https://a.example",
        404,
        "text/html",
        15,
    )
    assert test.expect == {"x": "A", "tags": {"count": 2}, "next": None, "rows": [{"x": Decimal("1.50")}]}


def test_inputs_are_compiled_and_checked():
    recipe = load("inputs: {n: {type: integer, minimum: 1, default: 5}, s: {type: string, required: false}}\n")
    assert recipe.inputs.resolve({}) == {"n": 5}


@pytest.mark.parametrize(
    ("written", "line", "path", "message"),
    [
        ("inputs:\n  n: {type: integer, default: x}\n", 15, "inputs.n.default", "is not an integer"),
        ("inputs:\n  state: {type: string}\n", 15, "inputs.state", "reserved"),
        ("inputs:\n  n:\n    type: integer\n    min_length: 2\n", 17, "inputs.n.min_length", "does not go with type"),
        ("inputs:\n  n:\n    type: string\n    pattern: '('\n", 17, "inputs.n.pattern", "missing )"),
        ("inputs:\n  n:\n    type: string\n    pattern: '\\\\d'\n", 17, "inputs.n.pattern", "two backslashes"),
        ("inputs:\n  n: {type: strnig}\n", 15, "inputs.n.type", "must be string"),
    ],
)
def test_a_wrong_input_is_refused_where_it_is_wrong(written, line, path, message):
    found = problems(written)
    assert message in found[line, path][0], found


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "message"),
    [
        (
            "type: array}",
            "type: array, minimum: 1}",
            13,
            "items.thing.fields.tags.minimum",
            "does not go with type array",
        ),
        ("required: true}", "pattern: '[a'}", 12, "items.thing.fields.x.pattern", ""),
        ("required: true}", "enum: [a, a]}", 12, "items.thing.fields.x.enum[1]", "twice"),
        ("key: [x]", "key: [tags]", 10, "items.thing.key[0]", "cannot identify a row"),
        ("key: [x]", "key: [x]\n    checks: [{jmespath: 'x >'}]", 11, "items.thing.checks[0].jmespath", ""),
        ("required: true}", "min_length: 5, max_length: 2}", 12, "items.thing.fields.x.min_length", "above"),
    ],
)
def test_a_wrong_contract_is_refused_where_it_is_wrong(old, new, line, path, message):
    found = problems(base=BASE.replace(old, new))
    assert message in found[line, path][0], found


def test_all_problems_of_a_contract_are_reported_at_once():
    base = BASE.replace("required: true}", "minimum: 1}").replace("type: array}", "type: array, min_length: 1}")
    assert len(problems(base=base)) == 2
