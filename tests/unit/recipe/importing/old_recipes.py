"""Recipes of other systems as the tests of this folder write them."""

import json

import yaml

from crawler.recipe.importing.convert import import_recipes

HEAD = "name: Old shop\nversion: '1.0.0'\nsiteUrl: https://old.example\n"
SELECTORS = "selectors: {title: h1, price: .price, images: .g img, productLinks: .p a}\n"


def of_text(text, **options):
    return import_recipes(text.encode(), file="old.yaml", stem="old", **options)


def recipe_of(text):
    """The recipe that comes of a text, which must load, and the report."""
    result = of_text(text)
    assert [one.valid for one in result.recipes] == [True], [str(one) for one in result.findings]
    return yaml.safe_load(result.recipes[0].text), result.findings


def imported_json(data):
    """What comes of a file of JSON, given as data or as text."""
    text = data if isinstance(data, str) else json.dumps(data)
    return import_recipes(text.encode(), file="old.json", stem="old")


def imported_text(text):
    """What comes of a file of YAML."""
    return import_recipes(text.encode(), file="old.yml", stem="old")


ROOT = ["_root"]


def sitemap(*selectors, start="https://shop.example/"):
    return {"_id": "my-shop", "startUrl": [start] if isinstance(start, str) else start, "selectors": list(selectors)}


def selector(name, kind, css, parents=ROOT, **more):
    return {"id": name, "type": f"Selector{kind}", "selector": css, "parentSelectors": parents, **more}


def sitemap_recipe(data, *, valid=True):
    """The recipe of a sitemap, and the report."""
    result = imported_json(data)
    [recipe] = result.recipes
    assert recipe.valid == valid, [str(one) for one in result.findings]
    return yaml.safe_load(recipe.text), result.findings


FINDER = "id: finder\nname: Finder\nlanguage: de-DE\nencoding: windows-1252\nlinks: [https://finder.example/]\n"
FINDER_ROWS = "  rows: {selector: table.hits tr.hit}\n"


def definition_recipe(text, *, valid=True):
    """The recipe of a definition of Cardigann, and the report."""
    result = imported_text(text)
    assert result.system == "cardigann"
    [recipe] = result.recipes
    assert recipe.valid == valid, [str(one) for one in result.findings]
    return yaml.safe_load(recipe.text), result.findings


def fields_of(text):
    """The rules of the fields of a definition, and the report."""
    recipe, findings = definition_recipe(FINDER + "search:\n  path: s\n" + FINDER_ROWS + "  fields:\n" + text)
    return recipe["pages"]["search"]["fields"], findings
