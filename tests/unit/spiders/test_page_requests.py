"""What a request of Scrapy's says of the page that a recipe wants, and what its answer is read as."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse, Response

from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import Chain, OpenField, PageRequest, Waiting
from crawler.recipe.sitemap_place import SitemapPlace
from crawler.spiders.loader import spider_of
from crawler.spiders.recipe import _SHORT_NAME, Wanted, _page_input, _short_lower, facts_of

URL = "http://a.example/p"

RECIPE = """
schema_version: 1
name: chairs
version: "1.0.0"
start: [{urls: "http://a.example/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1}}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""

#: Of a request that is out of the ordinary in one way each.
ODDITIES = [
    {"page": None},
    {"method": "POST", "body": b"x=1"},
    {"headers": (("X-Page", "2"),)},
    {"carried": {"category": "chairs"}},
    {"chain": Chain(id="list", number=3, value="c", rows=20, lost=1)},
    {"dedupe": False},
    {"waiting": Waiting(url=URL, base_url=URL, values={"a": 1}, open={"b": OpenField(asks=(1,))}, asked=7)},
    {"sitemap": SitemapPlace(entry=0, level=2, left=5)},
    {"mirrors": ("http://b.example/p",)},
    {"lastmod": "2026-03-01"},
]


@pytest.fixture
def spider():
    return spider_of(load_recipe_text(RECIPE))(inputs={})


@pytest.mark.parametrize("oddity", [{}, *ODDITIES], ids=lambda oddity: ",".join(oddity) or "plain")
@pytest.mark.parametrize(("depth", "on_progress"), [(0, False), (3, True)])
def test_what_a_recipe_wants_comes_back_from_the_request_that_is_made_of_it(spider, oddity, depth, on_progress):
    wanted = PageRequest(**{"url": URL, "page": "chair", **oddity})
    request = spider.request_of(Wanted(wanted, depth, on_progress))
    assert request.meta["recipe"] == facts_of(Wanted(wanted, depth, on_progress))
    assert spider._page_request(request) == wanted


def test_a_page_has_all_values_of_a_header_by_its_name_in_lower_case():
    headers = {"Content-Type": "text/html", "X-Tag": ["a", "b\xe9".encode("latin-1")], "X-None": []}
    response = HtmlResponse(URL, headers=headers, body=b"<p>", request=Request(URL))
    found = _page_input(response, PageRequest(url=URL, page="chair"), {}, {}).headers
    assert found.pop("date").endswith("GMT")
    assert found == {"content-type": "text/html", "x-tag": "a, b\xe9", "x-none": ""}


def test_the_date_of_a_page_is_the_sites_if_it_says_one():
    response = Response(URL, headers={"Date": "Mon, 02 Mar 2026 10:00:00 GMT"}, request=Request(URL))
    page = _page_input(response, PageRequest(url=URL, page="chair"), {}, {})
    assert page.headers == {"date": "Mon, 02 Mar 2026 10:00:00 GMT"}


def test_long_names_of_headers_that_a_site_makes_up_are_not_remembered():
    _short_lower.cache_clear()
    names = [f"X-{number}-{'a' * _SHORT_NAME}" for number in range(20)]
    response = HtmlResponse(URL, headers=dict.fromkeys(names, "1"))
    found = _page_input(response, PageRequest(url=URL, page="chair"), {}, {}).headers
    assert found.keys() - {"date"} == {name.lower() for name in names}
    assert _short_lower.cache_info().currsize == 0
