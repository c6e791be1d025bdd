"""Nodes know their place and turn into plain data."""

from decimal import Decimal

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_nodes import Broken, Entry, ListNode, MapNode, Mark, SourceFile, plain
from crawler.recipe.yaml_reader import read_yaml


def tree(text: str) -> MapNode:
    root = read_yaml(text, file="r.yaml", report=Report())
    assert isinstance(root, MapNode)
    return root


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85"])
def test_lines_end_wherever_the_parser_ends_them(end):
    source = SourceFile("r.yaml", f"a{end}b")
    assert source.lines == ["a", "b"]
    assert (source.line(2), source.line(3), source.line(0)) == ("b", "", "")


def test_a_tree_turns_into_plain_data():
    assert plain(tree("a: [1, 2.50, x, null, true, {b: c}]\n")) == {
        "a": [1, Decimal("2.50"), "x", None, True, {"b": "c"}]
    }


def test_refused_parts_are_left_out_of_plain_data():
    root = tree("a: 1\nb: [2]\n")
    broken = Broken(mark=Mark(SourceFile("r.yaml", ""), 1, 1))
    entries = tuple(Entry(key=entry.key, at=entry.at, node=broken) for entry in root)
    assert plain(MapNode(mark=root.mark, entries=entries)) == {}
    assert plain(ListNode(mark=root.mark, items=(broken, root.entries[0].node))) == [1]
    assert plain(broken) is None


def test_a_map_finds_its_entries_by_key():
    root = tree("a: 1\nb: 2\n")
    assert "a" in root
    assert "c" not in root
    assert root.get("c") is None
    assert [entry.key for entry in root] == ["a", "b"]
    assert (root.by_key["b"].mark.line, root.by_key["b"].mark.file) == (2, "r.yaml")
