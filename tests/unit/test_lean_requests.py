"""Lean requests are Scrapy's own but for the way they are made: an upgrade that adds an attribute fails here."""

from __future__ import annotations

import pytest
from scrapy import Request

from crawler.lean_requests import LeanRequest


def callback(_response):
    """A callback."""


def errback(_failure):
    """An errback."""


FULL = {
    "callback": callback,
    "errback": errback,
    "method": "POST",
    "body": b"x=1",
    "meta": {"depth": 2},
    "cookies": {"a": "b"},
    "cb_kwargs": {"page": "x"},
    "encoding": "latin-1",
    "priority": 3,
    "dont_filter": True,
    "flags": ["seen"],
}


def slots_of(request):
    names = [name for kind in type(request).__mro__ for name in getattr(kind, "__slots__", ()) if name != "__weakref__"]
    return {name: getattr(request, name) for name in names if hasattr(request, name)}


@pytest.mark.parametrize("values", [FULL, {"callback": callback, "errback": None}], ids=["full", "bare"])
@pytest.mark.parametrize("headers", [{}, {"Referer": "http://a.example/", "Accept": ["a", "b"]}], ids=["none", "some"])
def test_every_attribute_is_that_of_a_request_made_by_scrapy(values, headers):
    theirs = Request("https://shop.example/a?b=%C3%A9", headers=headers, **values)
    finished = list(theirs.headers.items())
    theirs = Request("https://shop.example/a?b=%C3%A9", headers=headers, **values)
    ours = LeanRequest.of(theirs.url, headers=finished, **values)
    assert slots_of(ours) == slots_of(theirs)
    assert type(ours._headers) is type(theirs._headers)
    assert ours.headers.to_string() == theirs.headers.to_string()


def test_a_copy_and_a_replacement_are_as_of_any_request():
    request = LeanRequest.of("https://shop.example/a", callback=callback, errback=None, meta={"a": 1})
    assert request.replace(url="https://shop.example/ä").url == "https://shop.example/%C3%A4"
    copy = request.copy()
    copy.meta["a"] = 2
    assert request.meta == {"a": 1}
