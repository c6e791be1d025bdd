from __future__ import annotations

import pytest

from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import EmptyCause, Reason, Reject
from crawler.spiders.report import RecipeReport, alternative_name

RECIPE = load_recipe_text("""
schema_version: 1
name: goods
version: "1.0.0"
start:
  - urls: "http://a.example/"
    page: good
pages:
  good:
    item: good
    fields:
      price: [b.sale, {css: b.price}, {const: "0"}]
      variants:
        each: tr
        fields:
          sku: [td.sku, td]
items:
  good:
    version: 1
    fields:
      price: {type: string}
      variants: {type: array}
""")


@pytest.mark.parametrize(
    ("path", "number", "name"),
    [
        ("price", 1, "1: b.sale"),
        ("price", 2, "2: b.price"),
        ("price", 3, "3"),
        ("price", 9, "9"),
        ("variants[].sku", 2, "2: td"),
        ("variants[].nothing", 1, "1"),
        ("price.deeper", 1, "1"),
    ],
)
def test_an_alternative_is_called_by_its_selector_or_its_number(path, number, name):
    assert alternative_name(RECIPE, "good", path, number) == name


def test_rejects_are_counted_once_for_the_row_and_once_for_each_field():
    report = RecipeReport()
    reasons = (Reason(field="price", rule="type", message="m"), Reason(field="sku", rule="required", message="m"))
    report.reject(Reject(item="good", url="u", reasons=reasons, values={}))
    assert report.rejected_rows == {"good": 1}
    assert report.rejected_for == {("good", "price", "type"): 1, ("good", "sku", "required"): 1}


def test_pages_that_gave_nothing_in_the_same_way_are_one_cause():
    report = RecipeReport()
    for size in (10, 20):
        report.empty(EmptyCause(page="good", selector="a", status=200, size_bytes=size, hint="h"))
    report.empty(EmptyCause(page="good", selector="a", status=200, size_bytes=5, hint="other"))
    assert [(cause.size_bytes, count) for cause, count in report.causes.values()] == [(10, 2), (5, 1)]


def test_only_the_ends_worth_telling_are_kept_and_not_without_bound():
    report = RecipeReport()
    for number in range(1_500):
        report.end_of_list("max_pages", f"u{number}")
    report.end_of_list("loop", "round")
    report.end_of_list("last", "end")
    assert (len(report.max_pages), report.loops) == (1_000, ["round"])
