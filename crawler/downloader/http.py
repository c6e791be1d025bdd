"""Which download handler http and https have: ours on libcurl, or Scrapy's own. DOWNLOAD_CLIENT says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler

from crawler.downloader.curl import CurlDownloadHandler
from crawler.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.crawler import Crawler

CLIENTS: Final[dict[str, type[BaseDownloadHandler]]] = {"curl": CurlDownloadHandler, "scrapy": HTTP11DownloadHandler}


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
        return CLIENTS[name].from_crawler(crawler)
