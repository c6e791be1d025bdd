"""Names, versions and values out of files in which anything may stand."""

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.importing.draft import Draft
from crawler.recipe.importing.findings import Findings
from crawler.recipe.importing.foreign_nodes import Part, field_name, maps_of, recipe_name, version_of
from crawler.recipe.importing.foreign_text import read_foreign


@pytest.mark.parametrize(
    ("text", "name"),
    [("Modern Bags (IL)", "modern-bags-il"), ("חנות", "other"), ("1337x", "x"), ("a" * 99, "a" * 64), ("--", "other")],
)
def test_a_recipes_name_is_made_from_any_text(text, name):
    assert recipe_name(text, otherwise="other") == name


def test_a_fields_name_is_made_from_any_text_and_is_not_taken():
    taken = set()
    assert field_name("Price (old)", taken) == "price_old"
    assert field_name("price-old", taken) == "price_old_2"
    assert field_name("productName", taken) == "product_name"
    assert field_name("2nd", taken) == "n2nd"
    assert field_name("שם", taken) == "field"


@pytest.mark.parametrize(
    ("text", "version"), [("1.2.3", "1.2.3"), ("1.2", "1.2.0"), ("2", "2.0.0"), ("x", None), (None, None)]
)
def test_a_version_has_three_numbers(text, version):
    assert version_of(text) == version


def test_values_of_another_form_are_as_good_as_absent():
    text = b"a: {b: 1}\nn: '12'\nx: [1, {y: 2}, null]\nt: true\nu: 'TRUE'\nz:\nbig: 99999999999\n"
    node = read_foreign(text, file="x", report=Report())
    part = Part(node=node, path=(), found=Findings(), draft=Draft(values={}))
    assert part.below("a").text("b") == "1"
    assert part.below("n") is None
    assert part.text("a") is None
    assert (part.number("n"), part.number("t"), part.number("big")) == (12, None, None)
    assert (part.flag("t"), part.flag("u"), part.flag("n")) == (True, True, False)
    assert [(path, scalar.raw) for path, scalar in part.scalars("x")] == [(("x", 0), "1")]
    assert part.scalars("z") == []
    assert [path for path, _ in maps_of(node.get("x"), ("x",))] == [("x", 1)]
