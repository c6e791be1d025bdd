"""What breaks for readers of a recipe's files, and what does not: what was promised must still hold."""

from __future__ import annotations

import copy

import pytest

from crawler.recipe.contract import build_contract, item_json_schema
from crawler.recipe.contract_changes import Promise, broken_promises, files_of
from crawler.recipe.loader import load_recipe_text

GOOD = {
    "version": 1,
    "key": ["sku"],
    "checks": ["price > `0`"],
    "fields": {
        "sku": {"type": "string"},
        "price": {"type": "decimal", "required": True, "minimum": 1, "maximum": 100},
        "size": {"type": "string", "enum": ["S", "M"], "min_length": 1, "max_length": 5, "pattern": "^[A-Z]"},
        "day": {"type": "string", "format": "date", "unique": True},
        "link": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}, "min_items": 1},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
}
FILES = {
    "all.csv": {"item": "good", "join": {"tags": "|"}, "raw": False},
    "all.parquet": {"item": "good", "join": {}, "raw": False},
}


def promise(good=GOOD, *, version="1.0.0", files=FILES, **more):
    items = {"good": good, **more}
    schemas = {item: item_json_schema(build_contract(item, one)) for item, one in items.items() if one}
    return Promise(version=version, items=schemas, files=files)


def changed(*path, to, by=None):
    """`GOOD` with one thing put in another way; None takes it away."""
    good = copy.deepcopy(by or GOOD)
    place = good
    for name in path[:-1]:
        place = place[name]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return good


def field(name, **changes):
    """`GOOD` with other rules of a field; None takes one away."""
    rules = {**GOOD["fields"][name], **changes}
    return changed("fields", name, to={rule: value for rule, value in rules.items() if value is not None})


def fields(*names, **new):
    """`GOOD` with these fields in this order, new ones among them."""
    return changed("fields", to={name: new.get(name) or GOOD["fields"][name] for name in names})


TEXT = {"type": "string"}
ALL = tuple(GOOD["fields"])

BREAKS = {
    "a column is gone": (fields(*ALL[:-1]), "fields.parts: is gone"),
    "another type": (field("price", type="number"), "fields.price: is of type number, and was of type decimal"),
    "a wider type": (changed("fields", "link", to={"type": "integer"}), "fields.link: is of type integer"),
    "a new column in between": (fields("sku", "new", *ALL[1:], new=TEXT), "fields.new: stands before `parts`"),
    "another order": (fields("price", "sku", *ALL[2:]), "fields.price: stands where `sku` was"),
    "required no more": (field("price", required=None), "fields.price: may be missing, and was required"),
    "another key": (changed("key", to=["sku", "price"]), "items.good.key: is sku, price, and was sku"),
    "no key": (changed("key", to=None), "items.good.key: is nothing, and was sku"),
    "a check gone": (changed("checks", to=[]), "items.good.checks: `price > `0`` is gone"),
    "another value": (field("size", enum=["S", "M", "L"]), "fields.size: may be 'L', and had to be one of S, M"),
    "any value": (field("size", enum=None), "fields.size: may be anything"),
    "a lower bound": (field("price", minimum=0), "fields.price: has minimum 0, and had minimum 1"),
    "a bound gone": (field("price", maximum=None), "fields.price: has no maximum, and had maximum 100"),
    "longer texts": (field("size", max_length=9), "fields.size: has maxLength 9"),
    "fewer members": (field("tags", min_items=0), "fields.tags: has minItems 0"),
    "another pattern": (field("size", pattern="^[A-Z]+"), "fields.size: has pattern ^[A-Z]+, and had ^[A-Z]"),
    "another format": (field("day", format="date-time"), "fields.day: has format date-time, and had format date"),
    "no format": (field("day", format=None), "fields.day: has no format, and had format date"),
    "a date where a text was": (field("link", format="date"), "fields.link: has format date, and had no format"),
    "unique no more": (field("day", unique=None), "fields.day: need not be unique"),
    "members of another type": (field("tags", items={"type": "integer"}), "fields.tags[]: is of type integer"),
    "members of any type": (field("tags", items=None), "fields.tags[]: has members of any type"),
    "a key of members gone": (
        field("parts", items={"type": "object", "properties": {"other": TEXT}}),
        "fields.parts[].name: is gone",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_breaks_for_a_reader_needs_a_higher_item_version_and_is_named_with_what_to_do(what):
    good, words = BREAKS[what]
    told = broken_promises(promise(), promise(good, version="1.1.0"))
    assert any(words in each for each in told), told
    assert all("or write `version: 2` in items.good" in each and "in version 1.0.0" in each for each in told)
    assert broken_promises(promise(), promise({**good, "version": 2}, version="1.1.0")) == []


HOLDS = {
    "nothing": GOOD,
    "a new column at the end": fields(*ALL, "new", new=TEXT),
    "required now": field("link", required=True),
    "fewer values": field("size", enum=["S"]),
    "narrower bounds": field("price", minimum=2, maximum=50),
    "a pattern where none was": field("link", pattern="^h"),
    "an absolute address": field("link", format="uri"),
    "one more check": changed("checks", to=["price > `0`", "price < `90`"]),
    "described": changed("description", to="a good"),
    "one more key of members": field("parts", items={"type": "object", "properties": {"name": TEXT, "size": TEXT}}),
}


@pytest.mark.parametrize("what", HOLDS)
def test_what_still_holds_needs_none(what):
    assert broken_promises(promise(), promise(HOLDS[what], version="1.0.1")) == []
    assert broken_promises(promise(), promise({**HOLDS[what], "version": 2}, version="1.0.1")) == []


def test_an_item_version_never_falls():
    (told,) = broken_promises(promise({**GOOD, "version": 3}), promise({**GOOD, "version": 2}, version="1.1.0"))
    assert told.startswith("items.good.version: is 2, and was 3 in version 1.0.0")


def test_an_item_that_is_gone_needs_a_higher_first_number_of_the_recipe():
    (told,) = broken_promises(promise(), promise(None, version="1.9.0", files={}, other=GOOD))
    assert told.startswith("items.good: is gone")
    assert told.endswith("2.0.0")
    assert broken_promises(promise(), promise(None, version="2.0.0", files={}, other=GOOD)) == []
    assert broken_promises(promise(), promise(version="1.0.1", other=GOOD)) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"all.csv": FILES["all.csv"]}, "exports, all.parquet: is written no more"),
        ({**FILES, "all.csv": {**FILES["all.csv"], "item": "other"}}, "exports, all.csv: holds rows of other"),
        ({**FILES, "all.csv": {**FILES["all.csv"], "join": {}}}, "all.csv, column tags: is joined by nothing"),
        (
            {**FILES, "all.csv": {**FILES["all.csv"], "changes": True}},
            "exports, all.csv: has a column `change`, and had none",
        ),
        ({**FILES, "all.csv": {**FILES["all.csv"], "raw": True}}, "exports, all.csv: is raw, and was not"),
        (
            {**FILES, "all.csv": {**FILES["all.csv"], "profile": "woocommerce-core@1"}},
            "exports, all.csv: has the profile woocommerce-core@1, and had plain@1",
        ),
    ],
)
def test_files_are_promised_too(files, words):
    (told,) = broken_promises(promise(), promise(version="1.1.0", files=files))
    assert words in told
    assert broken_promises(promise(), promise({**GOOD, "version": 2}, version="1.1.0", files=files)) == []
    assert broken_promises(promise(), promise(version="1.1.0", files={**FILES, "more.csv": FILES["all.csv"]})) == []


def test_files_of_a_recipe_are_those_that_it_names_else_two_of_each_item():
    text = """\
schema_version: 1
name: x
version: "1.0.0"
start: [{urls: "https://shop.test/", page: page}]
pages: {page: {item: good, fields: {tags: {css: h1, all: true}}}}
items: {good: {version: 1, fields: {tags: {type: array, items: {type: string}}}}}
"""
    plain = {"item": "good", "join": {}, "raw": False}
    assert files_of(load_recipe_text(text)) == {"good.csv": plain, "good.jsonl": plain}
    named = text + 'exports: [{name: all, item: good, format: csv, columns: {tags: {join: "|"}}}]\n'
    assert files_of(load_recipe_text(named)) == {"all.csv": {"item": "good", "join": {"tags": "|"}, "raw": False}}
    packed = text + "exports: [{name: all, item: good, format: csv, compression: gzip}]\n"
    assert files_of(load_recipe_text(packed)) == {"all.csv.gz": plain}
