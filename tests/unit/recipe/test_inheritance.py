"""`extends`: maps merge, rules and lists replace, null removes, and each problem points into its own file."""

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe, load_recipe_text

PARENT = """schema_version: 1
name: base
version: "2.1.0"
description: the parent
labels: {kind: shop, owner: us}
allowed_domains: [a.example]
fetch: {headers: {Accept: a, X-One: '1'}, timeout: 5s}
start: [{urls: "https://a.example", page: product}]
pages:
  product:
    item: product
    fields:
      title: {css: h1, process: [strip, upper]}
      price: {css: .price, process: [price]}
      brand: .brand
items:
  product:
    version: 1
    key: [title]
    fields:
      title: {type: string, required: true}
      price: {type: decimal}
      brand: {type: string}
exports:
  - {name: all, item: product, format: csv}
tests:
  - {page: product, snapshot: base.html, url: "https://a.example/p", expect: {title: A}}
"""
CHILD = """schema_version: 1
name: child
version: "1.0.0"
extends: base@2
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "_base.yaml").write_text(PARENT)
    (tmp_path / "child").mkdir()
    return tmp_path


def load(folder, more=""):
    path = folder / "child.yaml"
    path.write_text(CHILD + more)
    return load_recipe(path)


def problems(folder, more=""):
    with pytest.raises(RecipeError) as caught:
        load(folder, more)
    return [(p.file.rsplit("/", 1)[1], p.line, p.message, p.hint or "") for p in caught.value.problems]


def test_a_child_is_its_parent_but_for_its_name_version_description_and_tests(folder):
    recipe = load(folder)
    assert (recipe.name, recipe.version, recipe.description, recipe.tests) == ("child", "1.0.0", "", ())
    assert list(recipe.pages["product"].rows.fields) == ["title", "price", "brand"]
    assert recipe.labels == {"kind": "shop", "owner": "us"}


def test_maps_merge_and_keep_what_the_child_does_not_name(folder):
    recipe = load(folder, "labels: {owner: them}\nfetch: {headers: {X-One: '2'}}\n")
    assert recipe.labels == {"kind": "shop", "owner": "them"}
    assert {name: value.text for name, value in recipe.fetch.headers.items()} == {"Accept": "a", "X-One": "2"}
    assert recipe.fetch.timeout_s == 5


def test_a_rule_replaces_the_parents_rule_as_a_whole(folder):
    fields = load(folder, "pages: {product: {fields: {title: {css: h2}}}}\n").pages["product"].rows.fields
    assert (fields["title"].source.query.text, fields["title"].process) == ("h2", ())
    assert fields["price"].process[0].name == "price"


def test_a_list_replaces_the_parents_list(folder):
    recipe = load(folder, "allowed_domains: [b.example]\nexports: [{name: b, item: product, format: jsonl}]\n")
    assert [template.text for template in recipe.allowed_domains] == ["b.example"]
    assert [export.name for export in recipe.exports] == ["b"]


def test_null_removes(folder):
    more = "pages: {product: {fields: {brand: null}}}\nitems: {product: {fields: {brand: null}}}\nfetch: null\n"
    recipe = load(folder, more)
    assert list(recipe.pages["product"].rows.fields) == ["title", "price"]
    assert list(recipe.items["product"].fields) == ["title", "price"]
    assert recipe.fetch.timeout_s is None


def test_null_without_a_parents_value_is_no_value(folder):
    assert problems(folder, "limits: null\n") == [("child.yaml", 5, "has no value", "write one, or delete 'limits'")]


def test_a_problem_points_into_the_file_where_it_is(folder):
    (folder / "_base.yaml").write_text(PARENT.replace("process: [price]", "process: [pirce]"))
    found = problems(folder, "labels: 5\n")
    assert [(file, line) for file, line, _, _ in found] == [("_base.yaml", 14), ("child.yaml", 5)]


def test_a_parent_may_have_parents(folder):
    (folder / "middle.yaml").write_text(
        'schema_version: 1\nname: middle\nversion: "1.0.0"\nextends: base@2\nlabels: {kind: mid, more: x}\n'
    )
    path = folder / "child.yaml"
    path.write_text(CHILD.replace("base@2", "middle@1"))
    recipe = load_recipe(path)
    assert recipe.labels == {"kind": "mid", "owner": "us", "more": "x"}


def test_the_hash_covers_the_parent_and_the_text_is_the_childs(folder):
    before = load(folder)
    assert before.text == CHILD
    (folder / "_base.yaml").write_text(PARENT + "\n# changed\n")
    assert load(folder).sha256 != before.sha256


def test_a_circle_of_parents_is_refused(folder):
    (folder / "_base.yaml").write_text(PARENT + "extends: child@1\n")
    ((file, line, message, _),) = problems(folder)
    assert (file, line) == ("_base.yaml", 28)
    assert "in a circle: child -> _base -> child" in message


def test_a_parent_that_is_not_there_is_named_with_those_that_are(folder):
    path = folder / "child.yaml"
    path.write_text(CHILD.replace("base@2", "bsae@2"))
    with pytest.raises(RecipeError, match="none that is built in; did you mean 'base'"):
        load_recipe(path)


def test_a_parent_of_another_major_version_is_refused(folder):
    path = folder / "child.yaml"
    path.write_text(CHILD.replace("base@2", "base@1"))
    with pytest.raises(RecipeError, match=r"'base' beside this file has version 2.1.0, not 1; write extends: base@2"):
        load_recipe(path)


@pytest.mark.parametrize("written", ["base", "base@", "base@x", "../base@2", "Base@2"])
def test_a_parent_is_named_with_its_major_version(folder, written):
    path = folder / "child.yaml"
    path.write_text(CHILD.replace("base@2", f"'{written}'"))
    with pytest.raises(RecipeError):
        load_recipe(path)


def test_a_text_without_a_place_has_no_parents():
    with pytest.raises(RecipeError, match="a recipe without a file has no parents"):
        load_recipe_text(CHILD)
