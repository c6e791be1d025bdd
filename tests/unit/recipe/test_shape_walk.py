"""A walk meets every value once, in file order, with the shape that checks it."""

from pathlib import Path

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.language import RECIPE
from crawler.recipe.shape_walk import walk
from crawler.recipe.yaml_nodes import ListNode, MapNode
from crawler.recipe.yaml_reader import read_yaml

LARGE = Path(__file__).parent / "large"


def places(text: str):
    return list(walk(read_yaml(text, file="r.yaml", report=Report()), RECIPE))


@pytest.mark.parametrize("name", ["bazaar", "prices-api", "forum"])
def test_a_walk_meets_the_values_in_file_order(name):
    found = places((LARGE / f"{name}.yaml").read_text())
    lines = [(place.node.mark.line, place.node.mark.column) for place in found]
    assert lines == sorted(lines)
    assert len({id(place.node) for place in found}) == len(found) > 150


def test_a_value_comes_with_its_innermost_shape_and_its_key():
    found = {
        place.path: place
        for place in places("pages: {p: {item: i, fields: {a: [h1, {css: b, process: [{join: x}]}]}}}\n")
    }
    assert found["pages", "p", "item"].shape.noun == "the name of an item"
    assert found["pages", "p", "fields", "a", 0].shape.noun.startswith("a rule")
    assert found["pages", "p", "fields", "a", 1, "css"].shape.noun == "a CSS selector"
    argument = found["pages", "p", "fields", "a", 1, "process", 0, "join"]
    assert (argument.shape, argument.key.raw, argument.named) == (None, "join", True)
    assert (found["pages", "p"].named, found["pages", "p", "item"].named) == (False, True)


def test_a_walk_passes_over_what_no_shape_knows():
    found = [place.path for place in places("pages: {p: {itme: i, follow: 5}}\nnothing: {a: b}\nlabels: [a]\n")]
    assert found == [(), ("pages",), ("pages", "p"), ("pages", "p", "follow"), ("labels",)]


def test_a_walk_tells_lists_and_maps_from_their_members():
    found = places("start: [{urls: [a, b]}]\n")
    kinds = [type(place.node) for place in found]
    assert kinds.count(ListNode) == 2
    assert kinds.count(MapNode) == 2
