"""`quality` reaches the plan; fields that are not there, and bounds that cannot be, stand where they are written."""

from __future__ import annotations

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe, load_recipe_text
from crawler.recipe.quality_plan import BandsRule, Step

BASE = """schema_version: 1
name: one
version: "1.0.0"
start: [{urls: "https://a.example", page: p}]
pages:
  p:
    item: product
    fields:
      name: h1
      tags: {css: a, all: true}
      variants: {css: b, all: true}
      size: .c
      loose: {css: .d, all: true}
items:
  product:
    version: 1
    fields:
      name: {type: string, required: true}
      tags: {type: array, items: {type: string}}
      size: {type: object, properties: {width: {type: decimal}}}
      loose: {type: array}
      variants: {type: array, items: {type: object, properties: {price: {type: decimal}, sku: {type: string}}}}
"""
SECOND_ITEM = """  offer:
    version: 1
    fields:
      name: {type: string}
      price: {type: decimal}
"""
TWO_ITEMS = (
    BASE.replace("page: p}]", 'page: p}, {urls: "https://a.example/2", page: q}]').replace(
        "pages:\n", "pages:\n  q: {item: offer, fields: {name: h1, price: h2}}\n"
    )
    + SECOND_ITEM
)


def quality(written, base=BASE):
    return load_recipe_text(f"{base}quality: {written}\n").quality


def problems(written, base=BASE):
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(f"{base}quality: {written}\n")
    return [(problem.path, problem.message, problem.hint) for problem in caught.value.problems]


def test_fields_are_found_in_the_only_item_with_or_without_its_name():
    found = quality('{coverage: {name: 100%, product.tags: 90%, "variants[].price": 95.5%, "loose[].any.thing": 1%}}')
    assert [(bound.item, bound.path, bound.minimum_share) for bound in found.coverage] == [
        ("product", "name", 1.0),
        ("product", "tags", 0.9),
        ("product", "variants[].price", 0.955),
        ("product", "loose[].any.thing", 0.01),
    ]
    assert found.coverage[2].steps == (Step("variants", each=True), Step("price"))
    assert found.coverage[1].name == "product.tags"


def test_fields_of_objects_are_found():
    assert quality("{coverage: {size.width: 50%}}").coverage[0].path == "size.width"


def test_with_several_items_a_field_says_whose_it_is():
    found = quality('{coverage: {product.name: 100%, offer.price: 90%, "product.variants[].sku": 5%}}', TWO_ITEMS)
    assert [(bound.item, bound.path) for bound in found.coverage] == [
        ("product", "name"),
        ("offer", "price"),
        ("product", "variants[].sku"),
    ]


@pytest.mark.parametrize(
    ("field", "message", "hint"),
    [
        ("nam", "there is no field 'nam' in the item 'product'", "did you mean 'name'?"),
        ("zzz", "there is no field 'zzz' in the item 'product'", "there are name, tags, size, loose or variants"),
        ("product.nam", "there is no field 'nam' in the item 'product'", "did you mean 'product.name'?"),
        ("'variants[].prise'", "there is no field 'prise' in variants[]", "did you mean 'variants[].price'?"),
        ("variants.price", "variants is of type array, and has no fields", "write variants[].price"),
        ("'name[].x'", "name is of type string, and has no members", "`[]` stands behind the name of a list"),
        ("name.x", "name is of type string, and has no fields", None),
        ("'tags[].x'", "the members of tags are of type string, without fields", None),
        ("size.widht", "there is no field 'widht' in size", "did you mean 'size.width'?"),
        ("''", "there is no field '' in the item 'product'", "there are name, tags, size, loose or variants"),
    ],
)
def test_a_field_that_is_not_there_is_told_with_what_was_meant(field, message, hint):
    key = field.strip("'")
    assert problems(f"{{coverage: {{{field}: 5%}}}}") == [(f"quality.coverage.{key}", message, hint)]


@pytest.mark.parametrize(
    ("field", "message", "hint"),
    [
        ("name", "of which item?", "write product.name or offer.name"),
        ("tags", "of which item?", "write product.tags"),
        ("prodct.name", "there is no item 'prodct'", "did you mean 'product.name'?"),
        ("zzz", "there is no item 'zzz'", "with several items it is ITEM.FIELD; items are product or offer"),
        ("offer.prize", "there is no field 'prize' in the item 'offer'", "did you mean 'offer.price'?"),
    ],
)
def test_of_several_items_the_one_is_asked_for(field, message, hint):
    assert problems(f"{{coverage: {{{field}: 5%}}}}", TWO_ITEMS) == [(f"quality.coverage.{field}", message, hint)]


def test_the_same_field_twice_is_told():
    (found,) = problems("{coverage: {name: 5%, product.name: 6%}}")
    assert found[:2] == ("quality.coverage.product.name", "names a field that another entry names, too")


def test_fields_of_an_item_that_is_wrong_itself_are_not_told_again():
    found = problems("{coverage: {name: 5%}}", BASE.replace("name: {type: string", "name: {type: sting"))
    assert [path for path, _, _ in found] == ["items.product.fields.name.type"]


@pytest.mark.parametrize("written", ["0.98", "98", "101%", "much", "-1%", "[5%]"])
def test_a_coverage_that_is_no_share_is_refused(written):
    ((path, _, _),) = problems(f"{{coverage: {{name: {written}}}}}")
    assert path == "quality.coverage.name"


def test_http_errors_are_a_number_or_a_share():
    assert quality("{http_errors: {maximum: 5%}}").http_errors_maximum_share == 0.05
    assert quality("{http_errors: {maximum: 0}}").http_errors_maximum == 0
    ((path, message, _),) = problems("{http_errors: {maximum: few}}")
    assert path == "quality.http_errors.maximum"
    assert message.startswith("must be a number of pages, or a share such as 2%")


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("learned", BandsRule()),
        ("{window: 30}", BandsRule(window=30)),
        ("{window: 4}", BandsRule(window=4, minimum_runs=4)),
        ("{window: 10, minimum_runs: 10, deviations: 3.5}", BandsRule(window=10, minimum_runs=10, deviations=3.5)),
    ],
)
def test_bands_are_learned_as_it_is_written(written, rule):
    assert quality(f"{{bands: {written}}}").bands == rule


@pytest.mark.parametrize(
    ("written", "path", "message"),
    [
        (
            "{window: 5, minimum_runs: 6}",
            "quality.bands.minimum_runs",
            "6 runs are asked for, and only the newest 5 count",
        ),
        ("{deviations: 0.5}", "quality.bands.deviations", "must be at least 1, not 0.5"),
        ("{windw: 5}", "quality.bands.windw", "unknown key 'windw'"),
        ("{minimum_runs: 2}", "quality.bands.minimum_runs", "must be at least 3, not 2"),
        ("learnt", "quality.bands", "must be learned, not the text 'learnt'"),
    ],
)
def test_bands_that_cannot_be_are_refused(written, path, message):
    found = problems(f"{{bands: {written}}}")
    assert (path, message) in [(where, what) for where, what, _ in found]


def test_a_minimum_of_rows_above_the_maximum_is_refused():
    ((path, message, _),) = problems("{items: {minimum: 5, maximum: 2}}")
    assert (path, message) == ("quality.items.minimum", "the minimum 5 is above the maximum 2")


@pytest.mark.parametrize("written", ["{}", "{coverage: {}}", "{http_errors: {}}", "{bands: {}}"])
def test_a_block_that_says_nothing_is_refused(written):
    assert problems(written)


def test_a_recipe_that_has_parents_says_the_same_without_them(tmp_path):
    """Jobs get the text that is resolved: keys such as `variants[].price` are quoted in it."""
    path = tmp_path / "child.yaml"
    path.write_text(
        'schema_version: 1\nname: child\nversion: "1.0.0"\nextends: woocommerce@1\n'
        'start: [{urls: "https://shop.example/", page: listing}]\n'
        'quality: {coverage: {"variants[].price": 95%}, http_errors: {maximum: 5%}, bands: {deviations: 3.5}}\n'
    )
    child = load_recipe(path)
    assert child.quality.coverage[0].path == "variants[].price"
    assert load_recipe_text(child.resolved).quality == child.quality
