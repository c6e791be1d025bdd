"""Nine recipes of the replaced system, in seven files: what becomes of them, and that the report is exact.

The files say it themselves: a line that ends with `# nothing` holds a step that did nothing there, one with `# ignored`
a key that was ignored there, one with `# decide` a thing that only a person can decide.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from old_recipes import HEAD, SELECTORS, recipe_of
from replaced_engine import PROBES, run_step

from crawler.recipe.importing.convert import import_recipes
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.steps import build_step, run_steps
from crawler.recipe.values import MISSING

FOLDER = Path(__file__).parent / "replaced"
FILES = sorted(FOLDER.glob("*.yaml"))
_MARKS = {"nothing": "noop", "ignored": "ignored", "decide": "decide"}


def imported(path):
    return import_recipes(path.read_bytes(), file=path.name, stem=path.stem)


def marked(path, word):
    lines = path.read_text(encoding="utf-8").split("\n")
    return [number for number, line in enumerate(lines, start=1) if line.endswith(f"# {word}")]


def steps_of(path):
    """(step, path below `transforms`) of every step of a file."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for recipe in data.get("recipes", [data]):
        for key, value in recipe["transforms"].items():
            named = {key: value} if isinstance(value, list) else {f"{key}.{name}": own for name, own in value.items()}
            yield from ((step, f"{name}[{index}]") for name, own in named.items() for index, step in enumerate(own))


def test_the_nine_recipes_have_110_steps_and_the_report_names_43_that_did_nothing():
    assert sum(1 for path in FILES for _ in steps_of(path)) == 110
    assert sum(len(imported(path).recipes) for path in FILES) == 9
    assert sum(finding.kind == "noop" for path in FILES for finding in imported(path).findings) == 43


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("word", sorted(_MARKS))
def test_each_line_that_is_marked_is_reported_and_no_other(path, word):
    found = sorted(finding.line for finding in imported(path).findings if finding.kind == _MARKS[word])
    assert found == marked(path, word)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recipe_loads_under_its_own_name(path):
    for recipe in imported(path).recipes:
        assert recipe.valid
        assert load_recipe_text(recipe.text).name == recipe.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_step_is_said_to_do_nothing_exactly_if_the_engine_changed_no_text_by_it(path):
    said = {
        re.sub(r"^(recipes\[\d+\]\.)?transforms\.", "", one.path)
        for one in imported(path).findings
        if one.kind == "noop"
    }
    for step, where in steps_of(path):
        changed = any(run_step(step, probe) != probe for probe in PROBES)
        assert changed == (where not in said), step


def test_texts_come_out_of_the_steps_here_as_they_came_out_there():
    for path in FILES:
        result = imported(path)
        told = {one.path for one in result.findings if one.path.startswith("transforms.")}
        if len(result.recipes) > 1:
            continue
        [recipe] = result.recipes
        fields = yaml.safe_load(recipe.text)["pages"]["product"]["fields"]
        for key, field in (("title", "name"), ("description", "description")):
            old = [
                step
                for step, where in steps_of(path)
                if where.startswith(f"{key}[") and f"transforms.{where}" not in told
            ]
            rule = fields[field]
            new = rule.get("process", []) if isinstance(rule, dict) else []
            built = [build_step(one) if isinstance(one, str) else build_step(*one.popitem()) for one in new]
            for probe in PROBES:
                expected = probe.strip()
                for step in old:
                    expected = run_step(step, expected)
                value = run_steps(built, probe.strip(), base_url="")
                assert ("" if value is MISSING else value) == expected, (path.stem, key, probe)


def test_the_head_the_list_and_the_first_fields():
    recipe, findings = recipe_of(
        HEAD + "selectors: {title: [h1, .t], price: .price, images: .g img, productLinks: [.p a, .q a],\n"
        "  pagination: {nextPage: .next, maxPages: 7}}\nfallbacks: {title: [.other, h1]}\n"
    )
    assert recipe["name"] == "old-shop"
    assert recipe["inputs"]["site"]["default"] == "https://old.example"
    assert recipe["start"] == [{"urls": "{{ inputs.site }}", "page": "listing"}]
    assert recipe["pages"]["listing"] == {
        "follow": [{"links": [".p a", ".q a"], "page": "product"}],
        "paginate": {"next": [".next", "a[rel='next']", "link[rel='next']"], "max_pages": 7},
    }
    fields = recipe["pages"]["product"]["fields"]
    assert fields["name"] == ["h1", ".t", ".other"]
    assert fields["price"] == {"css": ".price", "process": ["price"]}
    assert not findings


def test_a_list_without_a_number_of_pages_keeps_that_systems_hundred():
    recipe, _ = recipe_of(HEAD + SELECTORS + "pagination: {next: .more}\n")
    assert recipe["pages"]["listing"]["paginate"]["max_pages"] == 100


def test_the_site_is_kept_as_it_is_written_if_it_is_more_than_a_host():
    deep, _ = recipe_of("siteUrl: https://old.example/he/shop/\n" + SELECTORS + "categories: [{url: /he/c}]\n")
    assert deep["inputs"]["site"]["default"] == "https://old.example/he/shop/"
    assert deep["start"][0]["urls"] == ["{{ inputs.site }}", "https://old.example/he/c"]
    bare, _ = recipe_of("siteUrl: old.example\n" + SELECTORS)
    assert bare["inputs"]["site"]["default"] == "https://old.example"


def test_a_recipe_with_skus_writes_the_files_that_the_other_system_wrote():
    recipe, _ = recipe_of(
        HEAD
        + "selectors: {title: h1, sku: .sku, price: .p, productLinks: .p a, attributes: .a, variations: .a select}\n"
    )
    assert [export.get("profile") for export in recipe["exports"]] == [
        None, "woocommerce-import-suite/parent@1", "woocommerce-import-suite/variation@1",
    ]  # fmt: skip
    assert [export["name"] for export in recipe["exports"]] == ["old-shop", "old-shop-parent", "old-shop-variation"]
    contract = recipe["items"]["product"]["fields"]
    assert contract["sku"]["required"] is contract["name"]["required"] is True
    assert recipe["pages"]["product"]["fields"]["sku"][-1]["response"] == "url"


def test_without_skus_there_are_no_such_files():
    recipe, _ = recipe_of(HEAD + "selectors: {title: h1, price: .price, productLinks: .p a}\n")
    assert len(recipe["exports"]) == 1
