import pytest

from crawler.sample_shop.catalogue import build_catalogue
from crawler.sample_shop.model import Block

CATALOGUE = build_catalogue(products=60)


@pytest.mark.parametrize(
    ("block", "html"),
    [
        (Block(kind="p", lines=("a < b & c",)), "<p>a &lt; b &amp; c</p>"),
        (Block(kind="p", lines=("one", 'two "2"')), '<p>one<br>two "2"</p>'),
        (Block(kind="ul", lines=("x", "y")), "<ul><li>x</li><li>y</li></ul>"),
        (Block(kind="p", lines=("a\xa0b",)), "<p>a&nbsp;b</p>"),
    ],
)
def test_a_block_is_written_as_a_browser_would_serialise_it(block, html):
    assert block.html == html


def test_truth_has_one_row_per_product_with_the_same_columns():
    rows = CATALOGUE.truth("http://shop.test")
    assert len(rows) == 60
    assert {tuple(row) for row in rows} == {
        (
            *("url", "sku", "name", "brand", "category", "description", "price", "regular_price", "currency"),
            *("availability", "stock", "rating", "reviews", "images", "ean", "weight_kg", "attributes", "variations"),
        )
    }


def test_truth_names_the_site_it_was_asked_for():
    row = CATALOGUE.truth("http://shop.test:81/")[0]
    assert row["url"].startswith("http://shop.test:81/p/")
    assert all(image.startswith("http://shop.test:81/media/") for image in row["images"] or ())


def test_paths_are_percent_encoded_ascii():
    paths = [product.path for product in build_catalogue().products]
    assert all(path.isascii() and " " not in path for path in paths)
    assert any("%" in path for path in paths)


def test_products_are_found_by_sku_and_category():
    product = CATALOGUE.products[5]
    assert CATALOGUE.product(product.sku) is product
    assert product in CATALOGUE.of(product.category)
    assert CATALOGUE.product("no such") is None
    with pytest.raises(KeyError):
        CATALOGUE.category("no such")


def test_the_tree_of_categories_is_walked_from_the_top():
    tops = CATALOGUE.children(None)
    below = [child for top in tops for child in CATALOGUE.children(top)]
    assert len(tops) + len(below) == len(CATALOGUE.categories)
    assert "chairs" in {category.slug for category in below}
