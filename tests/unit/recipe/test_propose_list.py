"""What a list page lists, found without knowing the site."""

import pytest

from crawler.recipe.propose_dom import see
from crawler.recipe.propose_list import link_groups, links_below, next_page

URL = "https://x.example/c/chairs/"


def page(body, url=URL):
    return see(f"<!DOCTYPE html><html><body>{body}</body></html>", url=url, base_url=url)


def cards(count=6, card='<li class="card"><h2><a href="/p/{n}">Chair number {n}</a></h2><b>€{n}.00</b></li>'):
    return "<ul>" + "".join(card.format(n=n) for n in range(1, count + 1)) + "</ul>"


MENU = "<nav><ul>" + "".join(f'<li><a href="/c/{n}/">Department {n}</a></li>' for n in range(9)) + "</ul></nav>"


PRODUCT_POD = '<article class="product_pod"><h3><a href="p/{n}/">A</a></h3><p>£5</p></article>'
PICTURE = '<li><a class="product-link" href="/p/{n}"><img src="x.jpg">Chair {n}</a><i>$5.00</i></li>'
NAMELESS = '<li><a href="/p/{n}"><b>Thing number {n}</b></a> <i>$5.00</i></li>'
COLUMN = "<div><h2><a href='/p/{n}'>Chair {n}</a></h2>5 €</div>"
RELATED = '<li class="card"><a href="/r/{n}">R</a> €1</li>'


@pytest.mark.parametrize(
    ("body", "selector"),
    [
        (MENU + cards(), "li.card h2 a"),
        (cards(card=PRODUCT_POD), "article.product_pod h3 a"),
        (cards(card=PICTURE), "a.product-link"),
        (cards(card=NAMELESS), "ul > li > a"),
        ('<div class="listing">' + cards(card=COLUMN) + "</div>", "div.listing h2 a"),
        (cards() + '<aside class="related">' + cards(4, RELATED) + "</aside>", "li.card h2 a"),
    ],
)
def test_the_links_to_items_are_found_and_their_selector_gives_exactly_them(body, selector):
    seen = page(body)
    best = link_groups(seen)[0]
    assert best.selector == selector
    assert len(best.urls) == 6
    matched = [node.attributes["href"] for node in seen.select(selector)]
    assert len(set(matched)) == 6


def test_a_menu_alone_is_no_list_of_items():
    assert link_groups(page(MENU)) == []
    assert link_groups(page(MENU), least=-9)[0].selector == "nav > ul > li > a"


def test_a_menu_with_pictures_and_headings_does_not_beat_the_items():
    tile = '<li><h3><a href="/c/{n}/"><img src="x.jpg">Department number {n}</a></h3></li>'
    body = f'<nav class="menu">{cards(20, tile)}</nav>' + cards(card=NAMELESS)
    assert link_groups(page(body))[0].urls[0] == "https://x.example/p/1"


def test_links_to_other_hosts_are_no_items():
    body = cards(card='<li class="card"><h2><a href="https://other.example/{n}">Chair {n}</a></h2>€5</li>')
    assert link_groups(page(body)) == []


@pytest.mark.parametrize(
    ("pager", "paginate", "url"),
    [
        ('<li class="next"><a href="page-2.html">next</a>', {"next": "li.next a"}, URL + "page-2.html"),
        ('<a rel="next" href="?page=2">2</a>', {"next": "a[rel~=next]"}, URL + "?page=2"),
        ('<link rel="next" href="?page=2">', {"next": "link[rel=next]"}, URL + "?page=2"),
        ('<p class="more"><a href="?p=2">Weiter</a>', {"next": ".more a"}, URL + "?p=2"),
        ('<a href="?o=24">Next \N{RIGHTWARDS ARROW}</a>', {"next": "body > a"}, URL + "?o=24"),
        ('<a href="?page=2">2</a> <a href="?page=3">3</a>', {"param": "page", "start": 1}, URL + "?page=2"),
    ],
)
def test_the_next_page_is_found_in_many_forms(pager, paginate, url):
    found = next_page(page(pager))
    assert found is not None
    assert (found.paginate, found.url) == (paginate, url)


@pytest.mark.parametrize(
    "pager", ["", '<a href="/p/1">1</a>', '<a class="next" href="https://other.example/">Next</a>']
)
def test_a_page_without_a_next_page_has_none(pager):
    assert next_page(page(pager)) is None


def test_subcategories_are_the_links_whose_path_goes_on():
    body = MENU + '<nav class="sub"><a href="/c/chairs/oak/">Oak</a><a href="/c/chairs/pine/">Pine</a></nav>'
    (below,) = links_below(page(body))
    assert below.selector == "nav.sub a"
    assert links_below(page(MENU)) == []
