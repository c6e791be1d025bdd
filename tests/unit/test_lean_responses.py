"""Lean responses are Scrapy's own but for the way they are made: an upgrade that adds an attribute fails here."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scrapy.http import Headers, HtmlResponse, JsonResponse, Response, TextResponse, XmlResponse
from scrapy.responsetypes import responsetypes
from scrapy.utils.trackref import live_refs

from crawler.lean_responses import class_of, lean_response

URL = "https://shop.example/a?b=1"
VALUES = {
    "status": 404,
    "body": "<title>é</title>".encode(),
    "flags": ["partial"],
    "ip_address": ip_address("127.0.0.1"),
    "protocol": "h2",
}
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Set-Cookie": ["a=1", "b=2"]}


class OfAProject(HtmlResponse):
    """A class that does something when it is made."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.made = True


def lean(kind, **changed):
    return lean_response(kind, URL, headers=Headers(HEADERS), **VALUES | changed)


def slots_of(response):
    names = [
        name for kind in type(response).__mro__ for name in getattr(kind, "__slots__", ()) if name != "__weakref__"
    ]
    return {name: getattr(response, name) for name in names if hasattr(response, name)}


@pytest.mark.parametrize("kind", [Response, TextResponse, HtmlResponse, XmlResponse, JsonResponse, OfAProject])
@pytest.mark.parametrize("flags", [["partial"], None], ids=["flags", "no flags"])
def test_every_attribute_is_that_of_a_response_made_by_scrapy(kind, flags):
    ours, theirs = lean(kind, flags=flags), kind(URL, headers=HEADERS, **VALUES | {"flags": flags})
    assert type(ours) is kind
    assert slots_of(ours) == slots_of(theirs)
    assert type(ours._headers) is Headers
    assert kind is not OfAProject or ours.made
    assert ours in live_refs[kind]


def test_it_is_read_replaced_and_copied_as_any_response():
    page = lean(HtmlResponse)
    assert page.css("title::text").get() == "é"
    assert page.replace(body=b"<title>x</title>").css("title::text").get() == "x"
    assert slots_of(page.copy())["_body"] == VALUES["body"]
    assert lean(JsonResponse, body=b'{"a": [1]}').json() == {"a": [1]}


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/a",
        "/a.html",
        "/a.HTML",
        "/b.htm",
        "/c.php",
        "/c.php?d=e.json",
        "/f.xml",
        "/g.html.gz",
        "/h.tgz",
        "/.html",
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "text/html", "Content-Encoding": "gzip"},
        {"Content-Type": "image/png", "Content-Encoding": "utf-8"},
        {"Content-Encoding": "br"},
        {"Content-Type": "text/html", "Content-Encoding": "br", "Content-Disposition": 'attachment; filename="x.json"'},
        {"Content-Type": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [b"\x1f\x8b\x00", b"<html>x"])
def test_its_class_is_the_one_that_scrapy_would_choose(url, headers, body):
    address = f"https://shop.example{url}"
    theirs = responsetypes.from_args(headers=Headers(headers), url=address, body=body)
    assert class_of(Headers(headers), address, body) is theirs
