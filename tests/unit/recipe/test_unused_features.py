"""What a recipe does not use costs its pages nothing: the modules behind it are not entered at all."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe, run

PACKAGE = Path(sys.modules["crawler.recipe"].__file__).parent
BODY = b"""<!doctype html><title>t</title><script type="application/ld+json">{"@type": "Product"}</script>
<div itemscope itemtype="https://schema.org/Product"><h1>Oak</h1><a href=/x>x</a><i class=p>1</i></div>
<ul><li>1<li>2</ul>"""

FEATURES = {
    "page_nodes",
    "linked_data",
    "schema_org",
    "microdata",
    "follow_ups",
    "made_requests",
    "sessions",
    "forms",
    "sitemap_pages",
    "js_literal",
    "row_files",
    "second_tree",
    "css_lxml",
    "xml_document",
    "xpath_use",
    "table_cells",
    "exact_jmespath",
    "template",
    "diagnose",
    "source_text",
}


def entered(recipe, body):
    """The modules of the engine of which a function ran."""
    seen = set()

    def note(frame, event, _argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.parent == PACKAGE:
            seen.add(path.stem)

    sys.setprofile(note)
    try:
        result = run(recipe, body)
    finally:
        sys.setprofile(None)
    assert result.rows
    return seen


@pytest.mark.parametrize("each", ["", "each: li"])
def test_a_recipe_of_selectors_enters_nothing_that_other_recipes_need(each):
    recipe = item_recipe(
        "title: [h2, h1]\nlink: 'a::attr(href)'\nprice: {css: .p, process: [price]}\nno: h6\nyes: {xpath: .//h1}",
        page=each,
    )
    assert entered(recipe, BODY) & FEATURES == set()


@pytest.mark.parametrize(
    ("field", "kind", "modules"),
    [
        ("{jsonld: Product}", "object", {"page_nodes", "linked_data"}),
        ("{microdata: Product}", "object", {"page_nodes", "microdata"}),
        ("{xpath: 'name(//h1)'}", "string", {"second_tree"}),
        ("{template: 'a {{ row.title }}'}", "string", {"template"}),
    ],
)
def test_a_recipe_enters_what_it_uses(field, kind, modules):
    recipe = item_recipe(f"title: h1\nother: {field}", contract={"other": f"{{type: {kind}}}"})
    assert modules <= entered(recipe, BODY)
