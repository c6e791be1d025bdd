from urllib.parse import urljoin, urlsplit

import pytest
from lxml import html

from crawler.sample_shop import pages
from crawler.sample_shop.assortment import CATEGORIES
from crawler.sample_shop.catalogue import build_catalogue

SITE = "http://shop.test"
CATALOGUE = build_catalogue()
SELLING = [category.slug for category in CATEGORIES if category.nouns]


def tree_of(rendered):
    codec = "cp1255" if "1255" in rendered.content_type else "utf-8-sig"
    codec = "cp1252" if rendered.content_type == "text/html" else codec
    return html.document_fromstring(rendered.body.decode(codec))


def walk(category):
    """Every page of a list, found by its next links alone: (url, tree) pairs."""
    url, number = SITE + category.path, 1
    while True:
        tree = tree_of(pages.list_page(CATALOGUE, category, number, SITE))
        base = urljoin(url, (tree.xpath("//base/@href") or [""])[0])
        yield base, tree
        following = tree.xpath("//li[@class='next']/a/@href")
        if not following:
            return
        url, number = urljoin(base, following[0]), number + 1
        assert url == SITE + pages.page_path(category, number)


def links(base, tree):
    return [urljoin(base, href.strip()) for href in tree.xpath("//article[@class='product-card']/h2/a/@href")]


@pytest.mark.parametrize("slug", SELLING)
def test_next_links_lead_through_the_whole_list(slug):
    category = CATALOGUE.category(slug)
    found = [
        urlsplit(link)._replace(fragment="").geturl() for base, tree in walk(category) for link in links(base, tree)
    ]
    wanted = {SITE + product.path for product in CATALOGUE.of(category)}
    if slug == "toys":  # written as raw letters
        wanted = {link.encode("ascii", "ignore") for link in wanted if "%" not in link}
        found = [link.encode("ascii", "ignore") for link in found]
    if slug == "outlet":  # its first product is linked by the old address
        wanted.remove(SITE + CATALOGUE.of(category)[0].path)
    assert wanted <= set(found)
    assert len(list(walk(category))) == pages.page_count(CATALOGUE, category) > 1


@pytest.mark.parametrize(
    ("slug", "second", "third"),
    [
        ("chairs", "page-2.html", "page-3.html"),
        ("tables", "?page=2", "?page=3"),
        ("garden", "2/", "../3/"),
        ("kitchen", "page-2.html", "page-3.html"),
    ],
)
def test_next_links_are_relative_in_four_ways(slug, second, third):
    category = CATALOGUE.category(slug)
    assert pages.page_href(category, 2, from_page=1) == second
    assert pages.page_href(category, 3, from_page=2) == third


@pytest.mark.parametrize("slug", SELLING)
@pytest.mark.parametrize("number", [2, 3])
def test_previous_links_lead_back(slug, number):
    category = CATALOGUE.category(slug)
    here = SITE + pages.page_path(category, number)
    base = SITE + pages.BASE_PATH if category.paging == "base" else here
    back = urljoin(base, pages.page_href(category, number - 1, from_page=number))
    expected = SITE + pages.page_path(category, number - 1)
    assert back.removesuffix("?page=1") == expected


@pytest.mark.parametrize("number", [0, 99])
def test_there_is_no_page_outside_the_list(number):
    assert pages.list_page(CATALOGUE, CATALOGUE.category("chairs"), number, SITE) is None


def test_the_home_page_links_every_top_category():
    hrefs = set(tree_of(pages.home_page(CATALOGUE)).xpath("//a/@href"))
    assert {category.path for category in CATALOGUE.children(None)} <= hrefs


def test_a_parent_category_links_its_children():
    tree = tree_of(pages.list_page(CATALOGUE, CATALOGUE.category("furniture"), 1, SITE))
    assert tree.xpath("//nav[@class='subcategories']//a/@href") == ["/c/furniture/chairs/", "/c/furniture/tables/"]


def test_no_page_outside_links_to_the_traps():
    drawn = [pages.home_page(CATALOGUE), pages.not_found_page(CATALOGUE), pages.search_page(CATALOGUE, "a")]
    drawn += [pages.list_page(CATALOGUE, category, 1, SITE) for category in CATALOGUE.categories]
    assert not any(b"/traps" in page.body for page in drawn)


def test_the_outlet_links_dead_ends_and_old_addresses():
    category = CATALOGUE.category("outlet")
    found = {urlsplit(link).path for link in links(SITE + category.path, next(walk(category))[1])}
    assert {pages.MISSING_PATH, pages.SOFT_404_PATH, pages.PRIVATE_PATH, "/product.php"} <= found
    assert "/p/" + CATALOGUE.of(category)[0].slug + ".html" not in found


def test_the_soft_404_is_told_by_its_body_class_only():
    assert tree_of(pages.not_found_page(CATALOGUE)).xpath("//body/@class") == ["error404"]


def test_search_escapes_what_was_searched_for_and_finds_names():
    found = tree_of(pages.search_page(CATALOGUE, "<120"))
    assert len(found.xpath("//article[@class='product-card']")) == 1
    assert not tree_of(pages.search_page(CATALOGUE, " ")).xpath("//article")
