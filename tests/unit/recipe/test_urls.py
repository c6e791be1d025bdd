"""Links become absolute as RFC 3986 says, and only http(s) ones count."""

from __future__ import annotations

import random
from urllib.parse import urlsplit

import pytest

from crawler.recipe.urls import absolute_url, http_link, plain_link

BASE = "http://a/b/c/d;p?q"

#: RFC 3986 section 5.4.1 and 5.4.2 (without the non-http `g:h`).
RFC_3986 = {
    "g": "http://a/b/c/g",
    "./g": "http://a/b/c/g",
    "g/": "http://a/b/c/g/",
    "/g": "http://a/g",
    "//g": "http://g",
    "?y": "http://a/b/c/d;p?y",
    "g?y": "http://a/b/c/g?y",
    ";x": "http://a/b/c/;x",
    "g;x?y": "http://a/b/c/g;x?y",
    ".": "http://a/b/c/",
    "./": "http://a/b/c/",
    "..": "http://a/b/",
    "../": "http://a/b/",
    "../g": "http://a/b/g",
    "../..": "http://a/",
    "../../g": "http://a/g",
    "../../../g": "http://a/g",
    "/./g": "http://a/g",
    "/../g": "http://a/g",
    "g..": "http://a/b/c/g..",
    "./../g": "http://a/b/g",
    "g/../h": "http://a/b/c/h",
}


@pytest.mark.parametrize(("reference", "expected"), RFC_3986.items())
def test_references_resolve_as_the_rfc_lists(reference, expected):
    assert absolute_url(BASE, reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("page-3.html", "https://x.test/list/page-3.html"),
        ("../x", "https://x.test/x"),
        ("?page=2", "https://x.test/list/index.html?page=2"),
        (" \n/a\tb ", "https://x.test/ab"),
        ("/p#reviews", "https://x.test/p"),
    ],
)
def test_links_as_pages_write_them(reference, expected):
    assert http_link("https://x.test/list/index.html", reference) == expected


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "  ",
        "mailto:a@b.c",
        "javascript:void(0)",
        "tel:1",
        "data:,x",
        "ftp://x/y",
        "http://",
        "http://[::1",
        7,
        None,
        "http://a:port/",
    ],
)
def test_what_is_no_web_link_is_none(reference):
    assert http_link("https://x.test/", reference) is None


PARTS = [*"/a.?&#f:; é@[", "//", "B-1", "..", "x=1", "%20", "http:", "https:", "h.test", "80"]


def test_a_plain_reference_gives_what_rfc_3986_gives():
    dice = random.Random(7)
    bases = [
        "https://shop.test/p/1",
        "http://h",
        "https://shop.test:8080/a/?q=/x",
        "",
        "HTTPS://Shop.test/",
        "ftp://h/x",
    ]
    bases += ["https://u@shop.test/", "https://shop.test/a;b/c", "https://shop.test/#f"]
    plain = 0
    for _ in range(30_000):
        reference = "".join(dice.choice(PARTS) for _ in range(dice.randint(1, 8)))
        reference = dice.choice(["", "/", "https://", "http://h.test/", "https://h.test:80/"]) + reference
        for base in bases:
            found = plain_link(base, reference)
            if found is not None:
                plain += 1
                assert found == absolute_url(base, reference), (base, reference)
                assert urlsplit(found).hostname
                assert "#" not in found
    assert plain > 10_000
