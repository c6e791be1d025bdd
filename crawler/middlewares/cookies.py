"""Cookies as Scrapy keeps them, without its hidden download.

Scrapy asks `tldextract` whether a cookie's domain is a public suffix, and `tldextract` fetches a list from the internet
the first time: blocking the event loop, past every rule about which addresses may be talked to. The list that comes
with the package is used instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares import cookies

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


class CookiesMiddleware(cookies.CookiesMiddleware):
    """See the module."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Switches the download off for this process."""
        cookies._split_domain.suffix_list_urls = ()  # noqa: SLF001 - Scrapy makes it when it is imported
        return super().from_crawler(crawler)
