"""Specs of fields: every mistake is found, all at once, with its place; rules do what they say."""

from decimal import Decimal

import pytest

from crawler.recipe.coercion import compile_field
from crawler.recipe.fields import Broken, ContractError, Reader


def problems(**written) -> list[tuple]:
    reader = Reader()
    reader.spec(written, ())
    return [(problem.path, problem.message, problem.hint) for problem in reader.problems]


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ({}, (), "has no `type`", "string, integer"),
        ({"type": "integr"}, ("type",), "no type 'integr'", "integer"),
        ({"type": "int"}, ("type",), "no type 'int'", "`integer`"),
        ({"type": "list"}, ("type",), "no type 'list'", "`array`"),
        ({"type": "date"}, ("type",), "no type 'date'", "format: date"),
        ({"type": "url"}, ("type",), "no type 'url'", "format: uri"),
        ({"type": 5}, ("type",), "no type 5", "string"),
        ({"type": ["string", "null"]}, ("type",), "no type a list of 2", "string"),
        ({"type": "string", "requird": True}, ("requird",), "unknown key `requird`", "required"),
        ({"type": "string", "required": "yes"}, ("required",), "must be true or false", None),
        ({"type": "string", "unique": 1}, ("unique",), "must be true or false", None),
        ({"type": "string", "minimum": 1}, ("minimum",), "does not go with type string", "`min_length`"),
        ({"type": "string", "min_items": 1}, ("min_items",), "does not go with type string", "for type array"),
        ({"type": "array", "max_length": 1}, ("max_length",), "does not go with type array", "`max_items`"),
        ({"type": "array", "minimum": 1}, ("minimum",), "does not go with type array", "`min_items`"),
        ({"type": "integer", "pattern": "a"}, ("pattern",), "does not go with", "for type string"),
        ({"type": "integer", "format": "uri"}, ("format",), "does not go with", "for type string"),
        ({"type": "object", "enum": ["a"]}, ("enum",), "does not go with", None),
        ({"type": "array", "unique": True}, ("unique",), "does not go with", None),
        ({"type": "string", "items": {"type": "string"}}, ("items",), "does not go with", "for type array"),
        ({"type": "string", "properties": {}}, ("properties",), "does not go with", "for type object"),
        ({"type": "string", "format": "url"}, ("format",), "no format 'url'", "uri"),
        ({"type": "string", "format": ["uri"]}, ("format",), "no format a list", None),
        ({"type": "string", "pattern": "(?=a)"}, ("pattern",), "look-ahead", "look-around"),
        ({"type": "string", "pattern": 5}, ("pattern",), "must be text", "quote"),
        ({"type": "decimal", "minimum": "0"}, ("minimum",), "must be a number", "without quotes"),
        ({"type": "decimal", "minimum": True}, ("minimum",), "must be a number", None),
        ({"type": "decimal", "minimum": float("nan")}, ("minimum",), "not a number", None),
        ({"type": "decimal", "minimum": 2, "maximum": 1}, ("minimum",), "above `maximum`", None),
        ({"type": "string", "min_length": 2, "max_length": 1}, ("min_length",), "above `max_length`", None),
        ({"type": "string", "max_length": -1}, ("max_length",), "must not be negative", None),
        ({"type": "array", "min_items": 1.5}, ("min_items",), "has a fraction", None),
        ({"type": "string", "enum": []}, ("enum",), "must be a list", None),
        ({"type": "string", "enum": "a"}, ("enum",), "must be a list", "enum: [a, b]"),
        ({"type": "string", "enum": ["a", 1]}, ("enum", 1), "1 is no string", "quote"),
        ({"type": "string", "enum": ["a", "a"]}, ("enum", 1), "there twice", None),
        ({"type": "integer", "enum": [1, 1.5]}, ("enum", 1), "1.5 is no integer", None),
        ({"type": "integer", "enum": [1, "2"]}, ("enum", 1), "'2' is no integer", None),
        ({"type": "decimal", "enum": [True]}, ("enum", 0), "true is no decimal", None),
        ({"type": "boolean", "enum": [1]}, ("enum", 0), "1 is no boolean", None),
        ({"type": "string", "description": 5}, ("description",), "must be text", None),
        ({"type": "array", "items": "string"}, ("items",), "must be a map", "{type: string}"),
        ({"type": "array", "items": {"type": "strng"}}, ("items", "type"), "no type 'strng'", "string"),
        ({"type": "object", "properties": {}}, ("properties",), "must be a map of fields", None),
        ({"type": "object", "properties": ["a"]}, ("properties",), "must be a map of fields", None),
        ({"type": "object", "properties": {5: {"type": "string"}}}, ("properties", "5"), "must be text", None),
        ({"type": "object", "properties": {"a": {"type": "x"}}}, ("properties", "a", "type"), "no type 'x'", None),
    ],
)
def test_a_wrong_spec_is_refused_at_its_place(written, path, message, hint):
    found = problems(**written)
    assert len(found) == 1
    assert found[0][0] == path
    assert message in found[0][1]
    assert hint is None or hint in (found[0][2] or "")


def test_all_mistakes_are_found_at_once():
    reader = Reader()
    reader.specs({"a": {"type": "x"}, "b": {"type": "string", "minimum": 1, "pattern": "("}, "c": 5}, ("fields",))
    with pytest.raises(ContractError) as error:
        reader.finish()
    paths = [one.path for one in (error.value, *error.value.also)]
    assert paths == [("fields", "a", "type"), ("fields", "b", "minimum"), ("fields", "b", "pattern"), ("fields", "c")]
    assert str(error.value).startswith("fields.a.type: there is no type 'x'")


def test_specs_inside_specs_without_end_are_refused():
    written: dict = {"type": "string"}
    for _ in range(50):
        written = {"type": "array", "items": written}
    assert any("nested too deep" in message for _, message, _ in problems(**written))


def test_a_spec_holds_what_was_written():
    reader = Reader()
    spec = reader.spec(
        {"type": "decimal", "required": True, "unique": True, "minimum": 0.5, "enum": [0.5, 1], "description": "x"}, ()
    )
    assert (spec.type, spec.required, spec.unique, spec.description) == ("decimal", True, True, "x")
    assert (spec.minimum, spec.enum) == (Decimal("0.5"), (Decimal("0.5"), Decimal(1)))


@pytest.mark.parametrize(
    ("written", "good", "bad", "rule"),
    [
        ({"type": "string", "enum": ["a", "b"]}, ["a", "b"], ["A", "c"], "enum"),
        ({"type": "integer", "enum": [1, 2]}, [1], [3], "enum"),
        ({"type": "string", "pattern": r"^[\w-]+$"}, ["ab-1", "כיסא"], ["a b", "a/"], "pattern"),
        ({"type": "string", "pattern": "b"}, ["abc"], ["ac"], "pattern"),
        ({"type": "string", "min_length": 2}, ["ab"], ["a"], "min_length"),
        ({"type": "string", "max_length": 2}, ["ab"], ["abc"], "max_length"),
        ({"type": "array", "min_items": 2}, [[1, 2]], [[1]], "min_items"),
        ({"type": "array", "max_items": 2}, [[1, 2]], [[1, 2, 3]], "max_items"),
        ({"type": "decimal", "minimum": 0}, [Decimal(0), Decimal("0.01")], [Decimal("-0.01")], "minimum"),
        ({"type": "decimal", "maximum": 0.1}, [Decimal("0.1")], [Decimal("0.11")], "maximum"),
        ({"type": "integer", "minimum": 1, "maximum": 5}, [1, 5], [6], "maximum"),
        ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "2024-2-9", "20240229"], "format"),
        (
            {"type": "string", "format": "date-time"},
            ["2024-03-05T14:30:00Z", "2024-03-05T14:30:00.5+02:00"],
            ["2024-03-05", "2024-03-05T14:30:00", "2024-03-05T25:30:00Z", "2024-03-05 14:30:00Z"],
            "format",
        ),
        (
            {"type": "string", "format": "email"},
            ["a.b+c@shop.example", "א@דוגמה.example"],
            ["a", "a@b", "a b@c.example", "a@b..example", "@b.example", "a@b.example" + "x" * 300],
            "format",
        ),
    ],
)
def test_a_rule_lets_good_values_pass_and_breaks_on_bad_ones(written, good, bad, rule):
    spec = Reader().spec(written, ())
    for value in good:
        assert compile_field(spec)(value, "") == value
    for value in bad:
        with pytest.raises(Broken) as broken:
            compile_field(spec)(value, "")
        assert broken.value.rule == rule
        assert len(broken.value.message) < 200
