"""Cookies that are remembered for a host are those that Scrapy would send, request by request."""

from __future__ import annotations

import random

import pytest
from scrapy import Request
from scrapy.downloadermiddlewares import cookies as scrapy_cookies
from scrapy.downloadermiddlewares.cookies import CookiesMiddleware as ScrapyCookiesMiddleware
from scrapy.http import Response

from crawler.middlewares import cookies
from crawler.middlewares.cookies import CookiesMiddleware

URLS = [
    "http://a.example/",
    "https://a.example/x/y",
    "http://www.a.example/x",
    "http://b.example/x",
    "http://127.0.0.1:8080/x",
    "http://a.example/x/z",
]
SET = [
    "a=1; Path=/",
    "a=2; Path=/",
    "b=3",
    "c=4; Path=/x",
    "d=5; Domain=a.example; Path=/",
    "e=6; Secure; Path=/",
    "f=7; Max-Age=100; Path=/",
    "a=gone; Max-Age=0; Path=/",
    "g=8; Domain=example",
]


@pytest.fixture
def both():
    return CookiesMiddleware(), ScrapyCookiesMiddleware()


def sent(middleware, url, **values):
    request = Request(url, **values)
    middleware.process_request(request)
    return request.headers.getlist("Cookie")


def set_by(middleware, url, *cookies):
    request = Request(url)
    middleware.process_response(request, Response(url, headers={"Set-Cookie": list(cookies)}))


@pytest.mark.parametrize("seed", range(20))
def test_every_request_has_the_cookies_that_scrapy_sends(both, seed):
    chance = random.Random(seed)
    ever = 0
    for _ in range(60):
        if chance.random() < 0.15:
            url, given = chance.choice(URLS), chance.sample(SET, chance.randrange(1, 3))
            for middleware in both:
                set_by(middleware, url, *given)
        url = chance.choice(URLS)
        more = [{}, {"cookies": {"own": "1"}}, {"meta": {"dont_merge_cookies": True}}, {"meta": {"cookiejar": 2}}]
        values = chance.choices(more, (9, 1, 1, 2))[0]
        values["headers"] = chance.choice([{}, {"Cookie": "by=hand"}])
        ours, theirs = (sent(middleware, url, **values) for middleware in both)
        assert ours == theirs
        ever += bool(ours)
    assert ever


@pytest.mark.parametrize("host", ["github.io", "a.github.io", "co.uk", "shop.co.uk", "localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("domain", ["", "github.io", ".github.io", "co.uk", "shop.co.uk", "localhost", "127.0.0.1"])
def test_a_cookie_of_a_public_suffix_is_kept_only_from_that_host_itself(both, host, domain):
    kept = []
    for middleware in both:
        set_by(middleware, f"http://{host}/x", "a=1; Path=/" + (f"; Domain={domain}" if domain else ""))
        jar = middleware.jars[None].jar
        kept.append(sorted((cookie.domain, cookie.name, cookie.value, cookie.domain_specified) for cookie in jar))
    assert kept[0] == kept[1]


def test_the_list_of_public_suffixes_is_not_read_for_cookies_of_the_host_itself(both, monkeypatch):
    asked = []
    monkeypatch.setattr(scrapy_cookies, "_is_public_domain", lambda domain: asked.append(domain) or True)
    ours, _ = both
    set_by(ours, "http://www.a.example/", "a=1; Path=/")
    assert not asked
    assert sent(ours, "http://www.a.example/x") == [b"a=1"]
    set_by(ours, "http://www.a.example/", "b=2; Path=/; Domain=a.example")
    assert asked == ["a.example"]
    assert sent(ours, "http://www.a.example/x") == [b"a=1"]


def test_cookies_for_all_pages_are_looked_for_once(both, monkeypatch):
    ours, _ = both
    set_by(ours, URLS[0], "a=1; Path=/")
    assert sent(ours, URLS[0]) == [b"a=1"]
    monkeypatch.setattr(cookies.CountingJar, "add_cookie_header", None)
    assert sent(ours, URLS[5]) == [b"a=1"]


def test_a_cookie_that_is_too_old_is_sent_no_more(both, monkeypatch):
    ours, _ = both
    set_by(ours, URLS[0], "a=1; Max-Age=100; Path=/", "b=2; Path=/")
    assert sent(ours, URLS[0]) == sent(ours, URLS[0]) == [b"a=1; b=2"]
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 101)
    assert sent(ours, URLS[0]) == [b"b=2"]


def test_a_jar_that_somebody_fills_or_empties_is_looked_at_anew(both):
    ours, _ = both
    set_by(ours, URLS[0], "a=1; Path=/")
    assert sent(ours, URLS[0]) == sent(ours, URLS[0])
    ours.jars[None].clear()
    assert sent(ours, URLS[0]) == []


def test_what_other_hosts_set_makes_nothing_be_looked_for_again(both, monkeypatch):
    ours, _ = both
    set_by(ours, URLS[0], "a=1; Path=/", "old=1; Max-Age=0; Path=/")
    assert sent(ours, URLS[0]) == [b"a=1"]
    for number in range(50):
        set_by(ours, f"http://shop{number}.example/", "a=2; Path=/", "b=3; Path=/x")
    monkeypatch.setattr(cookies.CountingJar, "add_cookie_header", None)
    assert sent(ours, URLS[5]) == [b"a=1"]
