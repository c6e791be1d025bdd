from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from crawler.exports.exact_json import TypesTooLong, json_of, restore

sys.path.insert(0, str(Path(__file__).parent))

from plain_values import ROWS, shown


def through_json(row, types):
    text = msgspec.json.Encoder(decimal_format="number").encode({"row": row, "types": types})
    read = msgspec.json.Decoder(float_hook=Decimal).decode(text)
    return restore(read["row"], read["types"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ROWS)
def test_every_value_comes_back_with_its_type(row):
    assert shown(through_json(*json_of(row))) == shown(row)


def test_rows_of_recipes_need_no_types():
    row = {"name": "Oak", "price": Decimal("1.50"), "stock": 3, "new": True, "old": None, "tags": ["a", {"b": 1}]}
    assert json_of(row) == (row, {})


def test_what_json_has_no_type_for_is_readable_and_named_by_pointer():
    row = {
        "a/b~c": dt.date(2026, 3, 1),
        "seen": dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC),
        "sizes": (Decimal(1), {"x": b"hi"}),
        "half": 0.5,
    }
    assert json_of(row) == (
        {
            "a/b~c": "2026-03-01",
            "seen": "2026-03-01T12:00:00+00:00",
            "sizes": ["1", {"x": "aGk="}],
            "half": 0.5,
        },
        {
            "/a~1b~0c": "date",
            "/seen": "datetime",
            "/sizes/0": "decimal",
            "/sizes/1/x": "bytes",
            "/sizes": "tuple",
            "/half": "float",
        },
    )


def test_what_is_no_plain_value_is_refused_with_its_place():
    with pytest.raises(TypeError, match="/a/0: object is no plain value"):
        json_of({"a": [object()]})


def test_pointers_many_times_longer_than_their_row_are_given_up():
    with pytest.raises(TypesTooLong, match="as long as"):
        json_of({"k" * 100_000: [dt.date(2026, 3, 1)] * 1_000})


@pytest.mark.parametrize(
    "types",
    [
        {"/b": "date"},
        {"/a": "date"},
        {"/a": "no such type"},
        {"/a/x": "date"},
        {"/list/7": "decimal"},
        {"/list/x": "decimal"},
        {"/list/0": "decimal"},
        {"": "date"},
        {"/list": "set"},
    ],
)
def test_types_that_do_not_fit_are_an_error(types):
    with pytest.raises(ValueError):
        restore({"a": "x", "list": ["x", []]}, types)
