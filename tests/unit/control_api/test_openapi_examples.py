"""Examples that are put together of those of fields."""

from __future__ import annotations

from control_api.openapi_examples import example_of, resolved

COMPONENTS = {
    "Inner": {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string", "examples": ["x"]}}},
}


def test_an_object_has_the_examples_of_its_members():
    schema = {
        "type": "object",
        "properties": {
            "inner": {"$ref": "#/components/schemas/Inner"},
            "list": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
            "word": {"type": ["string", "null"], "enum": ["a", None]},
            "nothing": {"type": ["string", "null"], "examples": [None]},
            "truth": {"type": "boolean"},
        },
    }
    inner = {"n": 1, "s": "x"}
    whole = {"inner": inner, "list": [inner], "word": "a", "nothing": None, "truth": True}
    assert example_of(schema, COMPONENTS) == whole
    assert example_of(schema, COMPONENTS, only=frozenset({"word"})) == {"word": "a"}


def test_words_beside_a_reference_win():
    schema = {"$ref": "#/components/schemas/Inner", "description": "own"}
    assert resolved(schema, COMPONENTS) == {**COMPONENTS["Inner"], "description": "own"}
