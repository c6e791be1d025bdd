"""The JSON Schema that is published describes exactly the rows that are accepted."""

import json
from decimal import Decimal

import jsonschema
import msgspec
import pytest

from crawler.recipe.contract import accept, build_contract, item_json_schema
from crawler.recipe.inputs import build_inputs

CONTRACT = build_contract(
    "product",
    {
        "version": 3,
        "key": ["sku"],
        "description": "one product",
        "fields": {
            "sku": {"type": "string", "pattern": r"^[\w-]+$", "unique": True, "description": "stock keeping unit"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}(-|_)[0-9]+$"},
            "price": {"type": "decimal", "minimum": 0.5, "maximum": 1000, "required": True},
            "stock": {"type": "integer", "enum": [0, 1]},
            "availability": {"type": "string", "enum": ["InStock", "OutOfStock"], "required": True},
            "url": {"type": "string", "format": "uri"},
            "ok": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string", "max_length": 5}, "min_items": 1, "max_items": 2},
            "variants": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"sku": {"type": "string", "required": True}, "n": {"type": "number"}},
                },
            },
            "any": {"type": "object"},
        },
        "checks": ["price > `0`"],
    },
)
ENCODER = msgspec.json.Encoder(decimal_format="number")
SCHEMA = item_json_schema(CONTRACT)
VALUES = {
    "sku": "כיסא-1",
    "code": "AB-12",
    "price": "12.50",
    "availability": "InStock",
    "stock": "1",
    "url": "/a",
    "ok": "true",
    "tags": ["a"],
    "variants": [{"sku": "x", "n": 0.5, "more": [1]}, {"sku": "y"}],
    "any": {"a": None},
}


def as_json(row):
    return json.loads(ENCODER.encode(row))


def accepted(**values):
    row = accept(CONTRACT, {**VALUES, **values}, base_url="https://shop.example/")
    assert isinstance(row, dict), row
    return as_json(row)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == "product"
    assert (SCHEMA["x-key"], SCHEMA["x-version"], SCHEMA["x-checks"]) == (["sku"], 3, ["price > `0`"])
    assert SCHEMA["description"] == "one product"
    json.dumps(SCHEMA)


@pytest.mark.parametrize(
    "values", [{}, {"tags": None, "url": "", "ok": False, "stock": None, "variants": [], "any": None}]
)
def test_accepted_rows_are_valid(values):
    jsonschema.validate(accepted(**values), SCHEMA, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", None),
        ("price", None),
        ("price", "12.50"),
        ("price", 0.4),
        ("price", 1001),
        ("availability", None),
        ("availability", "Sold"),
        ("stock", 2),
        ("stock", "1"),
        ("code", "ab-12"),
        ("ok", "true"),
        ("tags", []),
        ("tags", ["a", "b", "c"]),
        ("tags", ["abcdef"]),
        ("tags", [None]),
        ("variants", [{"sku": None, "n": 1}]),
        ("variants", [{"sku": "x"}]),
        ("any", "text"),
    ],
)
def test_what_the_contract_refuses_is_invalid(field, value):
    row = accepted()
    row[field] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(row, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_a_row_has_all_fields_and_no_other():
    row = accepted()
    del row["tags"]
    with pytest.raises(jsonschema.ValidationError, match="'tags' is a required property"):
        jsonschema.validate(row, SCHEMA)
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({**accepted(), "other": 1}, SCHEMA)


def test_a_pattern_that_engines_read_differently_is_published_as_an_extension_only():
    properties = SCHEMA["properties"]
    assert properties["sku"]["x-pattern"] == r"^[\w-]+$"
    assert "pattern" not in properties["sku"]
    assert properties["code"]["pattern"] == "^[A-Z]{2}(-|_)[0-9]+$"


def test_nullability_follows_required_and_key():
    types = {name: schema["type"] for name, schema in SCHEMA["properties"].items()}
    assert (types["sku"], types["price"], types["url"]) == ("string", "number", ["string", "null"])
    assert SCHEMA["properties"]["stock"]["enum"] == [0, 1, None]
    assert SCHEMA["properties"]["availability"]["enum"] == ["InStock", "OutOfStock"]
    assert SCHEMA["properties"]["price"]["x-decimal"] is True
    assert SCHEMA["properties"]["price"]["minimum"] == 0.5
    assert SCHEMA["properties"]["price"]["maximum"] == 1000
    assert SCHEMA["properties"]["sku"]["x-unique"] is True


def test_inputs_are_published_with_their_defaults():
    schema = build_inputs({"site": {"type": "string", "format": "uri", "default": "https://a.example"}}).json_schema()
    assert schema["properties"]["site"] == {"type": "string", "format": "uri", "default": "https://a.example"}
    assert Decimal not in {type(value) for value in schema["properties"]["site"].values()}
