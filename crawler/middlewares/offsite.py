"""Off-site requests are refused as in Scrapy; a host that was found to be on the spider's sites is not matched again.

Each request is looked at twice, when it is found and when it is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.downloadermiddlewares import offsite

from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    import re

    from scrapy import Request, Spider
    from scrapy.statscollectors import StatsCollector

#: So many hosts are remembered.
_MOST_HOSTS = 10_000


class OffsiteMiddleware(offsite.OffsiteMiddleware):
    """See the module."""

    def __init__(self, stats: StatsCollector) -> None:
        super().__init__(stats)
        self._onsite: set[str] = set()
        self._onsite_by: re.Pattern[str] | None = None

    def should_follow(self, request: Request, spider: Spider) -> bool:
        """Whether a request leads to one of the spider's sites."""
        self._update_host_regex(spider)
        if self.host_regex is not self._onsite_by:  # the spider has other domains by now
            self._onsite.clear()
            self._onsite_by = self.host_regex
        host = url_origin(request.url).host
        if host in self._onsite:
            return True
        if self.host_regex.search(host) is None:
            return False
        if len(self._onsite) < _MOST_HOSTS:
            self._onsite.add(host)
        return True

    def knows(self, host: str, spider: Spider) -> bool:
        """Whether a host was found to be on the spider's sites."""
        self._update_host_regex(spider)
        return self.host_regex is self._onsite_by and host in self._onsite

    def process_request(self, request: Request, spider: Any = None) -> None:
        """As in Scrapy.

        Raises:
            IgnoreRequest: the request leads off the spider's sites.
        """
        _ = spider
        if self.crawler.spider is None or not self.should_follow(request, self.crawler.spider):
            super().process_request(request)
