"""Files that were made to hurt: an import ends, soon, with recipes or a word about it."""

import json

import pytest
from old_recipes import FINDER, HEAD, imported_json, imported_text, selector, sitemap

CHAIN = [selector(f"l{n}", "Link", "a", ["_root" if n == 0 else f"l{n - 1}"], multiple=False) for n in range(1500)]
SELECTORS = "selectors: {{title: {0}, price: .p, images: img, productLinks: a}}\n"


@pytest.mark.parametrize(
    "data",
    [
        sitemap(*CHAIN),
        sitemap(*(selector(f"e{n}", "Element", "b", ["_root"], multiple=True) for n in range(1500))),
        sitemap(selector("a", "Element", "b", ["a", "b"]), selector("b", "Element", "i", ["a", "b"])),
        sitemap(selector("a", "Pagination", "a", ["b"]), selector("b", "Pagination", "a", ["a"])),
        sitemap(selector("t", "Text", "b"), start="https://a.example/" + "[1-9]" * 50),
        sitemap(selector("t", "Text", "b" * 100_000)),
        sitemap(selector("t", "Text", "b", regex="(?=a)" + "[" * 100_000)),
        sitemap(selector("t", "Table", "table", columns=[{"header": str(n), "extract": True} for n in range(3000)])),
    ],
    ids=["chain", "many", "circle", "paging", "ranges", "selector", "pattern", "columns"],
)
def test_hostile_sitemaps(data):
    assert imported_json(json.dumps(data)).recipes


@pytest.mark.parametrize(
    "text",
    [
        HEAD + SELECTORS.format("[" + ", ".join(f".t{n}" for n in range(15_000)) + "]"),
        HEAD + SELECTORS.format("h1") + "transforms: {title: ['replace:" + "[" * 100_000 + "|x']}\n",
        HEAD + SELECTORS.format("h1") + "transforms: {title: ['" + "(?=a)" * 20_000 + "->x']}\n",
        HEAD + SELECTORS.format("h1") + "transforms: {title: ['trim:" + "]" * 100_000 + "']}\n",
        HEAD + SELECTORS.format('"' + "div:not(" * 2000 + '"'),
    ],
    ids=["selectors", "class", "looks", "trim", "nested"],
)
def test_hostile_recipes_of_the_replaced_system(text):
    assert imported_text(text).recipes


@pytest.mark.parametrize(
    "template",
    ["{{ if .Result.a }}" * 700 + "{{ end }}" * 700, "{{" * 50_000, "{{ if .Result.a }}x{{ else }}y{{ end }}" * 500],
    ids=["deep", "open", "many"],
)
def test_hostile_templates(template):
    text = (
        FINDER
        + f"search:\n  path: '{template}'\n  rows: {{selector: tr}}\n  fields: {{title: {{text: '{template}'}}}}\n"
    )
    assert imported_text(text).recipes
