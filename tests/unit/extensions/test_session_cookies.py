"""Cookies of sessions, in jars of their own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.http import Response

from crawler.errors import LoginFailed
from crawler.extensions.session_cookies import Cookie, SessionCookies
from crawler.middlewares.cookies import CookiesMiddleware


@pytest.fixture
def middleware():
    return CookiesMiddleware()


@pytest.fixture
def cookies(middleware):
    return SessionCookies(SimpleNamespace(get_downloader_middleware=lambda _: middleware))


def sent(middleware, cookies, url, version):
    request = Request(url)
    cookies.enter(request, version)
    middleware.process_request(request)
    return request.headers.get("Cookie")


def test_what_a_login_has_set_is_sent_by_whoever_takes_the_session(middleware, cookies):
    with cookies.login() as jar:
        request = Request("https://shop.test/login", meta={"cookiejar": jar})
        set_cookies = ["sid=1; Path=/; Secure; HttpOnly", "all=2; Domain=shop.test; Path=/", "deep=3; Path=/deep"]
        middleware.process_response(request, Response(request.url, headers={"Set-Cookie": set_cookies}))
        found = cookies.of(jar)
    assert jar not in middleware.jars
    cookies.fill(7, found)
    assert sent(middleware, cookies, "https://shop.test/", 7) == b"sid=1; all=2"
    assert sent(middleware, cookies, "http://www.shop.test/", 7) == b"all=2"
    assert sent(middleware, cookies, "https://shop.test/deep/x", 7) == b"deep=3; sid=1; all=2"
    assert sent(middleware, cookies, "https://other.test/", 7) is None


def test_each_version_has_a_jar_and_old_ones_are_forgotten(middleware, cookies):
    for version in (1, 2, 3):
        cookies.fill(version, [Cookie(name="sid", value=str(version), domain="shop.test")])
    assert set(middleware.jars) == {"session:2", "session:3"}
    assert sent(middleware, cookies, "http://shop.test/", 2) == b"sid=2"


def test_a_request_that_was_copied_leaves_the_session(cookies):
    request = Request("https://shop.test/", meta={"cookiejar": "session:1"})
    cookies.leave(request)
    assert "cookiejar" not in request.meta
    own = Request("https://shop.test/", meta={"cookiejar": 5})
    cookies.leave(own)
    assert own.meta["cookiejar"] == 5


def test_cookies_of_a_secret_go_to_the_hosts_of_the_session_only(middleware, cookies):
    written = cookies.written("sid=a=b; theme=dark;", ("https://.shop.test", "https://localhost"))
    cookies.fill(1, written)
    assert sent(middleware, cookies, "https://www.shop.test/", 1) == b"sid=a=b; theme=dark"
    assert sent(middleware, cookies, "https://localhost/", 1) == b"sid=a=b; theme=dark"
    assert sent(middleware, cookies, "http://www.shop.test/", 1) is None
    assert sent(middleware, cookies, "https://shop.test.evil.test/", 1) is None


@pytest.mark.parametrize("text", ["", "no cookie", "=x", "a=1; b"])
def test_what_is_no_list_of_cookies_is_refused(cookies, text):
    with pytest.raises(LoginFailed, match="no list of cookies"):
        cookies.written(text, ("https://shop.test",))


def test_a_login_sets_so_many_cookies_and_no_more(middleware, cookies):
    with cookies.login() as jar:
        request = Request("https://shop.test/login", meta={"cookiejar": jar})
        headers = {"Set-Cookie": [f"c{number}=1" for number in range(400)]}
        middleware.process_response(request, Response(request.url, headers=headers))
        with pytest.raises(LoginFailed, match="more cookies"):
            cookies.of(jar)


def test_without_cookies_there_is_no_session():
    with pytest.raises(LoginFailed, match="COOKIES_ENABLED"):
        SessionCookies(SimpleNamespace(get_downloader_middleware=lambda _: None)).fill(1, ())
