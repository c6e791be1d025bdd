from decimal import Decimal

import pytest

from crawler.errors import ConfigError
from crawler.sample_shop.catalogue import build_catalogue

CATALOGUE = build_catalogue()


def test_the_same_seed_gives_the_same_shop():
    assert build_catalogue(7, 60) == build_catalogue(7, 60)


def test_another_seed_gives_another_shop():
    assert build_catalogue(1, 60).truth() != build_catalogue(2, 60).truth()


def test_a_small_shop_is_a_part_of_the_large_one():
    large = {product.sku: product for product in CATALOGUE.products}
    for product in build_catalogue(products=60).products:
        assert large[product.sku] == product


def test_the_default_shop_has_320_products_in_nested_categories():
    assert len(CATALOGUE.products) == 320
    assert len({product.category.slug for product in CATALOGUE.products}) >= 8
    assert any(category.parent for category in CATALOGUE.categories)


@pytest.mark.parametrize("count", [15, 16, 29, 331])
def test_as_many_products_as_asked_for_are_made(count):
    assert len(build_catalogue(products=count).products) == count


def test_a_shop_larger_than_its_vocabulary_still_has_distinct_names():
    products = build_catalogue(products=1500).products
    assert len({product.name for product in products}) == len({product.path for product in products}) == 1500


def test_fewer_products_than_categories_are_refused_with_the_number_that_would_do():
    with pytest.raises(ConfigError, match="ask for 15 or more"):
        build_catalogue(products=14)


@pytest.mark.parametrize("attribute", ["sku", "slug", "path", "old_path", "name"])
def test_no_two_products_share(attribute):
    values = [getattr(product, attribute) for product in CATALOGUE.products]
    assert len(set(values)) == len(values)


def test_variations_have_skus_of_their_own_and_distinct_options():
    skus = [product.sku for product in CATALOGUE.products]
    for product in CATALOGUE.products:
        skus += [variation.sku for variation in product.variations]
        options = [variation.options for variation in product.variations]
        assert len(set(options)) == len(options)
    assert len(set(skus)) == len(skus)


@pytest.mark.parametrize(
    "column", ["price", "regular_price", "brand", "description", "rating", "stock", "ean", "weight_kg"]
)
def test_some_products_lack_and_most_shops_have(column):
    values = [row[column] for row in CATALOGUE.truth()]
    assert 0 < values.count(None) < len(values)


@pytest.mark.parametrize("column", ["images", "attributes", "variations"])
def test_some_products_have_none_and_some_have_several(column):
    lengths = {len(row[column] or ()) for row in CATALOGUE.truth()}
    assert 0 in lengths
    assert max(lengths) > 1


@pytest.mark.parametrize("availability", ["InStock", "OutOfStock", "BackOrder", "PreOrder"])
def test_every_state_of_stock_occurs(availability):
    assert any(product.availability == availability for product in CATALOGUE.products)


def test_only_goods_in_stock_have_a_number():
    assert all(product.availability == "InStock" for product in CATALOGUE.products if product.stock is not None)


def test_reduced_goods_cost_less_than_before():
    reduced = [product for product in CATALOGUE.products if product.regular_price is not None]
    assert reduced
    assert all(product.price < product.regular_price for product in reduced)


def test_prices_have_two_decimals_and_some_exceed_a_thousand():
    prices = [product.price for product in CATALOGUE.products if product.price is not None]
    assert all(price.as_tuple().exponent == -2 for price in prices)
    assert any(price > 1000 for price in prices)


def test_a_product_with_variations_shows_their_lowest_price():
    variable = [product for product in CATALOGUE.products if product.variations]
    assert len(variable) > 50
    for product in variable:
        assert product.price == min(variation.price for variation in product.variations)


def test_article_numbers_carry_the_gs1_check_digit():
    for product in CATALOGUE.products:
        if product.ean is not None:
            weights = [1, 3] * 6 + [1]
            assert len(product.ean) == 13
            assert sum(int(digit) * weight for digit, weight in zip(product.ean, weights, strict=True)) % 10 == 0
    assert any(product.ean and product.ean.startswith("0") for product in CATALOGUE.products)


def test_the_rating_is_the_mean_of_the_reviews():
    for product in CATALOGUE.products:
        if product.rating is not None:
            mean = Decimal(sum(review.rating for review in product.reviews)) / len(product.reviews)
            assert abs(product.rating - mean) <= Decimal("0.05")
