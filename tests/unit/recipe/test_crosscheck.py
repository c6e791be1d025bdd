"""Names that one part uses and another defines: a broken pair is reported at both ends, and nothing else is."""

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe, load_recipe_text

BASE = """schema_version: 1
name: shop
version: "1.0.0"
inputs:
  site: {type: string, default: "https://a.example"}
start:
  - urls: "{{ inputs.site }}"
    page: listing
pages:
  listing:
    follow:
      - links: a
        page: product
        carry: {category: h1, label: h2}
    paginate: {next: a.next}
  product:
    sources:
      data: {css: "script::text", parse: json}
    item: product
    fields:
      title: h1
      price: {from: data, jmespath: price}
      category: "{{ carried.category }}"
      helper: h2
      parts:
        each: li
        fields:
          name: b
          size: i
items:
  product:
    version: 1
    key: [title]
    fields:
      title: {type: string}
      price: {type: decimal}
      category: {type: string}
      parts:
        type: array
        items: {type: object, properties: {name: {type: string}, size: {type: string}}}
exports:
  - {name: all, item: product, format: csv, columns: {parts: {join: ","}}}
tests:
  - page: product
    snapshot: p.html
    url: https://a.example/p
    inputs: {site: "https://b.example"}
    carried: {category: x}
    expect: {title: A}
  - page: listing
    snapshot: l.html
    url: https://a.example
    expect: {follow: {product: 2}, next: null}
"""


def reported(old: str, new: str, base: str = BASE) -> dict[int, tuple[str, str]]:
    assert old in base
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(base.replace(old, new, 1))
    return {problem.line: (problem.message, problem.hint or "") for problem in caught.value.problems}


def line_of(piece: str, base: str = BASE) -> int:
    return base[: base.index(piece)].count("\n") + 1


def test_the_recipe_itself_is_accepted_with_a_helper_field_and_an_unused_carried_value():
    assert load_recipe_text(BASE).name == "shop"


@pytest.mark.parametrize(
    ("old", "new", "ends"),
    [
        ("page: listing\npages", "page: listng\npages", {"page: listing\npages": "listing", "  listing:": "listng"}),
        (
            "        page: product",
            "        page: porduct",
            {"        page: product": "product", "  product:\n": "porduct"},
        ),
        ("  product:\n    sources", "  produkt:\n    sources", {"  product:\n    sources": "product"}),
        (
            "    item: product",
            "    item: produkt",
            {"    item: product": "product", "  product:\n    version": "produkt"},
        ),
        ("  product:\n    version", "  produt:\n    version", {"  product:\n    version": "product"}),
        ("{from: data", "{from: dta", {"{from: data": "data", "data: {css": "dta"}),
        ("data: {css", "daat: {css", {"{from: data": "daat", "data: {css": "data"}),
        ("inputs.site", "inputs.siet", {"inputs.site": "site"}),
        ("  site: {", "  siet: {", {"  site: {": "site", "inputs.site": "siet", 'inputs: {site: "': "siet"}),
        ("carried.category", "carried.catgory", {"carried.category": "category"}),
        ("carry: {category", "carry: {categroy", {"carry: {category": "category", "carried.category": "categroy"}),
        ("      title: h1", "      titel: h1", {"      title: h1": "title", "      title: {type": "titel"}),
        ("      title: {type", "      tilte: {type", {"      title: h1": "tilte", "      title: {type": "title"}),
        ("key: [title]", "key: [titel]", {"key: [title]": "title"}),
        ("          name: b", "          nmae: b", {"          name: b": "name", "properties": "nmae"}),
        ("{name: {type", "{naem: {type", {"          name: b": "naem", "properties": "name"}),
        ("item: product, format", "item: prodct, format", {"item: product, format": "product"}),
        ("columns: {parts", "columns: {prats", {"columns: {parts": "parts"}),
        ("  - page: product", "  - page: prodct", {"  - page: product": "product"}),
        ('inputs: {site: "', 'inputs: {sit: "', {'inputs: {site: "': "site"}),
        ("carried: {category", "carried: {categry", {"carried: {category": "category"}),
        ("expect: {title", "expect: {titl", {"expect: {title": "title"}),
        ("follow: {product", "follow: {prodct", {"follow: {product": "product"}),
        (", next: null", ", nxet: null", {"follow: {product": "next"}),
    ],
)
def test_a_misspelt_name_is_reported_at_both_ends_with_the_other_as_hint(old, new, ends):
    found = reported(old, new)
    for piece, name in ends.items():
        line = line_of(piece)
        assert line in found, found
        assert f"'{name}'" in found[line][1], found[line]


@pytest.mark.parametrize(
    ("old", "new", "piece", "message", "hint"),
    [
        (
            "page: listing\npages",
            "page: nowhere\npages",
            "page: listing\npages",
            "no page type 'nowhere'",
            "listing or product",
        ),
        ("        page: product\n", "", "      - links", "no page type has one", "add page: listing"),
        (
            "        page: product\n",
            "        page: listing\n",
            "  product:\n    sources",
            "nothing leads to",
            "name it in",
        ),
        ("      title: h1\n", "", "      title: {type", "no page fills the field 'title'", "add a rule"),
        (
            "      price: {type: decimal}\n",
            "      other: {type: decimal}\n",
            "      price: {from",
            "has no field 'price'",
            "other",
        ),
        ("          size: i\n", "", "properties", "no rule fills the property 'size'", "add a rule"),
        (
            "    item: product\n",
            "    item: nothing9\n",
            "  product:\n    version",
            "never be a row of it",
            "add it to a page",
        ),
        ("expect: {title: A}", "expect: {helper: A}", "expect: {title", "has no field 'helper'", ""),
        ("next: null", "title: A", "follow: {product", "has no item, so it can expect only", ""),
        (
            "carried: {category: x}",
            "carried: {colour: x}",
            "carried: {category",
            "nothing carries 'colour'",
            "category or label",
        ),
    ],
)
def test_what_leads_nowhere_is_reported_with_what_there_is(old, new, piece, message, hint):
    found = reported(old, new)
    shift = BASE[: BASE.index(old)].count("\n") < line_of(piece) - 1 and old.count("\n") - new.count("\n")
    line = line_of(piece) - shift
    assert line in found, found
    assert message in found[line][0], found[line]
    assert hint in found[line][1], found[line]


def test_a_name_that_is_right_but_whose_part_is_wrong_is_not_called_unknown():
    found = reported("    sources:\n      data", "    sources: 5\n    xsources:\n      data")
    assert all("there is no page type" not in message for message, _ in found.values())
    assert len(reported("paginate: {next: a.next}", "paginate: 5")) == 1


def test_a_page_may_be_found_by_match_alone():
    base = BASE.replace("        page: product\n", "").replace("    sources:", "    match: '/p/'\n    sources:")
    assert load_recipe_text(base).pages["listing"].follow[0].page is None


def test_two_pages_may_fill_one_item_each_in_part():
    more = "  other: {match: '/o/', item: product, fields: {title: h1}}\n"
    base = BASE.replace("  product:\n    sources", f"{more}  product:\n    sources").replace(
        "      - links: a\n", "      - links: b\n      - links: a\n"
    )
    assert set(load_recipe_text(base).pages) == {"listing", "other", "product"}


# --- files ---


@pytest.fixture
def recipe_file(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("p.html", "l.html"):
        (folder / name).write_text("<p>saved</p>")
    path = tmp_path / "shop.yaml"
    path.write_text(BASE)
    return path


def file_problems(path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    return [(problem.line, problem.message, problem.hint or "") for problem in caught.value.problems]


def test_saved_pages_are_looked_for_beside_the_recipe(recipe_file):
    assert load_recipe(recipe_file).snapshot_dir == recipe_file.with_suffix("")
    (recipe_file.parent / "shop" / "p.html").rename(recipe_file.parent / "shop" / "q.html")
    ((line, message, hint),) = file_problems(recipe_file)
    assert (line, message) == (line_of("snapshot: p.html"), "there is no saved page shop/p.html")
    assert "'q.html'" in hint


def test_saved_pages_lie_in_the_folder_of_the_recipe(recipe_file):
    (recipe_file.parent / "secret.html").write_text("x")
    recipe_file.write_text(BASE.replace("snapshot: p.html", "snapshot: ../secret.html"))
    ((line, message, _),) = file_problems(recipe_file)
    assert line == line_of("snapshot: p.html")
    assert "lies outside shop/" in message


def test_a_recipe_is_called_like_its_file(recipe_file):
    recipe_file.write_text(BASE.replace("name: shop", "name: shoop"))
    ((line, message, hint),) = file_problems(recipe_file)
    assert (line, message) == (2, "the recipe is called 'shoop', but its file shop.yaml")
    assert "shoop.yaml" in hint
