"""What readers of files were promised is kept version by version, and a recipe is held against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crawler.errors
from crawler.recipe.contract_page import contract_page
from crawler.recipe.contract_registry import RegistryDamaged, compare, contracts_of, read_registry, update
from crawler.recipe.loader import load_recipe, load_recipe_text

ROOT = Path(crawler.errors.__file__).parents[1]

RECIPE = """schema_version: 1
name: one
version: "1.0.0"
start: [{urls: "https://a.example", page: p}]
pages:
  p: {item: thing, fields: {sku: h1, name: h2, tags: {css: a, all: true}}}
items:
  thing:
    version: 1
    key: [sku]
    fields:
      sku: {type: string, required: true}
      name: {type: string, required: true}
      tags: {type: array, items: {type: string}}
exports:
  - {name: things, item: thing, format: csv, columns: {tags: {join: "|"}}}
  - {name: tabs, item: thing, format: tsv, compression: gzip}
  - {name: lines, item: thing, format: jsonl}
"""


def recipe(*changes):
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_recipe_text(text)


@pytest.fixture
def folder(tmp_path):
    """One in which the recipe is registered as it is."""
    update(tmp_path, compare(recipe(), []))
    return tmp_path


def against(folder, *changes):
    return compare(recipe(*changes), read_registry(folder))


def test_what_is_registered_is_read_back_and_written_once(folder):
    (registered,) = read_registry(folder)
    assert [path.name for path in (folder / "contracts").iterdir()] == ["thing@1.json"]
    assert (registered.item, registered.version, registered.recipe_version) == ("thing", 1, "1.0.0")
    found = against(folder)
    assert (found.broken, found.stale) == ((), ())
    assert update(folder, found) == []


def test_files_that_say_what_has_changed_are_part_of_it_with_their_column():
    plan = recipe(
        ("items:\n  thing", "incremental: {skip_unchanged: [etag]}\nitems:\n  thing"),
        ("format: csv,", "format: csv, changes: file,"),
        ("format: tsv,", "format: tsv, changes: column,"),
    )
    (found,) = contracts_of(plan)
    assert list(found.files) == ["things.csv", "things-changes.csv", "tabs.tsv.gz", "lines.jsonl"]
    assert found.files["things.csv"]["header"] == "sku,name,tags"
    assert found.files["things-changes.csv"]["header"] == "change,sku,name,tags"
    assert found.files["tabs.tsv.gz"]["columns"] == ["change", "sku", "name", "tags"]


def test_the_header_and_the_order_of_columns_are_part_of_it(folder):
    """The golden header of version 1."""
    files = json.loads((folder / "contracts" / "thing@1.json").read_text())["files"]
    assert files["things.csv"] == {
        "item": "thing",
        "join": {"tags": "|"},
        "raw": False,
        "columns": ["sku", "name", "tags"],
        "header": "sku,name,tags",
    }
    assert files["tabs.tsv.gz"]["header"] == "sku\tname\ttags"
    assert "header" not in files["lines.jsonl"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("      name: {type: string, required: true}\n      tags: {type: array, items: {type: string}}\n",
             "      tags: {type: array, items: {type: string}}\n      name: {type: string, required: true}\n"),
            "items.thing.fields.tags: stands where `name` was in version 1.0.0",
        ),
        (("name: {type: string, required: true}", "name: {type: integer, required: true}"), "is of type integer"),
        (("name: {type: string, required: true}", "name: {type: string}"), "may be missing, and was required"),
        (('join: "|"', 'join: ";"'), "exports, things.csv, column tags: is joined by ';', and was by '|'"),
        (("  - {name: lines, item: thing, format: jsonl}\n", ""), "exports, lines.jsonl: is written no more, and was"),
        (("key: [sku]", "key: [name]"), "items.thing.key: is name, and was sku"),
    ],
)  # fmt: skip
def test_what_breaks_readers_needs_a_higher_version(folder, change, says):
    (broken, *_) = against(folder, change).broken
    assert says in broken
    assert "write `version: 2` in items.thing" in broken
    raised = against(folder, change, ("    version: 1\n", "    version: 2\n"))
    assert raised.broken == ()
    assert raised.stale == ("items.thing: version 2 is not registered",)


def test_a_field_behind_all_others_breaks_nothing_and_is_to_be_registered(folder):
    more = (
        ("all: true}}}", "all: true}, new: b}}"),
        ("{type: string}}\n", "{type: string}}\n      new: {type: string}\n"),
    )
    found = against(folder, *more)
    assert (found.broken, found.stale) == ((), ("items.thing: version 1 is not as it is registered",))
    assert [path.name for path in update(folder, found)] == ["thing@1.json"]
    assert against(folder, *more).stale == ()
    assert "items.thing.fields.new: is gone" in against(folder).broken[0]


def test_a_version_that_was_is_kept_and_never_comes_back(folder):
    second = (
        ("    version: 1\n", "    version: 2\n"),
        ("name: {type: string, required: true}", "name: {type: string}"),
    )
    update(folder, against(folder, *second))
    assert [each.version for each in read_registry(folder)] == [1, 2]
    (fell,) = against(folder).broken
    assert fell.startswith("items.thing.version: is 1, and was 2")


def test_an_item_that_is_gone_needs_a_higher_recipe(folder):
    gone = (("thing", "stuff"),)
    assert "items.thing: is gone" in against(folder, *gone).broken[0]
    assert against(folder, *gone, ('"1.0.0"', '"2.0.0"')).broken == ()


def test_the_version_of_the_recipe_alone_changes_nothing(folder):
    found = against(folder, ('"1.0.0"', '"1.0.1"'))
    assert (found.broken, found.stale, update(folder, found)) == ((), (), [])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("thing@1.json", "{", "no registered contract"),
        ("thing@1.json", "[]", "no registered contract"),
        ("thing@1.json", '{"v": 2}', "version 2 of the format"),
        ("thing@2.json", None, "it says that it is thing@1.json"),
    ],
)
def test_what_is_no_contract_is_told(folder, name, text, says):
    there = (folder / "contracts" / "thing@1.json").read_text()
    (folder / "contracts" / name).write_text(there if text is None else text)
    with pytest.raises(RegistryDamaged, match=says):
        read_registry(folder)


def test_without_a_registry_nothing_is_broken(tmp_path):
    assert read_registry(tmp_path) == []
    assert compare(recipe(), []).stale == ("items.thing: version 1 is not registered",)


SHIPPED = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_recipes_that_are_shipped_are_as_they_are_registered(name):
    shipped = load_recipe(ROOT / "recipes" / f"{name}.yaml")
    found = compare(shipped, read_registry(shipped.snapshot_dir))
    assert (found.broken, found.stale) == ((), ())


@pytest.mark.parametrize("name", SHIPPED)
def test_the_page_of_a_recipe_that_is_shipped_is_current(name):
    shipped = load_recipe(ROOT / "recipes" / f"{name}.yaml")
    page = contract_page(shipped, contracts_of(shipped), read_registry(shipped.snapshot_dir))
    there = (ROOT / "docs" / "contracts" / f"{name}.md").read_text(encoding="utf-8")
    assert page == there, f"crawlery recipe docs {name} -o docs/contracts"
