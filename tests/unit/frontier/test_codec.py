from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.frontier.codec import (
    MAX_ENCODED_BYTES,
    NEWEST_READ,
    OLDEST_READ,
    VERSION,
    NotEncodable,
    Undecodable,
    WireRequest,
    decode,
    encode,
    needed,
)
from crawler.frontier.contract import MOST_NEEDED

plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes().map(lambda moment: moment.replace(fold=0)),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), plain_values))
def test_what_goes_in_comes_out_with_its_types(meta):
    decoded = decode(encode(WireRequest(url="http://a/", meta=meta))).meta
    assert decoded == meta
    assert repr(decoded) == repr(meta)


def test_every_field_survives():
    request = WireRequest(
        kind="JsonRequest",
        url="http://a/x?q=1",
        method="POST",
        headers=[(b"Accept", [b"a", b"b"])],
        body=b"\x00\xff",
        cookies={"a": "1"},
        meta={"depth": 2, "kinds": {"b", "a"}, "frozen": frozenset({1})},
        cb_kwargs={"page": (1, Decimal("2.50"))},
        callback="parse_page",
        errback="lost",
        encoding="latin-1",
        priority=-3,
        dont_filter=True,
        flags=["x"],
    )
    assert decode(encode(request)) == request


class Opaque:
    """Something that only lives in one process."""


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (Opaque(), r"meta\.x: Opaque"),
        (lambda: None, r"meta\.x: function"),
        ([1, {"a": Opaque()}], r"meta\.x\[1\]\.a: Opaque"),
        ({1: "a"}, r"meta\.x: key 1"),
        (Text("a"), r"meta\.x: Text"),
        (dt.timedelta(1), r"meta\.x: timedelta"),
        ("\ud800", "http://a/"),
        ("x" * MAX_ENCODED_BYTES, "at most"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_place(value, where):
    with pytest.raises(NotEncodable, match=where):
        encode(WireRequest(url="http://a/", meta={"x": value}))


@pytest.mark.parametrize(
    "value", [2**64, -(2**63) - 1, 1 << 20_000, [1, (2**70, {"a": 2**64 - 1})]], ids=["a", "b", "c", "d"]
)
def test_an_integer_beyond_64_bits_stays_one_and_older_readers_park_its_request(value):
    request = WireRequest(url="http://a/", meta={"x": value}, cb_kwargs={"y": 1})
    body = encode(request)
    assert decode(body).meta == request.meta
    assert msgspec.msgpack.decode(body)[0] == 2 > VERSION
    assert msgspec.msgpack.decode(encode(WireRequest(url="http://a/", meta={"x": 2**64 - 1})))[0] == VERSION


def test_a_value_that_holds_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(NotEncodable, match="nested deeper"):
        encode(WireRequest(url="http://a/", meta={"x": endless}))


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xc1",
        b"not msgpack",
        msgspec.msgpack.encode([1]) + b"x",
        msgspec.msgpack.encode({"v": 1}),
        msgspec.msgpack.encode([NEWEST_READ + 1, "Request", "http://a/"]),
        msgspec.msgpack.encode([1, "Request", 7]),
        msgspec.msgpack.encode([1, "Request", "u", "GET", [], b"", msgspec.msgpack.Ext(99, b"\xc0")]),
        msgspec.msgpack.encode([1, "Request", "u", "GET", [], b"", msgspec.msgpack.Ext(2, b"\xa1x")]),
    ],
)
def test_garbage_and_other_versions_are_one_clear_error(garbage):
    with pytest.raises(Undecodable):
        decode(garbage)


def test_a_release_reads_what_it_writes_and_what_the_releases_beside_it_write():
    assert OLDEST_READ <= VERSION <= NEWEST_READ <= VERSION + 1
    assert OLDEST_READ == 1 or OLDEST_READ < VERSION


def test_a_field_that_a_later_release_adds_to_the_end_is_no_hindrance():
    fields = msgspec.to_builtins(WireRequest(url="http://a/"), builtin_types=(bytes,))
    assert decode(msgspec.msgpack.encode([*fields, "later"])) == WireRequest(url="http://a/")


def test_a_field_that_an_earlier_release_did_not_know_has_its_default():
    assert decode(msgspec.msgpack.encode([1, "Request", "http://a/"])) == WireRequest(url="http://a/")


@pytest.mark.parametrize("later", [[NEWEST_READ + 1, "Request", "http://a/"], [NEWEST_READ + 1, 7, {"all": "new"}]])
def test_a_newer_version_is_named_whatever_follows_it(later):
    body = msgspec.msgpack.encode(later)
    with pytest.raises(Undecodable, match=f"version {NEWEST_READ + 1} of the wire format"):
        decode(body)
    assert needed(body) == NEWEST_READ + 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"local:1",
        msgspec.msgpack.encode([OLDEST_READ - 1]),
        msgspec.msgpack.encode([VERSION, "Strange", "http://a/"]),
        msgspec.msgpack.encode([MOST_NEEDED]),
        msgspec.msgpack.encode([2**64 - 1]),
        msgspec.msgpack.encode(["2"]),
        msgspec.msgpack.encode([]),
    ],
)
def test_of_anything_else_nobody_is_known_who_could_read_it(body):
    assert needed(body) == MOST_NEEDED
