import unicodedata

import pytest

from crawler.sample_shop.assortment import (
    ATTRIBUTE_NAMES,
    AWKWARD_NAMES,
    BRANDS,
    CATEGORIES,
    COUNTRIES,
    FEATURES,
    MATERIALS,
    REVIEWERS,
    REVIEWS,
    SENTENCES,
)

AWKWARD = [name for names in AWKWARD_NAMES.values() for name in names]


@pytest.mark.parametrize(("encoding", "codec"), [("header", "cp1255"), ("meta", "cp1252")])
def test_texts_of_a_category_fit_its_encoding(encoding, codec):
    category = next(category for category in CATEGORIES if category.encoding == encoding)
    texts = [category.name, *category.nouns, *category.adjectives, *AWKWARD_NAMES[category.slug]]
    for table in (BRANDS, MATERIALS, COUNTRIES, SENTENCES, FEATURES, REVIEWERS, REVIEWS, ATTRIBUTE_NAMES):
        texts += table[category.language]
    for text in texts:
        assert text.encode(codec).decode(codec) == text


@pytest.mark.parametrize("start", ["=", "-", "+", "@"])
def test_names_that_a_spreadsheet_takes_for_a_formula_are_sold(start):
    assert any(name.startswith(start) for name in AWKWARD)


@pytest.mark.parametrize("part", ['"', "'", ",", ";", "|", "<", "&", "\xa0"])
def test_names_that_break_careless_csv_or_html_are_sold(part):
    assert any(part in name for name in AWKWARD)


@pytest.mark.parametrize("script", ["HEBREW", "ARABIC", "CYRILLIC", "GREEK", "DEVANAGARI", "CJK"])
def test_names_in_other_scripts_are_sold(script):
    assert any(unicodedata.name(letter, "").startswith(script) for name in AWKWARD for letter in name)


def test_a_name_that_is_not_normalised_is_sold():
    assert any(unicodedata.normalize("NFC", name) != name for name in AWKWARD)


def test_sub_categories_lie_below_their_parents():
    by_slug = {category.slug: category for category in CATEGORIES}
    nested = [category for category in CATEGORIES if category.parent]
    assert nested
    for category in nested:
        assert category.path.startswith(by_slug[category.parent].path)
