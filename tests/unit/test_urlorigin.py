"""Origins against `urlsplit`."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from crawler.urlorigin import url_origin


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "http://a.example/x//y?z//#w",
        "HTTPS://A.Example:8443/X",
        "http://u:p@a.example:80?q",
        "http://[::1]:80/x",
        "http://a.example#top",
        "//a.example/x",
        "ftp://a.example/x",
        "https://a.example?x=/y/z",
        "https://a.example#/y",
        "https:///x/y",
        "http:///",
        "https://a.example/",
    ],
)
def test_the_origin_is_what_urlsplit_says(url):
    parts, origin = urlsplit(url), url_origin(url)
    assert (origin.scheme, origin.host) == (parts.scheme, parts.hostname or "")
    assert origin.site == f"{parts.scheme}://{parts.netloc}"
    assert url[: origin.length].endswith(parts.netloc)


@pytest.mark.parametrize("url", ["about:start", "data:,x", "", "mailto:a@b.example"])
def test_what_leads_nowhere_has_an_empty_origin(url):
    assert url_origin(url) == ("", "", "", 0)


def test_a_host_that_can_be_none_is_told():
    with pytest.raises(ValueError, match="Invalid IPv6 URL"):
        url_origin("http://[::1/x")
