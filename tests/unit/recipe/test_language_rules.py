"""Rules and steps: which keys go together, and what is said where they do not."""

import jsonschema
import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.language_rules import EACH, FIELD, RULE, STEPS
from crawler.recipe.shape import Schemas
from crawler.recipe.steps import catalogue
from crawler.recipe.yaml_nodes import plain
from crawler.recipe.yaml_reader import read_yaml


def check(shape, text):
    report = Report()
    root = read_yaml(f"x: {text}\n", file="r.yaml", report=report)
    checked = shape.check(root.get("x"), ("x",), report)
    return plain(checked), [(problem.path, problem.message, problem.hint) for problem in report.problems()]


GOOD_RULES = [
    "h1",
    "[h1, {meta: title}]",
    "{css: h1, from: a, as: html, remove: [b], all: true, process: [strip], default: x, when: p}",
    "{xpath: //h1, as: count}",
    "{jmespath: a.b, from: ld, all: true, default: 0}",
    "{const: {a: [1]}, when: h1}",
    "{template: '{{ inputs.a }}', process: [lower]}",
    "{preceding: {css: h2, value: span}}",
    "{table: {header: Size}, as: text, remove: b}",
    "{any: [h1, h2], all: true, process: [{join: x}], default: x}",
    "{union: [h1, h2], process: [unique]}",
    "{response: url}",
]


@pytest.mark.parametrize("text", GOOD_RULES)
@pytest.mark.parametrize("shape", [RULE, FIELD])
def test_a_rule_that_is_right_is_kept_as_it_is_and_fits_the_schema(shape, text):
    value, problems = check(shape, text)
    assert problems == []
    schemas = Schemas()
    schema = {**shape.schema(schemas), "$defs": schemas.definitions}
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        ("{meta: a, as: html}", "x.as", "`as` goes with css, xpath, table; not with `meta`"),
        ("{const: a, default: b}", "x.default", "not with `const`"),
        ("{jmespath: a, remove: b}", "x.remove", "`remove` goes with css, xpath, table; not with `jmespath`"),
        ("{css: a, meta: b}", "x.meta", "keep `css` or `meta`"),
        ("{union: [a], all: true}", "x.all", "not with `union`"),
        ("{css: a, each: b}", "x.each", "unknown"),
    ],
)
def test_keys_that_do_not_go_together_are_told_apart(text, path, hint):
    _, problems = check(RULE, text)
    assert [problem[0] for problem in problems] == [path]
    assert hint in f"{problems[0][1]} {problems[0][2]}"


@pytest.mark.parametrize(
    ("text", "path", "message", "hint"),
    [
        ("strip", "x", "must be a list of steps, not the text 'strip'", "as a list: [strip]"),
        ("stirp", "x", "must be a list of steps", "did you mean 'strip'?"),
        ("[5]", "x[0]", "must be a step, not the number 5", "write a step's name"),
        ("[[strip]]", "x[0]", "must be a step, not a list", "write a step's name"),
        ("[{regex: a, join: b}]", "x[0].join", "one step per member", "`- join:`"),
        ("[{price: {free: 0}, which: last}]", "x[0].which", "one step per member", "{price: {which: ...}}"),
        ("[{}]", "x[0]", "must be a step, not a map", "write a step's name"),
        ("[]", "x", "is an empty list", "delete the key"),
    ],
)
def test_steps_are_a_list_of_names_or_of_maps_of_one_key(text, path, message, hint):
    _, problems = check(STEPS, text)
    assert problems[0][0] == path
    assert message in problems[0][1]
    assert hint in problems[0][2]


@pytest.mark.parametrize("text", ["li", "{css: li, remove: b}", "{xpath: //li}", "{from: a, jmespath: b, parse: html}"])
def test_what_makes_rows_is_a_selector_with_few_options(text):
    assert check(EACH, text)[1] == []


@pytest.mark.parametrize("text", ["{css: li, all: true}", "{meta: a}", "[li]", "{css: li, default: a}", "5"])
def test_what_makes_rows_has_no_other_options(text):
    assert check(EACH, text)[1]


def test_the_schema_of_a_step_knows_every_name_and_option():
    schemas = Schemas()
    STEPS.schema(schemas)
    names, mapping = schemas.definitions["step"]["anyOf"]
    assert [entry["const"] for entry in names["oneOf"]] == [info.name for info in catalogue()]
    assert list(mapping["properties"]) == [info.name for info in catalogue()]
    validator = jsonschema.Draft202012Validator(schemas.definitions["step"])
    for info in catalogue():
        argument = info.example[0]
        value = {info.name: argument} if isinstance(argument, str | int | list | dict) else info.name
        assert validator.is_valid(value), value
    assert not validator.is_valid("stirp")
    assert not validator.is_valid({"stirp": 1})


def test_rules_and_fields_differ_only_in_that_a_field_may_be_rows():
    rows = "{each: li, fields: {a: b, c: {each: d, fields: {e: f}}}, drop_if: .x, when: ul, else: {cartesian: o}}"
    assert check(FIELD, rows)[1] == []
    assert check(RULE, rows)[1]
    assert check(FIELD, f"[{rows}, h1]")[1] == []
