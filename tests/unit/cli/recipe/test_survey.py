"""What is concluded about a site from a handful of its pages."""

import pytest

from crawler.cli.recipe.survey import MAX_PAGES, survey
from crawler.egress.single_page import FetchFailed
from crawler.errors import PageError

SITE = "http://shop.example"


def test_a_list_page_leads_to_its_items(surveyor):
    found = survey(surveyor, f"{SITE}/c/lighting/")
    assert found.listing.links == "article.product-card h2 a"
    assert found.categories is None
    assert len(found.items) == 3
    assert all("/p/" in sample.input.url for sample in found.items)


def test_one_of_the_items_has_an_old_price_if_the_list_shows_any(surveyor):
    found = survey(surveyor, f"{SITE}/c/lighting/")
    assert any(sample.seen.select(".summary del") for sample in found.items)


def test_a_home_page_leads_through_categories_even_if_it_shows_some_items(surveyor):
    found = survey(surveyor, f"{SITE}/")
    assert found.categories.links == "ul.cards a"
    assert found.listing.links == "article.product-card h2 a"
    assert found.listing.below == "nav.subcategories a"


def test_a_category_without_items_leads_to_its_sub_categories(surveyor):
    found = survey(surveyor, f"{SITE}/c/furniture/")
    assert found.categories.links == "nav.subcategories a"
    assert found.listing.links == "article.product-card h2 a"


def test_a_page_of_one_item_stands_for_itself(surveyor, sample_shop):
    found = survey(surveyor, SITE + sample_shop.catalogue.products[0].path)
    assert found.listing is None
    assert len(found.items) == 1


def test_a_cookie_wall_is_passed(surveyor):
    assert survey(surveyor, f"{SITE}/club/").listing is not None


def test_links_that_robots_txt_forbids_are_not_followed(surveyor):
    survey(surveyor, f"{SITE}/c/outlet/")
    assert not any(path.startswith("/private/") for path in surveyor.fetcher.asked)


@pytest.mark.parametrize("path", ["/", "/c/furniture/", "/about.html", "/search?q=lamp"])
def test_few_pages_are_asked_for(surveyor, path):
    survey(surveyor, SITE + path)
    assert len(surveyor.fetcher.asked) <= 2 * MAX_PAGES


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        (f"{SITE}/nowhere", PageError, "status 404"),
        (f"{SITE}/api/products", PageError, "is json, not HTML"),
        ("http://other.example/", FetchFailed, "connection refused"),
    ],
)
def test_a_page_that_cannot_be_looked_at_is_refused(surveyor, url, error, words):
    with pytest.raises(error, match=words):
        survey(surveyor, url)
