"""Pages are let go when they are done with, without the garbage collector: no cycle keeps a response or a tree."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter

import pytest
from loopback import PATIENCE_S, good, goods_recipe, html, listing
from scrapy import Request
from scrapy.http import Response

from crawler.middlewares.open_pages import OpenPage
from crawler.recipe.html_document import HtmlDocument, HtmlScope
from crawler.recipe.model import PageInput, PageResult
from crawler.recipe.second_tree import SecondTree
from crawler.recipe.tree_scope import TreeScope
from crawler.recipe.value_document import ValueDocument
from crawler.recipe.xml_document import XmlDocument
from crawler.spiders.rows import RecipeRow

PAGES = 120

#: Pages may be in this many hands at once, each on its way to the next.
IN_WORK = 12

#: What a page is made of on its way through a crawl.
OF_PAGES = (
    *(Response, Request, OpenPage, PageInput, PageResult, RecipeRow),
    *(HtmlDocument, HtmlScope, SecondTree, TreeScope, XmlDocument, ValueDocument),
)

CSS = goods_recipe()
XPATH = goods_recipe().replace("name: h1", "name: {xpath: '//h1'}")
JSON = (
    goods_recipe()
    .replace("name: h1", "name: {from: state, jmespath: name}")
    .replace("    item: good\n", "    item: good\n    sources: {state: {css: script, parse: json}}\n")
)


async def alive() -> Counter[str]:
    """How many there are of each. To be run by the reactor's loop, while other threads wait: whoever else looked at all
    objects would have hold of tuples that are being made.
    """
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, OF_PAGES))


@pytest.fixture
def count_alive(reactor_loop):
    return lambda: asyncio.run_coroutine_threadsafe(alive(), reactor_loop).result(timeout=PATIENCE_S)


@pytest.fixture
def without_collector():
    """Whatever is garbage in a cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("recipe", [CSS, XPATH, JSON], ids=["css", "xpath", "json"])
def test_pages_of_a_recipe_are_gone_when_they_are_settled(site, crawl, count_alive, caplog, recipe):
    caplog.set_level(logging.INFO)  # records of every page would keep its response
    before = count_alive()
    seen: list[Counter[str]] = []

    def page(request):
        number = int(request.path.rpartition("/")[2])
        if number % 40 == 0:
            seen.append(count_alive())
        return html(good(f"Good {number}", "1.00") + f'<script>{{"name": "Good {number}"}}</script>')

    site["/"] = listing(*(f"/g/{number}" for number in range(PAGES)))
    for number in range(PAGES):
        site[f"/g/{number}"] = page
    result = crawl(recipe, {"CONCURRENT_REQUESTS": 4, "CONCURRENT_REQUESTS_PER_DOMAIN": 4}, site=site.url)
    assert len(result.items) == PAGES
    assert len(seen) == PAGES // 40
    for counted in seen:
        more = counted - before
        del more["RecipeRow"]  # the fixture keeps them
        assert not {name: count for name, count in more.items() if count > IN_WORK}
    result.items.clear()
    left = count_alive() - before
    assert not left
