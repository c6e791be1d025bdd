"""Redirects of logins: whom they lead to is told who we are only if it is of the site. And where a refresh may be."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response
from scrapy.settings import Settings

from crawler.middlewares.redirect import (
    LOGIN_HEADERS,
    LOGIN_SITES,
    MetaRefreshMiddleware,
    RedirectMiddleware,
    _has_equiv,
)

LOGIN = "https://shop.example/login"


def of_a_crawl(middleware):
    downloader = SimpleNamespace(get_slot_key=lambda _: "slot")
    engine = SimpleNamespace(downloader=downloader, _slot=None, scheduler=None, slot=None)
    middleware.crawler = SimpleNamespace(engine=engine, spider=None)
    middleware.handle_referer = lambda *_: None
    return middleware


@pytest.fixture
def redirected():
    middleware = of_a_crawl(RedirectMiddleware(Settings()))

    def follow(status: int, to: str):
        request = Request(
            LOGIN,
            method="POST",
            body=b"pw=hunter2",
            headers={"X-Key": "hunter2", "Accept": "text/html"},
            meta={LOGIN_SITES: (LOGIN, "sso.example"), LOGIN_HEADERS: ("X-Key",)},
        )
        return middleware.process_response(request, Response(LOGIN, status=status, headers={"Location": to}))

    return follow


@pytest.mark.parametrize("to", ["https://evil.example/x?a=1", "http://shop.example/x"])
@pytest.mark.parametrize("status", [307, 308])
def test_the_body_of_a_login_goes_to_no_other_site(redirected, status, to):
    with pytest.raises(IgnoreRequest, match="another site, which is not told who we are") as refused:
        redirected(status, to)
    assert "a=1" not in str(refused.value)


@pytest.mark.parametrize("to", ["https://sso.example/x", "https://in.shop.example/x", "/x"])
def test_it_goes_where_the_recipe_says_and_to_the_site_itself(redirected, to):
    target = redirected(307, to)
    assert (target.body, target.headers["X-Key"]) == (b"pw=hunter2", b"hunter2")


def test_another_site_is_led_to_without_what_was_sent(redirected):
    target = redirected(303, "https://evil.example/welcome")
    assert (target.method, target.body) == ("GET", b"")
    assert set(target.headers) == {b"Accept"}


@pytest.mark.parametrize(
    ("before", "encoding"),
    [
        ("<title>Shop</title>", "utf-8"),
        ("<TITLE>" + "x" * 3900, "utf-8"),
        ("<title>" + "qQ" * 1900, "utf-8"),
        ("<title>q?" + "€" * 3900, "utf-8"),
        ("<title>" + "店" * 3900, "iso-2022-jp"),
    ],
    ids=["first", "last", "many times q", "three bytes a character", "seven bits"],
)
@pytest.mark.parametrize("name", ["http-equiv", "HTTP-EQUIV", "Http-eQuiv"])
def test_a_refresh_is_seen_wherever_scrapy_looks_for_one(before, encoding, name):
    page = f'{before}<Meta {name}="ReFresh" content="0; url=/there">'
    answer = HtmlResponse(LOGIN, body=page.encode(encoding), encoding=encoding)
    seen = of_a_crawl(MetaRefreshMiddleware(Settings())).process_response(Request(LOGIN), answer)
    assert seen.url == "https://shop.example/there"


def test_a_letter_that_is_not_rare_is_not_looked_at_again_and_again():
    assert not _has_equiv(b"q " * 20)
    assert _has_equiv(b"q " * 2_000)
