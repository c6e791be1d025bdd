"""Contracts: built with every mistake named, rows accepted whole or refused with a reason per field."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.contract import ContractError, accept, build_contract
from crawler.recipe.model import Reason
from crawler.recipe.values import MISSING

BASE = "https://shop.example/p/1"

PRODUCT = build_contract(
    "product",
    {
        "version": 3,
        "key": ["sku"],
        "description": "one product",
        "fields": {
            "url": {"type": "string", "format": "uri", "required": True},
            "sku": {"type": "string", "pattern": r"^[\w-]+$", "unique": True},
            "price": {"type": "decimal", "minimum": 0, "required": True},
            "regular_price": {"type": "decimal"},
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
            "images": {"type": "array", "items": {"type": "string", "format": "uri"}, "min_items": 1},
            "variants": {"type": "array"},
        },
        "checks": [
            {"jmespath": "!regular_price || regular_price >= price"},
            {"jmespath": "!variants[?!attributes]", "message": "a variant has no attributes"},
        ],
    },
)
GOOD = {"url": "/p/1", "sku": "A-1", "price": "12.50"}


def row(**values):
    return accept(PRODUCT, {**GOOD, **values}, base_url=BASE)


def test_an_accepted_row_has_every_field_in_contract_order_with_its_type():
    accepted = row(variants=[{"attributes": {"size": "L"}}], images=["a.jpg", None], unknown=1)
    assert accepted == {
        "url": "https://shop.example/p/1",
        "sku": "A-1",
        "price": Decimal("12.50"),
        "regular_price": None,
        "rating": None,
        "images": ["https://shop.example/p/a.jpg"],
        "variants": [{"attributes": {"size": "L"}}],
    }
    assert list(accepted) == list(PRODUCT.fields)
    assert str(accepted["price"]) == "12.50"


def test_all_broken_fields_are_named_each_with_the_first_rule_it_broke():
    reasons = row(url="mailto:x", sku="a b", price="1,5", rating="9", images=["ok", "javascript:x"])
    assert [(reason.field, reason.rule) for reason in reasons] == [
        ("url", "format"),
        ("sku", "pattern"),
        ("price", "type"),
        ("rating", "maximum"),
        ("images[]", "format"),
    ]
    assert all(reason.message for reason in reasons)


@pytest.mark.parametrize("value", [MISSING, None, "", " "])
def test_a_missing_required_field_refuses_the_row(value):
    assert row(price=value) == (Reason(field="price", rule="required", message="is missing"),)


def test_a_missing_part_of_the_key_refuses_the_row():
    assert row(sku=None) == (Reason(field="sku", rule="required", message="is missing, and part of the key"),)


def test_a_broken_part_of_the_key_is_named_once():
    assert [reason.rule for reason in row(sku="a b")] == ["pattern"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"regular_price": "12.5"}, []),
        ({"regular_price": "12.49"}, ["checks[0]"]),
        ({"regular_price": "100"}, []),
        ({"variants": [{"attributes": {"a": 1}}, {"attributes": {}}]}, ["checks[1]"]),
        ({"regular_price": "1", "variants": [{}]}, ["checks[0]", "checks[1]"]),
    ],
)
def test_checks_compare_exact_numbers(values, expected):
    result = row(**values)
    found = [] if isinstance(result, dict) else [(reason.field, reason.rule) for reason in result]
    assert found == [(name, "check") for name in expected]


def test_a_check_says_its_message():
    (reason,) = row(variants=[{}])
    assert reason.message == "a variant has no attributes (`!variants[?!attributes]` is not true)"


def test_a_check_that_cannot_be_evaluated_refuses_the_row():
    contract = build_contract(
        "x",
        {"fields": {"a": {"type": "string"}, "b": {"type": "array"}}, "checks": ["length(a) > `0`", "sum(b) > `1`"]},
    )
    reasons = accept(contract, {"b": ["x"]}, base_url=BASE)
    assert [reason.rule for reason in reasons] == ["check", "check"]
    assert "cannot be evaluated" in reasons[0].message
    assert accept(contract, {"a": "x", "b": [0.5, Decimal("0.6")]}, base_url=BASE) == {
        "a": "x",
        "b": [Decimal("0.5"), Decimal("0.6")],
    }


def test_checks_are_not_tried_on_a_row_with_broken_fields():
    assert [reason.field for reason in row(price="x", regular_price="1")] == ["price"]


def test_a_contract_holds_what_was_written():
    assert (PRODUCT.name, PRODUCT.version, PRODUCT.key, PRODUCT.description) == ("product", 3, ("sku",), "one product")
    assert PRODUCT.fields["sku"].unique
    assert [check.text for check in PRODUCT.checks] == [
        "!regular_price || regular_price >= price",
        "!variants[?!attributes]",
    ]


FIELDS = {"sku": {"type": "string"}, "tags": {"type": "array"}}


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ({}, ("fields",), "must be a map of fields", None),
        ({"fields": {}}, ("fields",), "must be a map of fields", None),
        ({"fields": FIELDS, "keys": ["sku"]}, ("keys",), "unknown key `keys`", "key"),
        ({"fields": FIELDS, "version": 0}, ("version",), "from 1", None),
        ({"fields": FIELDS, "version": "1"}, ("version",), "from 1", None),
        ({"fields": FIELDS, "version": True}, ("version",), "from 1", None),
        ({"fields": FIELDS, "key": ["sk"]}, ("key", 0), "there is no field 'sk'", "sku"),
        ({"fields": FIELDS, "key": ["sku", "sku"]}, ("key", 1), "there twice", None),
        ({"fields": FIELDS, "key": ["tags"]}, ("key", 0), "of type array", None),
        ({"fields": FIELDS, "key": 5}, ("key",), "must be a list of fields", "key: [sku]"),
        ({"fields": FIELDS, "key": [5]}, ("key", 0), "there is no field 5", None),
        ({"fields": FIELDS, "description": 5}, ("description",), "must be text", None),
        ({"fields": FIELDS, "checks": "sku"}, ("checks",), "must be a list", None),
        ({"fields": FIELDS, "checks": [5]}, ("checks", 0), "must be a map with a `jmespath`", None),
        ({"fields": FIELDS, "checks": [{"jmespath": "a["}]}, ("checks", 0, "jmespath"), "", None),
        ({"fields": FIELDS, "checks": [{"jmespath": "lenght(a)"}]}, ("checks", 0, "jmespath"), "no function", "length"),
        (
            {"fields": FIELDS, "checks": [{"jmespath": "a", "mesage": "b"}]},
            ("checks", 0, "mesage"),
            "unknown",
            "message",
        ),
        ({"fields": FIELDS, "checks": [{"jmespath": "a", "message": 5}]}, ("checks", 0, "message"), "text", None),
        ({"fields": {"sku": {"type": "strin"}}, "key": ["sku"]}, ("fields", "sku", "type"), "no type", "string"),
    ],
)
def test_a_wrong_contract_is_refused_at_its_place(written, path, message, hint):
    with pytest.raises(ContractError) as error:
        build_contract("x", written)
    assert error.value.path == path
    assert message in error.value.message
    assert hint is None or hint in (error.value.hint or "")
    assert error.value.also == ()


def test_a_key_may_be_one_name():
    assert build_contract("x", {"fields": FIELDS, "key": "sku"}).key == ("sku",)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*PRODUCT.fields, "other"]), JSON_LIKE))
def test_any_values_make_a_row_or_reasons(values):
    result = accept(PRODUCT, values, base_url=BASE)
    if isinstance(result, dict):
        assert list(result) == list(PRODUCT.fields)
    else:
        assert result
        assert len({reason.field for reason in result}) == len(result)
