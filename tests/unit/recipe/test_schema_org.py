"""The names of schema.org: what is a kind of what, and what a recipe may ask for."""

import pytest

from crawler.recipe.schema_org import below, kinds_of, own_name, type_problem


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("product", "Product"),
        ("car", "Product"),
        ("productgroup", "Product"),
        ("newsarticle", "CreativeWork"),
        ("furniturestore", "Organization"),
        ("furniturestore", "Place"),
        ("aggregateoffer", "Offer"),
        ("3dmodel", "MediaObject"),
        ("product", "Thing"),
    ],
)
def test_a_type_has_all_types_below_it(kind, name):
    assert kind in kinds_of(name)


def test_a_type_has_none_beside_or_above_it():
    assert kinds_of("Article").isdisjoint({"product", "creativework", "thing", "recipe"})
    assert kinds_of("https://example.org/Chair") == {"https://example.org/chair"}


def test_every_name_is_a_kind_of_thing():
    assert {name.lower() for name in below()} == kinds_of("Thing")
    assert len(below()) > 800


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("https://schema.org/Product", "Product"),
        ("http://schema.org/InStock/", "InStock"),
        ("http://www.schema.org/name", "name"),
        ("schema:Offer", "Offer"),
        ("Product", None),
        ("https://schema.org/", None),
        ("https://schema.org/docs/full.html", None),
        ("https://shop.example/schema.org/Product", None),
    ],
)
def test_names_of_the_vocabulary_are_told_from_other_addresses(written, name):
    assert own_name(written) == name


def test_what_a_recipe_may_ask_for():
    assert type_problem("Product") is None
    assert type_problem("http://purl.org/goodrelations/v1#Offering") is None
    assert type_problem("Produkt") == "schema.org has no type 'Produkt'"
    assert type_problem("product") is not None
    assert type_problem("schema:Product") is not None
