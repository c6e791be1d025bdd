"""Single values: what fits is kept, what does not is refused with the cure."""

import jsonschema
import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.shape import Schemas
from crawler.recipe.shape_scalars import Anything, Boolean, Choice, FirstOf, Integer, Number, Text
from crawler.recipe.yaml_nodes import Broken, plain
from crawler.recipe.yaml_reader import read_yaml


def check(shape, text):
    report = Report()
    root = read_yaml(f"x: {text}\n" if not text.startswith("\n") else f"x:{text}\n", file="r.yaml", report=report)
    checked = shape.check(root.get("x"), ("x",), report)
    return checked, report.problems()


@pytest.mark.parametrize(
    ("shape", "text", "message", "hint"),
    [
        (Text(), "5", "must be text, not the number 5", 'quote it: "5"'),
        (Text(), "true", "must be text, not the truth value true", 'quote it: "true"'),
        (Text(), "[data-id]", "must be text, not a list", 'quote it if it is text: "[data-id]"'),
        (Text(), "{a: b}", "must be text, not a map", 'quote it if it is text: "{a: b}"'),
        (Text(), "''", "is empty text", "write a value, or delete the key"),
        (Text(), "", "has no value", "write one, or delete 'x'"),
        (Text(), "#main", "has no value: `#` begins a comment in YAML", 'write: x: "#main"'),
        (Text(), "# a comment", "has no value", "write one, or delete 'x'"),
        (Text(accepts=lambda _: "is no good", hint="try b"), "a", "is no good", "try b"),
        (Integer(), "'5'", "must be a whole number, not the text '5'", "without quotes: 5"),
        (Integer(), "5.0", "must be a whole number, not the number 5.0", None),
        (Integer(), "true", "must be a whole number, not the truth value true", None),
        (Integer(minimum=1), "0", "must be at least 1, not 0", None),
        (Integer(maximum=3), "4", "must be at most 3, not 4", None),
        (Number(), "x", "must be a number, not the text 'x'", None),
        (Boolean(), "yes", "must be true or false, not the text 'yes'", "write: true"),
        (Boolean(), "off", "must be true or false, not the text 'off'", "write: false"),
        (Boolean(), "'true'", "must be true or false, not the text 'true'", "write: true"),
        (Boolean(), "ture", "must be true or false, not the text 'ture'", "did you mean 'true'?"),
        (Choice(values=("csv", "jsonl")), "cvs", "must be csv or jsonl, not the text 'cvs'", "did you mean 'csv'?"),
        (Choice(values=("csv",), later=("xml",)), "xml", "'xml' is not available in this version", "use csv"),
        (Choice(values=(1,)), "2", "must be 1, not the number 2", None),
        (Choice(values=(1,)), "true", "must be 1, not the truth value true", None),
        (Anything(nullable=False), "null", "has no value", "write one, or delete 'x'"),
        (FirstOf(shapes=(Integer(), Boolean()), noun="1 or true"), "x", "must be 1 or true, not the text 'x'", None),
    ],
)
def test_a_value_of_another_kind_is_refused_with_the_cure(shape, text, message, hint):
    checked, problems = check(shape, text)
    assert [(problem.message, problem.hint) for problem in problems] == [(message, hint)]
    assert isinstance(checked, Broken)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (Text(), "word"),
        (Text(blank=True), "''"),
        (Integer(minimum=1), "1"),
        (Number(), "2.5"),
        (Boolean(), "false"),
        (Choice(values=(1, "a")), "1"),
        (Anything(), "{a: [1, null]}"),
        (Anything(), "null"),
        (FirstOf(shapes=(Integer(), Boolean()), noun="one or true"), "true"),
    ],
)
def test_what_fits_is_kept_and_fits_the_json_schema_too(shape, text):
    checked, problems = check(shape, text)
    assert problems == ()
    value = plain(checked)
    jsonschema.Draft202012Validator(shape.schema(Schemas())).validate(float(value) if text == "2.5" else value)


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (Text(), {"type": "string", "minLength": 1}),
        (Text(blank=True, pattern="^a"), {"type": "string", "pattern": "^a"}),
        (Integer(minimum=0, maximum=2), {"type": "integer", "minimum": 0, "maximum": 2}),
        (Choice(values=("a", "b"), later=("c",)), {"enum": ["a", "b"]}),
        (FirstOf(shapes=(Boolean(), Number()), noun="x"), {"anyOf": [{"type": "boolean"}, {"type": "number"}]}),
        (Anything(), {}),
    ],
)
def test_each_shape_is_a_json_schema(shape, schema):
    assert shape.schema(Schemas()) == schema


@pytest.mark.parametrize(("written", "quoted"), [("1.10", "1.10.0"), ("2", "2.0.0")])
def test_a_number_where_a_version_is_meant_is_quoted_in_full(written, quoted):
    shape = Text(accepts=lambda text: None if text.count(".") == 2 else "is no version")
    assert check(shape, written)[1][0].hint == f'quote it: "{quoted}"'


def test_a_hint_never_quotes_what_would_be_refused_again():
    shape = Text(accepts=lambda _: "is no colour", hint="write red")
    assert check(shape, "5")[1][0].hint == "write red"
