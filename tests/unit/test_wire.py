from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crawler.errors import CrawleryError
from crawler.wire import (
    MAX_DEPTH,
    NotEncodable,
    Undecodable,
    decode_record,
    encode_record,
    pack,
    unpack,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes().map(lambda moment: moment.replace(fold=0))
    | st.datetimes(timezones=st.just(dt.timezone(dt.timedelta(hours=5, minutes=30))))
)
plain_values = st.recursive(
    scalars | st.sets(st.integers(-(2**63), 2**64 - 1)) | st.frozensets(st.text()),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def there_and_back(value):
    return msgspec.msgpack.decode(msgspec.msgpack.encode(pack(value, "value")), ext_hook=unpack)


@settings(max_examples=100, deadline=None)
@given(plain_values)
def test_what_goes_in_comes_out_with_its_types(value):
    assert there_and_back(value) == value
    assert type(there_and_back(value)) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        (1, [2, (3,)]),
        {"price": Decimal("2.50"), "seen": dt.date(2026, 11, 22)},
        dt.datetime(2026, 11, 22, 20, 36, tzinfo=dt.UTC),
        {"kinds": {"b"}, "frozen": frozenset({(1, "a")})},
        Decimal("NaN"),
        [True, 1, 1.0, b"1", "1"],
    ],
)
def test_what_msgpack_would_lose_keeps_its_type(value):
    assert repr(there_and_back(value)) == repr(value)


class Opaque:
    """Something that only lives in one process."""


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Opaque(), r"^value: Opaque is no plain value$"),
        ([1, {"a": Opaque()}], r"^value\[1\]\.a: Opaque"),
        ((1, (Opaque(),)), r"^value\[1\]\[0\]: Opaque"),
        ({1: "a"}, r"^value: key 1 is no text$"),
        (Text("a"), r"^value: Text"),
        (dt.timedelta(1), r"^value: timedelta"),
        (("\ud800",), r"^value: .*surrogates"),
        ({"a": {2**64}}, r"^value\.a: .*"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_place(value, message):
    with pytest.raises(NotEncodable, match=message):
        pack(value, "value")


def nested(depth: int, wrap) -> object:
    value: object = None
    for _ in range(depth):
        value = wrap(value)
    return value


def test_text_of_lxml_is_text():
    (found,) = etree.fromstring("<a>x</a>").xpath("//text()")
    assert type(found) is not str
    assert type(pack({"link": [found]}, "value")["link"][0]) is str


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: (inner,)])
def test_values_are_nested_up_to_a_limit(wrap):
    assert there_and_back(nested(MAX_DEPTH, wrap)) == nested(MAX_DEPTH, wrap)
    with pytest.raises(NotEncodable, match="nested deeper than 32"):
        pack(nested(MAX_DEPTH + 1, wrap), "value")


@pytest.mark.parametrize("error", [NotEncodable, Undecodable])
def test_errors_can_be_shown_instead_of_a_traceback_and_caught_as_wrong_values(error):
    assert issubclass(error, CrawleryError)
    assert issubclass(error, ValueError)


def test_a_value_that_holds_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(NotEncodable, match="nested deeper"):
        pack(endless, "value")


def extension(code: int, content: object) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, msgspec.msgpack.encode(content))


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (extension(99, None), "unknown extension 99"),
        (extension(2, "x"), "extension 2 with"),
        (extension(2, {}), "extension 2 with"),
        (extension(3, [[1]]), "unhashable"),
        (extension(5, "yesterday"), "Invalid isoformat"),
        (extension(6, 7), "argument must be str"),
        (extension(1, 7), "not iterable"),
        (msgspec.msgpack.Ext(1, b"\xc1"), "extension 1 with"),
        (extension(1, [extension(98, None)]), "^unknown extension 98$"),
    ],
)
def test_a_hostile_extension_is_one_clear_error(hostile, message):
    with pytest.raises(Undecodable, match=message):
        msgspec.msgpack.decode(msgspec.msgpack.encode(hostile), ext_hook=unpack)


def test_extensions_nested_without_end_are_one_short_error():
    deep: object = None
    for _ in range(5_000):
        deep = extension(1, deep)
    with pytest.raises(Undecodable, match="extension 1 with") as raised:
        msgspec.msgpack.decode(msgspec.msgpack.encode(deep), ext_hook=unpack)
    assert len(str(raised.value)) < 500


class _Record(msgspec.Struct):
    counts: dict[str, int]


def test_a_record_comes_back_and_is_the_same_bytes_in_whatever_order():
    record = _Record(counts={"b": 1, "a": 2})
    encoded = encode_record(record, version=3)
    assert decode_record(encoded, _Record, version=3) == record
    assert encoded == encode_record(_Record(counts={"a": 2, "b": 1}), version=3)


@pytest.mark.parametrize(
    "encoded", [b"", b"\xc1", encode_record(_Record(counts={}), version=4), encode_record(5, version=3)]
)
def test_what_is_no_record_of_this_version_is_refused(encoded):
    with pytest.raises(Undecodable):
        decode_record(encoded, _Record, version=3)
