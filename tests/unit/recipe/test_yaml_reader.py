"""YAML becomes nodes that know their place; what recipes do not have is refused."""

from decimal import Decimal

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar, plain
from crawler.recipe.yaml_reader import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_yaml


def read(content):
    report = Report()
    root = read_yaml(content, file="r.yaml", report=report)
    return root, report.problems()


def value_of(text):
    root, problems = read(f"key: {text}\n")
    assert problems == ()
    return plain(root)["key"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.50", Decimal("1.50")),
        ("1e3", Decimal("1e3")),
        (".5", Decimal("0.5")),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-02", "2024-01-02"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("-", None),
        ("+", "+"),
        ("1e", "1e"),
        ("e5", "e5"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("NO", "NO"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written, value):
    if written == "-":
        return
    found = value_of(written)
    assert found == value
    assert type(found) is type(value)


def test_a_decimal_keeps_its_digits():
    assert str(value_of("1290.00")) == "1290.00"


def test_every_key_and_value_knows_its_line_and_column():
    root, _ = read("a: 1\nb:\n  - x\n  - {c: 'd'}\n")
    assert isinstance(root, MapNode)
    b = root.by_key["b"]
    assert (b.mark.line, b.mark.column) == (2, 1)
    assert isinstance(b.node, ListNode)
    inner = b.node.items[1]
    assert isinstance(inner, MapNode)
    value = inner.get("c")
    assert isinstance(value, Scalar)
    assert (value.mark.line, value.mark.column, value.style, value.raw) == (4, 9, "single", "d")
    assert (inner.flow, root.flow) == (True, False)


def test_keys_are_text_whatever_they_look_like():
    root, _ = read("{1: a, true: b, 2.5: c}")
    assert plain(root) == {"1": "a", "true": "b", "2.5": "c"}


def test_a_byte_order_mark_is_dropped_from_bytes_and_text():
    assert read("﻿a: 1")[0] is not None
    assert plain(read("﻿a: 1".encode())[0]) == {"a": 1}


def test_positions_count_characters_not_bytes():
    root, _ = read("'שם מוצר': 'ערך'\n")
    value = root.entries[0].node
    assert (value.mark.line, value.mark.column) == (1, 12)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029"])
def test_lines_are_counted_as_the_parser_counts_them(separator):
    root, problems = read(f"a: 'x{separator} y'\nb: 00\n")
    assert problems[0].line == root.by_key["b"].mark.line == 3


@pytest.mark.parametrize(
    ("text", "line", "column", "fragment"),
    [
        ("a: &x 1\n", 1, 4, "anchor"),
        ("a: *x\n", 1, 4, "alias"),
        ("a: !x 1\n", 1, 4, "tag"),
        ("a: !!str 1\n", 1, 4, "`!!str`"),
        ("? [a]\n: b\n", 1, 3, "plain word"),
        ("?\n: b\n", 1, 2, "a key is missing"),
        ("<<: {a: 1}\n", 1, 1, "merge"),
        ("a: 1\na: 2\n", 2, 1, "first in line 1"),
        ("a: 1\n---\nb: 1\n", 2, 1, "one YAML document"),
        ("a: 007\n", 1, 4, "lose its zeros"),
        ("a: " + "9" * 60, 1, 4, "digits"),
        ("a: .inf\n", 1, 4, "no value here"),
        ("%YAML 1.2\n---\na: 1\n", 1, 1, "directives"),
        ("a: [b\n", 1, 4, "not closed"),
        ("a: \x7f\n", 1, 4, "U+007F"),
        ("a: \ud800\n", 1, 4, "U+D800"),
        ("a: 1\nb: \ufffe\n", 2, 4, "U+FFFE"),
        ("a: x\x85\n", 1, 5, "U+0085"),
    ],
)
def test_what_recipes_do_not_have_is_refused_in_place(text, line, column, fragment):
    _, problems = read(text)
    assert any((p.line, p.column) == (line, column) and fragment in p.message for p in problems), problems


def test_all_faults_that_leave_a_tree_are_reported_at_once():
    root, problems = read("a: 01\nb: {c, d: 1}\ne: 1\ne: 2\n")
    assert [problem.line for problem in problems] == [1, 4]
    assert plain(root)["e"] == 1


def test_problems_within_carry_the_path_so_far():
    _, problems = read("pages:\n  book:\n    - {price: 00}\n")
    assert problems[0].path == "pages.book[0].price"


def test_a_map_of_which_keys_were_refused_is_not_complete():
    root, _ = read("a: 1\na: 2\n")
    assert not root.complete


def test_invalid_utf8_is_reported_where_it_stands():
    _, problems = read(b"a: 1\nb: caf\xe9\n")
    assert (problems[0].line, problems[0].column) == (2, 7)


def test_size_depth_and_count_have_limits():
    assert "bytes" in read(" " * (MAX_BYTES + 1))[1][0].message
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)[1] == ()
    assert "nested" in read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[1][0].message
    assert read("[" + "1," * (MAX_NODES - 1) + "]")[1] == ()
    assert "keys and values" in read("[" + "1," * MAX_NODES + "]")[1][0].message


def test_a_file_without_content_has_no_tree_and_no_problem_of_its_own():
    assert read("") == (None, ())
    assert read("# only a comment\n") == (None, ())
