from __future__ import annotations

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.fields import Few, Instant, Line, Schema, Seconds, Truth, Whole, written


class Everything(Schema):
    whole = Whole(least=1, most=100)
    seconds = Seconds(most=10)
    truth = Truth()
    line = Line(least=1, most=5)
    instant = Instant()


def load(**values):
    return Everything().load(values)


def refused(**values) -> set[str]:
    with pytest.raises(ma.ValidationError) as error:
        load(**values)
    assert isinstance(error.value.messages, dict)
    return set(error.value.messages)


def test_values_of_the_right_kind_are_taken():
    values = {"whole": 7, "seconds": 1, "truth": False, "line": "a b", "instant": "1971-01-01T00:00:00.001Z"}
    kept = {"whole": 7, "seconds": 1.0, "truth": False, "line": "a b", "instant": 365 * 86_400_000 + 1}
    assert load(**values) == kept
    assert load(**{**values, "whole": 7.0}) == kept  # JSON knows but one kind of number


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("whole", bad) for bad in (True, False, "7", 7.5, 0, 101, -1, None, [], {}, 10**400, "")),
        *(("seconds", bad) for bad in (True, "1", 0, -1, 10.1, None, [], float("nan"), float("inf"))),
        *(("truth", bad) for bad in (0, 1, "true", "false", "", None, [])),
        *(
            ("line", bad)
            for bad in (1, "", "abcdef", "a\nb", "\0", "\x7f", "\u0085", "\u2028", "\u202e", "\u200b", None)
        ),
        *(("instant", bad) for bad in (1, True, "", "now", "2026-01-02", "2026-01-02T03:04:05", None, [], {})),
        *(
            ("instant", bad)
            for bad in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+14:00")
        ),
    ],
)
def test_values_of_another_kind_are_not(name, bad):
    assert refused(**{name: bad}) == {name}


def test_a_key_that_is_not_known_is_an_error():
    assert refused(other=1) == {"other"}


def test_in_a_query_a_whole_number_is_its_digits():
    field = Whole(least=0, most=10**18)
    query = object()  # no dict: what webargs hands in
    assert field.deserialize("007", "x", query) == 7
    for bad in ("", "-1", "+1", "1.0", "1e1", " 1", "\u0661", "\u00b2", "1" * 19):
        with pytest.raises(ma.ValidationError):
            field.deserialize(bad, "x", query)


@given(st.integers(365 * 86_400_000, 32_503_679_999_999))  # 1971 to 2999
def test_a_time_is_read_as_it_was_written(ms):
    assert Instant().deserialize(written(ms)) == ms
    assert written(ms).endswith("Z")
    assert len(written(ms)) == 24


@given(st.text() | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()))
def test_every_time_that_is_taken_can_be_written(text):
    try:
        ms = Instant().deserialize(text)
    except ma.ValidationError:
        return
    assert Instant().deserialize(written(ms)) == ms


def test_no_time_is_null():
    assert Instant()._serialize(None, "at", {}) is None
    assert Instant()._serialize(0, "at", {}) == "1970-01-01T00:00:00.000Z"


def test_a_member_that_a_mapping_lacks_is_no_method_of_it():
    class Shown(Schema):
        items = ma.fields.Integer()

    assert Shown().dump({}) == {}
    assert Shown().dump({"items": 3}) == {"items": 3}


def test_a_list_that_is_too_long_is_refused_before_its_members_are_looked_at():
    class Never(ma.fields.String):
        def _deserialize(self, *_args, **_kwargs):
            raise AssertionError("looked at")

    with pytest.raises(ma.ValidationError, match="between 0 and 3"):
        Few(Never(), most=3).deserialize(["x"] * 4)
    assert Few(ma.fields.String(), most=3).deserialize(["x"] * 3) == ["x"] * 3
