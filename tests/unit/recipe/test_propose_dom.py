"""Regions, prices and selectors of a page that nobody has described."""

import pytest

from crawler.recipe.propose_dom import (
    classes_of,
    common_selectors,
    is_around,
    is_aside,
    is_struck,
    link_of,
    price_in,
    price_nodes,
    see,
    selectors_of,
    simple_selectors,
    text_of,
)

URL = "https://x.example/p/1.html"


def page(body):
    return see(f"<!DOCTYPE html><html><body>{body}</body></html>", url=URL, base_url=URL)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("€12.90", "€12.90"),
        ("From € 1,290.00 incl. VAT", "€ 1,290.00"),
        ("12,90\xa0€", "12,90\xa0€"),
        ("39.00 ₪", "39.00 ₪"),
        ("USD 5", "USD 5"),
        ("1 234,50 kr", "1 234,50 kr"),
        ("1'200.- CHF 1'200", "CHF 1'200"),
        ("5,- €", "5,- €"),
        ("12 pieces", None),
        ("Euro 2024 in 5 stadiums", None),
        ("USDA 5", None),
        ("€5 " + "word " * 20, None),
    ],
)
def test_a_price_is_an_amount_beside_a_currency_in_a_short_text(text, price):
    assert price_in(text) == price


@pytest.mark.parametrize(
    ("body", "prices"),
    [
        ("<p class=price><span>€5</span></p>", ["€5"]),
        ("<p>€<b>5</b></p>", ["€ 5"]),
        ("<p><del>€6</del> <ins>€5</ins></p>", ["€6", "€5"]),
        ("<script>var price = '€5'</script>", []),
        ("<select><option>€5</option></select>", []),
    ],
)
def test_the_innermost_elements_with_a_price_are_found(body, prices):
    assert [text_of(node) for node in price_nodes(page(body))] == prices


@pytest.mark.parametrize(
    ("body", "struck"),
    [
        ("<del><b id=x>€6</b></del>", True),
        ("<p class='price old-price'><b id=x>€6</b></p>", True),
        ("<p class=regularPrice id=x>€6</p>", True),
        ("<p class=price id=x>€6</p>", False),
        ("<p class=golden id=x>€6</p>", False),
    ],
)
def test_an_old_price_is_told_by_its_tag_or_its_name(body, struck):
    assert is_struck(page(body).select("#x")[0]) is struck


@pytest.mark.parametrize(
    ("body", "around", "aside"),
    [
        ("<nav><a id=x>a</a></nav>", True, True),
        ("<div class='breadcrumbs'><a id=x>a</a></div>", True, False),
        ("<div class='related-products'><a id=x>a</a></div>", True, True),
        ("<div class='cross-sells'><a id=x>a</a></div>", True, True),
        ("<header class='site-header'><a id=x>a</a></header>", True, True),
        ("<article><header><a id=x>a</a></header></article>", False, False),
        ("<div class='sub-header'><a id=x>a</a></div>", False, False),
        ("<main><ul class='products'><li><a id=x>a</a></ul></main>", False, False),
        ("<article class='product related-card'><a id=x>a</a></article>", False, False),
    ],
)
def test_content_is_told_from_what_is_around_it(body, around, aside):
    node = page(body).select("#x")[0]
    assert (is_around(node), is_aside(node)) == (around, aside)


@pytest.mark.parametrize(
    ("classes", "telling"),
    [
        ("product-card col-md-4 mt-2", ["product-card"]),
        ("text", ["text"]),
        ("text-muted price_color", ["price_color"]),
        ("css-1x2y3z sc-abc123 title", ["title"]),
        ("md:flex w-1/2 [&>a]:x name", ["name"]),
        ("post-37 status-publish", ["status-publish", "post-37"]),
        ("item-123456", []),
        ("row container", []),
    ],
)
def test_class_names_that_only_style_are_no_part_of_a_selector(classes, telling):
    node = page(f'<p class="{classes}">x</p>').select("p")[0]
    assert sorted(classes_of(node)) == sorted(telling)


def test_the_selectors_of_an_element_all_have_it_as_their_first_match():
    seen = page(
        '<div class="one"><b class="name">1</b></div><div class="two"><b class="name" id="p12">2</b><i>3</i></div>'
    )
    for node in seen.select("b, i"):
        found = list(selectors_of(seen, node))
        assert found
        assert all(seen.select(selector)[0].mem_id == node.mem_id for selector in found)


def test_unambiguous_selectors_come_first():
    seen = page('<p class="price">a</p><div class="other"><p class="price">b</p></div><h1>c</h1>')
    assert next(selectors_of(seen, seen.select("h1")[0])) == "h1"
    assert next(selectors_of(seen, seen.select(".other p")[0])) == ".other .price"


def test_an_element_without_any_name_is_named_by_its_tags():
    seen = page("<p>a</p><div><p><b>c</b></p></div>")
    assert list(selectors_of(seen, seen.select("b")[0])) == ["p > b"]


def test_ids_with_numbers_in_them_are_those_of_one_page_only():
    seen = page('<p id="product-4711" itemprop="name">a</p>')
    assert list(simple_selectors(seen.select("p")[0])) == ["[itemprop=name]"]


def test_common_selectors_fit_every_element():
    seen = page('<p class="card first">a</p><p class="card">b</p>')
    assert common_selectors(seen.select("p")) == [".card", "p.card"]
    assert common_selectors([]) == []


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/a#b", "https://x.example/a"),
        ("?q=1", "https://x.example/p/1.html?q=1"),
        ("https://other.example/", None),
        ("mailto:a@x.example", None),
        ("", None),
    ],
)
def test_only_links_to_the_same_host_count(href, url):
    seen = page(f'<a href="{href}">a</a>')
    assert link_of(seen, seen.select("a")[0]) == url
