"""What is too large or no http is refused, and who downloads the rest."""

from __future__ import annotations

import pytest
from loopback import good, goods_recipe, links, listing, names, spider_for
from scrapy.core.downloader.handlers import DownloadHandlers
from scrapy.http import HtmlResponse
from twisted.internet.defer import succeed


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


class OwnHandler:
    """A download handler of a project, which answers itself."""

    lazy = True

    async def download_request(self, request):
        """As Scrapy wants it."""
        return _made(request)

    async def close(self):
        """Nothing is open."""


class OldHandler:
    """The same, as it was before Scrapy 2.14."""

    lazy = True

    def download_request(self, request, spider):
        assert spider.name
        return succeed(_made(request))

    def close(self):
        """Nothing is open."""


def _made(request):
    if request.url.endswith("/robots.txt"):
        return HtmlResponse(request.url, status=404)
    return HtmlResponse(
        request.url, body=listing("/g/1", "/g/2").encode() if request.url.endswith("/") else good("Own").encode()
    )


@pytest.mark.filterwarnings("ignore:.*(coroutine function|close)")
@pytest.mark.parametrize("handler", [OwnHandler, OldHandler])
def test_a_project_may_have_a_handler_of_its_own(site, crawl, handler):
    result = crawl(goods_recipe(), {"DOWNLOAD_HANDLERS": {"http": handler}}, site=site.url)
    assert names(result) == ["Own", "Own"]
    assert result.outcomes == {"ok": 3}


def test_the_handler_of_a_scheme_is_not_looked_for_with_each_request(site, crawl, monkeypatch):
    asked, look = [], DownloadHandlers.download_request_async
    monkeypatch.setattr(
        DownloadHandlers,
        "download_request_async",
        lambda self, request: asked.append(request.url) or look(self, request),
    )
    site["/"] = listing("/g/1", "/g/2")
    site["/g/1"], site["/g/2"] = good("1"), good("2")
    assert names(crawl(goods_recipe(), site=site.url)) == ["1", "2"]
    assert asked == []
