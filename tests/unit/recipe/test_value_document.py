"""JSON and text pages: exact numbers, clear refusals, rows of lists."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.errors import ParseRefused
from crawler.recipe.documents import parse_document
from crawler.recipe.queries import QueryFailed, compile_css, compile_jmespath
from crawler.recipe.value_document import MAX_JSON_DEPTH, parse_json


def scope(text: str):
    return parse_document(text.encode("utf-8", "surrogatepass"), kind="json", url="https://api.example/x").root


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1.10}', {"a": Decimal("1.10")}),
        ("0.1", Decimal("0.1")),
        ("12345678901234567890123", 12345678901234567890123),
        ("1e3", Decimal("1E+3")),
        ("1e999999999", "1e999999999"),  # counts nothing, and as an integer it would fill memory
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('"\\ud83d\\ude00"', "😀"),
        ('["\\ud800", 1.5]', ["\ufffd", Decimal("1.5")]),
        ('{"\\udc00": {"x": ["\\ud800é"]}}', {"\ufffd": {"x": ["\ufffdé"]}}),
        ("\ufeff[]", []),
        (" null ", None),
        ("[true, false]", [True, False]),
    ],
)
def test_json_is_read_exactly(text, value):
    assert parse_json(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "line 1, column"),
        ('{"a":\n [1, 2', "line 2, column"),
        ("", "the end"),
        ("<html>", "found '<html>'"),
        ("window.x = {}", "line 1, column 1"),
        ("[NaN]", "NaN is no JSON number"),
        ("[-Infinity]", "Infinity"),
        ("1" * 5000, "no JSON that can be used"),
        ("[" * (MAX_JSON_DEPTH + 1) + "]" * (MAX_JSON_DEPTH + 1), "deeper than 100"),
        ('{"a":' * 101 + "1" + "}" * 101, "deeper than 100"),
        ("[" * 100_000, "deeper than 100"),
        ("[" * 101 + '"\\ud800"' + "]" * 101, "deeper than 100"),
    ],
)
def test_what_is_no_json_is_refused_with_its_position(text, message):
    with pytest.raises(ParseRefused, match=message):
        parse_json(text)


def test_a_hundred_levels_are_read():
    assert parse_json("[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH)


def test_a_path_gives_no_or_one_value():
    root = scope('{"a": [1, 2], "b": " x ", "c": null, "d": 0, "e": false}')
    assert root.values(compile_jmespath("a")) == [[1, 2]]
    assert root.values(compile_jmespath("b")) == ["x"]
    assert root.values(compile_jmespath("c")) == []
    assert root.values(compile_jmespath("gone")) == []
    assert root.values(compile_jmespath("d")) == [0]
    assert root.values(compile_jmespath("e")) == [False]


def test_rows_are_members_and_a_missing_path_is_no_empty_list():
    root = scope('{"items": [{"n": 1}, {"n": 2}], "none": [], "one": {"n": 3}, "null": null}')
    rows = root.rows(compile_jmespath("items"))
    assert [row.values(compile_jmespath("n")) for row in rows] == [[1], [2]]
    assert all(row.is_row for row in rows)
    assert root.rows(compile_jmespath("none")) == []
    assert [row.own() for row in root.rows(compile_jmespath("one"))] == [{"n": 3}]
    assert root.rows(compile_jmespath("null")) is None
    assert root.rows(compile_jmespath("gone")) is None


def test_links_are_the_strings_of_the_result():
    root = scope('{"next": " /p/2 ", "all": ["/a", null, 3, "", "/b"], "n": 1}')
    assert root.links(compile_jmespath("next")) == ["/p/2"]
    assert root.links(compile_jmespath("all")) == ["/a", "/b"]
    assert root.links(compile_jmespath("n")) == []
    assert root.links(compile_jmespath("gone")) == []


def test_a_miss_shows_the_longest_path_that_is_there():
    root = scope('{"data": {"items": [{"price": 1}, {"price": 2}]}}')
    assert root.longest_prefix(compile_jmespath("data.items[*].cost.gross")) == ("data.items[*]", 2)
    assert root.longest_prefix(compile_jmespath("data.list[0]")) == ("data", 1)
    assert root.longest_prefix(compile_jmespath("gone.x")) == ("", 0)
    assert root.longest_prefix(compile_css("a b")) == ("", 0)


def test_css_on_json_says_what_to_write_instead():
    with pytest.raises(QueryFailed, match="write it as `jmespath:`"):
        scope("{}").values(compile_css("a"))


def test_a_text_page_is_its_text():
    document = parse_document(b"a,b\n1,2\n", kind="text", url="https://x.example/")
    assert document.root.values(compile_jmespath("@")) == ["a,b\n1,2"]
    assert document.root.own() == "a,b\n1,2\n"
    assert document.kind == "text"


def test_json_has_no_markup_to_stand_behind():
    root = scope("[1]")
    assert root.preceding(compile_css("a")) is None
    assert root.table_cell("a") is None
    assert root.document.meta("a") == []
    assert root.document.base_url == "https://api.example/x"
