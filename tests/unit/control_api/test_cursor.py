from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_api.jobs.cursor import foreign_cursor, read_cursor, write_cursor
from control_api.problems import Problem

PLACE = "001767323045678:job-1"
FILTERS = {"client": "alice", "tag": "spring", "states": ("queued",), "created_after_ms": None}
CURSOR = write_cursor(PLACE, FILTERS) or ""


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def decoded(text: str) -> list:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def refused(text: str, filters=FILTERS) -> None:
    with pytest.raises(Problem) as problem:
        read_cursor(text, filters)
    assert (problem.value.code, problem.value.errors) == ("bad_request", foreign_cursor().errors)
    assert [where for where, _ in problem.value.errors] == ["/query/cursor"]


def test_a_list_goes_on_where_it_was():
    assert read_cursor(CURSOR, FILTERS) == PLACE
    assert read_cursor(CURSOR, dict(reversed(FILTERS.items()))) == PLACE


def test_the_beginning_and_the_end_have_no_cursor():
    assert read_cursor("", FILTERS) == ""
    assert write_cursor("", FILTERS) is None


@pytest.mark.parametrize(
    "change",
    [{"client": "bob"}, {"client": ""}, {"tag": ""}, {"states": ()}, {"created_after_ms": 0}, {"recipe": "shop"}],
)
def test_with_other_filters_it_is_none(change):
    refused(CURSOR, FILTERS | change)


def test_a_cursor_tells_nothing_but_a_place():
    version, of, place = decoded(CURSOR)
    assert (version, place, len(of)) == (1, PLACE, 16)
    assert "alice" not in json.dumps(decoded(CURSOR))


def test_what_was_forged_is_none():
    version, of, place = decoded(CURSOR)
    assert read_cursor(encoded([version, of, place]), FILTERS) == PLACE
    for forged in (
        *([2, of, place], [version, of], [version, of, place, 1], [version, "0" * 16, place], [version, of, 7]),
        *([version, of, "a\0"], [version, of, "../x"], [True, of, place], {"a": 1}, None, [], 7, "text"),
        [version, of, "9" * 400 + ":job-1"],
    ):
        refused(encoded(forged))


@given(st.text(min_size=1))
def test_no_text_breaks_the_reader(text):
    refused(text)


@pytest.mark.parametrize("text", ["=", "====", "\u00e9", "%", "A", "AAAA", CURSOR[:-1], CURSOR + "AAAA", "[" * 1000])
def test_what_is_no_base64_of_one_is_none(text):
    refused(text)
