"""Which download handler http and https have: ours on libcurl, or Scrapy's own. DOWNLOAD_CLIENT says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scrapy.utils.misc import load_object

from crawler.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.crawler import Crawler

#: By name, since loading Scrapy's takes a quarter of a second: it looks through all sources on the stack, twice.
CLIENTS: Final = {
    "curl": "crawler.downloader.curl.CurlDownloadHandler",
    "scrapy": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler",
}


class HttpDownloadHandler:
    """Stands in DOWNLOAD_HANDLERS_BASE, and makes the one that is meant."""

    lazy = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BaseDownloadHandler:
        """The handler of a crawl.

        Raises:
            ConfigError: DOWNLOAD_CLIENT is none of the two.
        """
        _ = cls
        name = crawler.settings["DOWNLOAD_CLIENT"]
        if name not in CLIENTS:
            raise ConfigError(f"DOWNLOAD_CLIENT is {name!r}; it must be one of {', '.join(CLIENTS)}")
        client: type[BaseDownloadHandler] = load_object(CLIENTS[name])
        return client.from_crawler(crawler)
