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
