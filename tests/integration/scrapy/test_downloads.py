"""What is too large or no http is refused."""

from __future__ import annotations

import pytest
from loopback import links, spider_for


def test_a_body_over_the_limit_is_too_large(site, crawl):
    site["/"] = links("/big")
    site["/big"] = "x" * 200_000
    result = crawl(spider_for(site), {"DOWNLOAD_MAXSIZE": 100_000, "COMPRESSION_ENABLED": False})
    assert result.outcomes == {"ok": 1, "too_large": 1}


def test_a_body_that_is_over_the_limit_when_unpacked_is_too_large(site, crawl):
    site["/"] = links("/bomb")
    site["/bomb"] = "x" * 5_000_000
    result = crawl(spider_for(site), {"DOWNLOAD_MAXSIZE": 1_000_000})
    assert result.outcomes == {"ok": 1, "too_large": 1}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/html,x", "s3://bucket/key"])
def test_other_schemes_than_http_are_refused(site, crawl, url):
    result = crawl(spider_for(site, start_urls=[url]))
    assert result.outcomes == {"filtered": 1}
    assert not result.items
