"""The published schema describes every key, accepts what the loader accepts, and is not looser where it can be told."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from crawler.recipe.check import PAGE_KEYS
from crawler.recipe.diagnostics import Report
from crawler.recipe.language import EXPECT_KEYS, RECIPE, language_schema
from crawler.recipe.steps import catalogue
from crawler.recipe.yaml_nodes import plain
from crawler.recipe.yaml_reader import read_yaml

LARGE = Path(__file__).parent / "large"
SCHEMA = language_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def data(name: str):
    """As an editor's YAML 1.2 reader would see the file."""
    node = read_yaml((LARGE / f"{name}.yaml").read_text(), file=name, report=Report())
    return yaml.safe_load(yaml.safe_dump(floats(plain(node))))


def floats(value):
    if isinstance(value, dict):
        return {key: floats(member) for key, member in value.items()}
    if isinstance(value, list):
        return [floats(member) for member in value]
    return value if isinstance(value, str | int | bool) or value is None else float(value)


def properties(schema, path="") -> list[tuple[str, dict]]:
    """Every property of every object in a schema."""
    found = []
    if isinstance(schema, dict):
        for name, below in schema.get("properties", {}).items():
            found += [(f"{path}.{name}", below), *properties(below, f"{path}.{name}")]
        for key in schema.keys() - {"properties", "enum", "const", "$defs"}:
            found += properties(schema[key], f"{path}/{key}")
        for name, below in schema.get("$defs", {}).items():
            found += properties(below, f"{path}/$defs/{name}")
    elif isinstance(schema, list):
        for index, below in enumerate(schema):
            found += properties(below, f"{path}/{index}")
    return found


def test_the_schema_is_valid_draft_2020_12():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_of_the_language_has_a_description():
    found = properties(SCHEMA)
    assert len(found) > 300
    assert [path for path, schema in found if not schema.get("description")] == []


def test_every_name_that_the_author_chooses_is_described_too():
    free = [below for below in objects(SCHEMA) if isinstance(below.get("additionalProperties"), dict)]
    assert len(free) > 10
    assert all(below["additionalProperties"].get("description") for below in free)


def objects(schema):
    if isinstance(schema, dict):
        yield schema
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from objects(below)


def test_every_reference_of_the_schema_leads_somewhere():
    references = {below["$ref"] for below in objects(SCHEMA) if "$ref" in below}
    assert references == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


@pytest.mark.parametrize("name", ["bazaar", "prices-api", "forum"])
def test_the_schema_accepts_what_the_loader_accepts(name):
    assert [error.message for error in VALIDATOR.iter_errors(data(name))] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pages", "product", "fields", "name"), {"csss": "h1"}),
        (("pages", "product", "fields", "name"), {"css": "h1", "meta": "x"}),
        (("pages", "product", "fields", "price", "process"), ["pirce"]),
        (("pages", "product", "fields", "price", "process"), "price"),
        (("pages", "product", "itme"), "product"),
        (("pages", "listing", "paginate"), {"scroll": 20}),
        (("version",), 1.1),
        (("limits", "delay"), "soon"),
        (("exports", 0, "format"), "json"),
        (("schema_version",), 2),
        (("session",), {}),
        (("session",), {"bearer": {"secret": "Not a name"}}),
    ],
)
def test_the_schema_refuses_what_an_editor_can_tell(path, value):
    recipe = data("bazaar")
    holder = recipe
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    assert not VALIDATOR.is_valid(recipe)


def test_the_schema_lists_every_step_with_its_summary():
    names = SCHEMA["$defs"]["step"]["anyOf"][0]["oneOf"]
    assert {entry["const"]: entry["description"] for entry in names} == {
        info.name: info.summary for info in catalogue()
    }


def test_every_key_that_comes_later_is_refused_as_such():
    later = """
fetch: {render: auto, wait_for: x, block: x, actions: x}
pages:
  a:
    paginate: {scroll: 20}
    item: a
    fields: {a: h1}
  b: {paginate: {click: x}, item: a, fields: {a: h1}}
exports: [{name: a, item: a, format: json}]
"""
    report = Report()
    RECIPE.check(read_yaml(later, file="r.yaml", report=report), (), report)
    told = {p.path.rsplit(".", 1)[-1] for p in report.problems() if "is not available in this version" in p.message}
    assert told == {
        *("render", "wait_for", "block", "actions", "scroll", "click"),
        "format",
    }
    assert not any("unknown key" in problem.message for problem in report.problems())


def test_what_a_test_may_expect_of_a_page_is_what_the_checker_knows():
    assert EXPECT_KEYS == PAGE_KEYS
