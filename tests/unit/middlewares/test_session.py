"""The middleware of sessions: which requests it touches, and which answers are those of strangers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from crawler.middlewares import session
from crawler.middlewares.session import SessionMiddleware


class Ended(Exception):
    """What the session says of an answer; in its place, a page that comes back."""


class Remembers:
    """A session that shows a header and remembers what it is asked."""

    def __init__(self):
        self.said = []

    async def show(self, request):
        request.headers["Authorization"] = "Bearer t"
        return 7

    def hide(self, request):
        request.headers.pop("Authorization", None)

    def is_login(self, url):
        return url == "https://x.example/login"

    def invalid(self, page, request, sign):
        self.said.append((page.session, "Authorization" in request.headers, sign))
        return Ended(sign)


@pytest.fixture
def page():
    return SimpleNamespace(session=0, sent_s=0.0)


@pytest.fixture
def middleware(monkeypatch, page):
    monkeypatch.setattr(session, "open_page", lambda _, request: page if request.meta.get("page") else None)
    return SessionMiddleware(None, Remembers())


def asked(middleware, meta=None):
    request = Request("https://x.example/a", meta={"page": True} if meta is None else meta)
    asyncio.run(middleware.process_request(request))
    return request


def test_a_page_is_shown_the_session_and_remembers_which_one(middleware, page):
    request = asked(middleware)
    assert request.headers["Authorization"] == b"Bearer t"
    assert page.session == 7


def test_what_is_no_page_passes_as_it_is(middleware):
    request = asked(middleware, {})
    assert "Authorization" not in request.headers
    response = Response(request.url, status=401)
    assert middleware.process_response(request, response) is response


def test_what_was_shown_is_gone_when_the_answer_is_there(middleware):
    request = asked(middleware)
    response = Response(request.url)
    assert middleware.process_response(request, response) is response
    assert "Authorization" not in request.headers


def test_and_when_there_is_none(middleware):
    request = asked(middleware)
    middleware.process_exception(request, OSError())
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("status", "location", "sign"),
    [
        (401, "", "status 401"),
        (302, "/login", "redirected to the login https://x.example/login"),
        (307, "https://x.example/login", "redirected to the login https://x.example/login"),
    ],
)
def test_answers_to_strangers_come_back_without_what_was_shown(middleware, status, location, sign):
    request = asked(middleware)
    with pytest.raises(Ended, match=sign):
        middleware.process_response(request, Response(request.url, status=status, headers={"Location": location}))
    assert middleware._sessions.said == [(7, False, sign)]


@pytest.mark.parametrize(("status", "location"), [(200, ""), (403, ""), (404, ""), (302, "/b"), (200, "/login")])
def test_other_answers_say_nothing_of_the_session(middleware, status, location):
    request = asked(middleware)
    response = Response(request.url, status=status, headers={"Location": location})
    assert middleware.process_response(request, response) is response


def test_a_page_that_was_asked_for_by_a_stranger_may_be_refused(middleware, page):
    request = asked(middleware)
    page.session = 0
    response = Response(request.url, status=401)
    assert middleware.process_response(request, response) is response


def test_a_crawl_without_a_session_has_no_such_middleware(monkeypatch):
    monkeypatch.setattr(session, "sessions_of", lambda _: None)
    with pytest.raises(NotConfigured):
        SessionMiddleware.from_crawler(None)
