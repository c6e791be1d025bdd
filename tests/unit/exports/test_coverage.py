"""How often fields have a value: counted once, whoever reads the rows and how often."""

from __future__ import annotations

import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from crawler.exports.compose import compose, plan_exports
from crawler.exports.coverage import CountedRows, Coverage, with_carried
from crawler.exports.objects_folder import FolderObjectStore
from crawler.recipe.quality_plan import BandsRule, CoverageBound, Quality, Step

sys.path.insert(0, str(Path(__file__).parent))

from composing import KEYS, recipe, segments_of


def bound(name):
    steps = tuple(Step(part.removesuffix("[]"), part.endswith("[]")) for part in name.split("."))
    return CoverageBound(name=name, item="product", steps=steps, minimum_share=1.0)


def counted(names, rows):
    counting = Coverage(replace(recipe(), quality=Quality(coverage=tuple(bound(name) for name in names))))
    for row in rows:
        counting.add("product", row)
    return {each.field: (each.filled, each.places) for each in counting.covered()}


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_what_is_empty_is_not_there(empty):
    assert counted(["price"], [{"price": empty}, {"price": Decimal("1.5")}, {}]) == {"price": (1, 3)}


@pytest.mark.parametrize("value", [0, False, Decimal(0), "x", [None], {"a": None}, 0.0])
def test_zero_and_false_are_values(value):
    assert counted(["price"], [{"price": value}]) == {"price": (1, 1)}


def test_members_of_lists_are_counted_one_by_one():
    rows = [
        {"offers": [{"price": 1}, {"price": None}, {}, "?"]},
        {"offers": []},
        {"offers": None},
        {"offers": [{"price": 2}]},
    ]
    assert counted(["offers[].price", "offers", "offers[]"], rows) == {
        "offers[].price": (2, 5),
        "offers": (2, 4),
        "offers[]": (4, 5),
    }


def test_lists_in_lists_and_objects_in_objects_are_followed():
    rows = [{"a": {"b": {"c": 1}}, "l": [{"m": [{"n": 1}, {"n": 2}]}, {"m": []}]}, {"a": {"b": None}, "l": []}, {}]
    assert counted(["a.b.c", "l[].m[].n"], rows) == {"a.b.c": (1, 3), "l[].m[].n": (2, 2)}


def test_with_bands_every_field_of_the_contracts_is_counted_and_bounds_once():
    with_bands = replace(recipe(), quality=Quality(coverage=(bound("price"),), bands=BandsRule()))
    counting = Coverage(with_bands)
    counting.add("product", {"price": 1, "sku": "a"})
    found = {each.field: each.filled for each in counting.covered()}
    assert list(found) == ["price", *(name for name in with_bands.items["product"].fields if name != "price")]
    assert (found["price"], found["sku"], found["tags"]) == (1, 1, 0)


@pytest.mark.parametrize("of", [None, recipe()])
def test_without_quality_nothing_is_counted(of):
    counting = Coverage(of)
    counting.add("product", {"price": 1})
    assert counting.covered() == ()


def test_rows_are_counted_while_files_are_made_of_them_though_they_are_read_again(tmp_path):
    """A price that does not fit its column has the files written anew, so the rows pass twice."""
    objects = FolderObjectStore(tmp_path / "objects")
    judged = replace(
        recipe("exports: [{name: a, item: product, format: parquet}]\n"), quality=Quality(coverage=(bound("price"),))
    )
    rows = [("product", {"sku": str(number), "price": Decimal(10**30) if number == 6 else None}) for number in range(7)]
    read = CountedRows(objects, [segments_of(objects, rows)], recipe=judged)
    assert read.covered == ()
    compose(objects, KEYS, read, plan_exports(judged, read.counts), folder=tmp_path)
    assert [(each.filled, each.places) for each in read.covered] == [(1, 7)]


def test_rows_that_were_not_read_to_the_end_do_not_count(tmp_path):
    objects = FolderObjectStore(tmp_path / "objects")
    judged = replace(recipe(), quality=Quality(coverage=(bound("sku"),)))
    read = CountedRows(objects, [segments_of(objects, [("product", {"sku": "a"})] * 4)], recipe=judged)
    next(iter(read))
    assert read.covered == ()


def test_rows_that_are_known_by_their_cover_count_as_if_they_were_read():
    names = ["price", "name", "offers[].price", "a.b", "offers"]
    rows = [
        {"price": 1, "name": "", "offers": [{"price": 1}, {}], "a": {"b": 0}},
        {"price": None, "offers": []},
        {"name": "x", "offers": None, "a": {}},
        {"price": 1, "name": "", "offers": [{"price": 1}, {}], "a": {"b": 0}},
    ]
    plan = replace(recipe(), quality=Quality(coverage=tuple(bound(name) for name in names)))
    counting = Coverage(plan)
    covers = Counter(("product", counting.cover("product", row)) for row in rows)
    assert sorted(covers.values()) == [1, 1, 2]
    assert all(each.places == 0 for each in counting.covered()), "they are not counted by that"
    found = with_carried(Coverage(plan).covered(), [(*each, times) for each, times in covers.items()], plan)
    assert {each.field: (each.filled, each.places) for each in found} == counted(names, rows)
    assert counting.cover("other", rows[0]) == ""


def test_rows_that_were_read_and_carried_are_counted_together():
    plan = replace(recipe(), quality=Quality(coverage=(bound("price"),)))
    counting = Coverage(plan)
    counting.add("product", {"price": 1})
    cover = counting.cover("product", {"price": None})
    (found,) = with_carried(counting.covered(), [("product", cover, 3), ("other", "1", 9)], plan)
    assert (found.filled, found.places) == (1, 4)
