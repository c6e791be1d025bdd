"""Inputs of a recipe: typed or as text, checked all at once, with messages a caller can act on."""

from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import InputError
from crawler.recipe.inputs import RESERVED_NAMES, ContractError, InputSchema, build_inputs

SCHEMA = build_inputs(
    {
        "site": {"type": "string", "format": "uri", "default": "https://shop.example"},
        "categories": {"type": "array", "items": {"type": "string"}, "default": ["chairs", "tables"]},
        "max_items": {"type": "integer", "minimum": 1, "default": 5000},
        "rate": {"type": "number", "maximum": 1, "default": Decimal("0.5")},
        "fast": {"type": "boolean", "required": False},
        "filter": {"type": "object", "required": False},
        "ids": {"type": "array", "items": {"type": "integer"}, "required": False, "max_items": 3},
        "order": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
        "query": {"type": "string", "pattern": r"^\w+$"},
    }
)
DEFAULTS = {
    "site": "https://shop.example",
    "categories": ["chairs", "tables"],
    "max_items": 5000,
    "rate": 0.5,
    "order": "asc",
}


def test_defaults_fill_in_what_is_not_given():
    assert SCHEMA.resolve({"query": "כיסא"}) == {**DEFAULTS, "query": "כיסא"}
    assert SCHEMA.names == tuple(SCHEMA.fields)
    assert InputSchema().resolve({}) == {}


def test_a_default_is_not_shared_between_runs():
    SCHEMA.resolve({"query": "a"})["categories"].append("lamps")
    assert SCHEMA.resolve({"query": "a"})["categories"] == ["chairs", "tables"]


def test_only_json_types_come_out():
    assert type(SCHEMA.resolve({"query": "a"})["rate"]) is float
    assert SCHEMA.resolve({"query": "a", "filter": {"a": [Decimal(1), Decimal("1.5")]}})["filter"] == {"a": [1, 1.5]}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"site": "http://localhost:8000/x"}, "http://localhost:8000/x"),
        ({"max_items": 1}, 1),
        ({"rate": 1}, 1),
        ({"rate": 0.25}, 0.25),
        ({"fast": False}, False),
        ({"filter": {"a": [1, None]}}, {"a": [1, None]}),
        ({"categories": []}, []),
    ],
)
def test_a_typed_value_is_taken_as_it_is(given, value):
    (name,) = given
    assert SCHEMA.resolve({"query": "a", **given})[name] == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"site": "htp://x"}, "input site: 'htp://x' is not a URI; give it as -a site=https://example.com"),
        ({"site": "shop.example"}, "input site: 'shop.example' is not a URI"),
        ({"site": "https://"}, "is not a URI"),
        ({"site": "https://a b"}, "is not a URI"),
        ({"site": "https://a:x"}, "is not a URI"),
        ({"site": "https://a:0"}, "is not a URI"),
        ({"site": 5}, "input site: 5 is not a string"),
        ({"max_items": "5"}, "input max_items: '5' is not an integer; give it as -a max_items=10"),
        ({"max_items": 1.0}, "is not an integer"),
        ({"max_items": True}, "is not an integer"),
        ({"max_items": 0}, "input max_items: 0 is below the minimum of 1"),
        ({"rate": "1"}, "is not a number"),
        ({"rate": float("nan")}, "input rate: NaN is not a number"),
        ({"rate": 1.5}, "above the maximum of 1"),
        ({"fast": "true"}, "is not a boolean; give it as -a fast=true"),
        ({"filter": []}, "is not an object"),
        ({"categories": "chairs"}, "is not an array"),
        ({"categories": ["a", 5]}, "input categories[1]: 5 is not a string; give it as -a categories="),
        ({"ids": [1, 2, 3, 4]}, "above the max_items of 3"),
        ({"order": "up"}, "input order: 'up' is none of asc, desc; give it as -a order=asc"),
        ({"query": "a b"}, r"does not match ^\w+$"),
        ({"query": None}, "input query: null is not a string"),
        ({"sites": "x"}, "input sites: there is no such input; did you mean 'site'?"),
        ({"zzz": "x"}, "the inputs are: site, categories"),
    ],
)
def test_a_wrong_value_gets_a_message_that_says_how_to_give_it(given, message):
    with pytest.raises(InputError) as error:
        SCHEMA.resolve({"query": "a", **given})
    assert len(error.value.messages) == 1
    assert message in error.value.messages[0]


def test_all_problems_are_named_at_once():
    with pytest.raises(InputError) as error:
        SCHEMA.resolve({"sit": "x", "max_items": 0, "order": "up"})
    assert [message.partition(":")[0] for message in error.value.messages] == [
        "input sit",
        "input max_items",
        "input order",
        "input query",
    ]
    assert "input query: is missing; give it as -a query=text" in str(error.value)


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        ({"max_items": "10"}, 10),
        ({"rate": "0.5"}, 0.5),
        ({"rate": "1"}, 1),
        ({"rate": "2e-1"}, 0.2),
        ({"fast": "true"}, True),
        ({"fast": "False"}, False),
        ({"categories": "chairs, tables,"}, ["chairs", "tables"]),
        ({"categories": '["a,b", "c"]'}, ["a,b", "c"]),
        ({"categories": ""}, []),
        ({"ids": "1,2"}, [1, 2]),
        ({"filter": '{"a": 1.5}'}, {"a": 1.5}),
        ({"order": "desc"}, "desc"),
        ({"query": "5"}, "5"),
    ],
)
def test_text_is_read_by_the_type_of_its_input(pairs, value):
    (name,) = pairs
    result = SCHEMA.from_text({"query": "a", **pairs})[name]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"max_items": "ten"}, "input max_items: 'ten' is not an integer; give it as -a max_items=10"),
        ({"max_items": "1,000"}, "is not an integer"),
        ({"max_items": "0"}, "below the minimum"),
        ({"rate": "half"}, "input rate: 'half' is not a number"),
        ({"fast": "yes"}, "input fast: 'yes' is neither true nor false"),
        ({"filter": "a=1"}, "input filter: 'a=1' is not JSON"),
        ({"filter": "[1]"}, "a list of 1 is not an object"),
        ({"ids": "1,x"}, "input ids: 'x' is not an integer"),
        ({"ids": "[1, "}, "is not JSON"),
        ({"ids": "[" * 100_000}, "is not JSON"),
        ({"nope": "x"}, "no such input"),
    ],
)
def test_text_that_cannot_be_read_is_named_once(pairs, message):
    with pytest.raises(InputError) as error:
        SCHEMA.from_text({"query": "a", **pairs})
    assert len(error.value.messages) == 1
    assert message in error.value.messages[0]


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ({"site": "text"}, ("site",), "must be a map", "{type: string}"),
        ({"site": {"type": "decimal"}}, ("site", "type"), "no type 'decimal'", "number"),
        ({"site": {"type": "string", "defualt": "x"}}, ("site", "defualt"), "unknown key", "default"),
        ({"site": {"type": "string", "unique": True}}, ("site", "unique"), "unknown key", None),
        ({"site": {"type": "string", "default": 5}}, ("site", "default"), "5 is not a string", None),
        ({"site": {"type": "string", "default": None}}, ("site", "default"), "null is not", "required: false"),
        ({"site": {"type": "string", "format": "uri", "default": "x"}}, ("site", "default"), "not a URI", None),
        ({"n": {"type": "integer", "minimum": 2, "default": 1}}, ("n", "default"), "below the minimum", None),
        ({"n": {"type": "string", "pattern": "(?=a)"}}, ("n", "pattern"), "look-ahead", None),
        (
            {"n": {"type": "array", "items": {"type": "integer"}, "default": ["a"]}},
            ("n", "default"),
            "not an int",
            None,
        ),
        ({"a": {"type": "integer", "secret": "x"}}, ("a", "type"), "a secret is text", None),
        ({"a-b": {"type": "string"}}, ("a-b",), "cannot name an input", "letters"),
        ({"_a": {"type": "string"}}, ("_a",), "cannot name an input", None),
        ({"שם": {"type": "string"}}, ("שם",), "cannot name an input", None),
        ({5: {"type": "string"}}, ("5",), "cannot name an input", None),
        *(({name: {"type": "string"}}, (name,), "is reserved", f"{name}_") for name in sorted(RESERVED_NAMES)),
    ],
)
def test_a_wrong_schema_is_refused_at_its_place(written, path, message, hint):
    with pytest.raises(ContractError) as error:
        build_inputs(written)
    assert error.value.path == path
    assert message in error.value.message
    assert hint is None or hint in (error.value.hint or "")


def test_all_mistakes_of_a_schema_are_found_at_once():
    with pytest.raises(ContractError) as error:
        build_inputs(
            {"name": {"type": "string"}, "a": {"type": "x"}, "b": {"type": "string", "secret": "x", "default": ""}}
        )
    assert [one.path for one in (error.value, *error.value.also)] == [("name",), ("a", "type"), ("b", "default")]


def test_objects_may_name_their_properties():
    schema = build_inputs(
        {"o": {"type": "object", "properties": {"a": {"type": "integer", "required": True}, "b": {"type": "string"}}}}
    )
    assert schema.resolve({"o": {"a": 1, "c": None}}) == {"o": {"a": 1, "c": None}}
    with pytest.raises(InputError, match=r"input o\.a: is missing; give it as -a o=\{"):
        schema.resolve({"o": {}})
    with pytest.raises(InputError, match=r"input o\.b: 5 is not a string"):
        schema.resolve({"o": {"a": 1, "b": 5}})


def test_the_json_schema_agrees_with_resolve():
    schema = SCHEMA.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["query"]
    jsonschema.validate({"query": "a", "max_items": 1, "ids": [1]}, schema)
    for wrong in (
        {},
        {"query": "a", "max_items": 0},
        {"query": "a", "x": 1},
        {"query": 5},
        {"query": "a", "ids": ["1"]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
        with pytest.raises(InputError):
            SCHEMA.resolve(wrong)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA.names, "other"]), JSON_LIKE))
def test_any_values_are_taken_or_refused_as_inputs(given_values):
    try:
        resolved = SCHEMA.resolve(given_values)
    except InputError as error:
        assert error.messages  # noqa: PT017 - either outcome is right
    else:
        assert given_values.items() <= resolved.items()


@given(st.dictionaries(st.sampled_from([*SCHEMA.names, "other"]), st.text(max_size=15)))
def test_any_text_is_taken_or_refused_as_inputs(pairs):
    try:
        SCHEMA.from_text(pairs)
    except InputError as error:
        assert error.messages  # noqa: PT017 - either outcome is right
