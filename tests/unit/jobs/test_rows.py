"""Rows travel with their types and in their order; what cannot travel is named."""

from __future__ import annotations

import collections
import enum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.jobs.rows import MAX_ROW_BYTES, VERSION, decode_row, encode_row
from crawler.wire import NotEncodable, Undecodable

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_a_row_comes_back_as_it_was(values):
    again = decode_row(encode_row(values))
    assert again == values
    assert list(again) == list(values)
    assert [type(value) for value in again.values()] == [type(value) for value in values.values()]


class Colour(str, enum.Enum):  # noqa: UP042 - its text is not its value, unlike that of a StrEnum
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(int):
    pass


def test_values_that_only_look_special_travel_as_what_they_stand_for():
    values = {
        Text("name"): Text("text"),
        "colour": Colour.RED,
        "number": Number(3),
        "counted": collections.Counter("aab"),
        "flag": True,
        "nested": [(Text("t"), {Colour.RED}), collections.OrderedDict(a=Number(1))],
    }
    assert decode_row(encode_row(values)) == {
        "name": "text",
        "colour": "red",
        "number": 3,
        "counted": {"a": 2, "b": 1},
        "flag": True,
        "nested": [("t", {"red"}), {"a": 1}],
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fine": 1, "price": object()}, "price: object is no plain value"),
        ({"offers": [{"seller": {"logo": object()}}]}, "offers[0].seller.logo: object is no plain value"),
        ({"fine": 1, "id": 2**70}, "id: can't serialize ints"),
        ({"name": "\ud800"}, "name: 'utf-8' codec"),
        ({1: 2}, "field 1: its name is no text"),
        ({"specs": {1: 2}}, "specs: key 1 is no text"),
        ({"a": "x", "text": "y" * MAX_ROW_BYTES}, "bytes, most of them in text; at most 1,048,576 are kept"),
    ],
)
def test_what_cannot_travel_is_named(values, message):
    with pytest.raises(NotEncodable) as error:
        encode_row(values)
    assert message in str(error.value)


def test_a_row_as_long_as_it_may_be_travels():
    overhead = len(encode_row({"t": "x" * 70_000})) - 70_000
    values = {"t": "x" * (MAX_ROW_BYTES - overhead)}
    assert len(encode_row(values)) == MAX_ROW_BYTES
    assert decode_row(encode_row(values)) == values


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"a": 1}),
        msgspec.msgpack.encode([VERSION, [1]]),
        msgspec.msgpack.encode([VERSION, {1: 1}]),
        msgspec.msgpack.encode([VERSION, {"a": msgspec.msgpack.Ext(99, b"")}]),
        msgspec.msgpack.encode([VERSION + 1, {"a": 1}]),
        b"\x92\x01" + b"\x91" * 5000,
    ],
)
def test_bytes_that_are_no_row_are_refused(encoded):
    with pytest.raises(Undecodable):
        decode_row(encoded)


def test_another_version_is_named():
    with pytest.raises(Undecodable, match="version 2 of the wire format of rows"):
        decode_row(msgspec.msgpack.encode([VERSION + 1, {"a": 1}]))
