"""A page of a counting list that shows that nobody is logged in: the list goes on without it, unless it comes back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scrapy.http import HtmlResponse
from scrapy.settings import Settings

from crawler.middlewares.open_pages import Blocked, TryLater
from crawler.recipe.loader import load_recipe_text
from crawler.spiders import recipe as spiders
from crawler.spiders.loader import spider_of

RECIPE = """
schema_version: 1
name: members
version: "1.0.0"
inputs: {word: {type: string, secret: shop_password}}
session:
  login: {url: "https://shop.example/login", formdata: {word: "{{ inputs.word }}"}}
  valid_if: a.logout
start: [{urls: "https://shop.example/goods", page: list}]
pages:
  list: {item: good, fields: {name: h1}, paginate: {param: page}}
items: {good: {version: 1, fields: {name: {type: string}}}}
"""


@pytest.fixture
def asked(monkeypatch):
    """Has a page of a stranger read; what it leads to, and the page itself."""

    def ask(turn):
        page = SimpleNamespace(session=1, turn=None, ended=[], rejected=0, chain=None, marks=set(), reason="")
        page.fail = lambda outcome, _reason: page.ended.append(outcome)
        monkeypatch.setattr(spiders, "open_page", lambda *_: page)
        monkeypatch.setattr(spiders, "sessions_of", lambda _: SimpleNamespace(invalid=lambda *_: turn))
        spider = spider_of(load_recipe_text(RECIPE))(inputs={})
        spider.crawler = SimpleNamespace(settings=Settings(), stats=None, signals=None)
        request = spider.request_of(spiders.Wanted(spider._start[0], 0))
        answer = HtmlResponse(request.url, body=b"<h1>Please log in</h1>", request=request)
        return [made.url for made in spider.parse(answer)], page

    return ask


def test_a_list_goes_on_without_a_page_of_a_stranger_that_has_ended(asked):
    following, page = asked(Blocked("nobody is logged in"))
    assert following == ["https://shop.example/goods?page=2"]
    assert page.ended == ["blocked"]


def test_a_page_that_comes_back_goes_on_when_it_does(asked):
    turn = TryLater("nobody is logged in", wait_s=0.1, hold_host_s=0.0)
    following, page = asked(turn)
    assert following == []
    assert (page.turn, page.ended) == (turn, [])
