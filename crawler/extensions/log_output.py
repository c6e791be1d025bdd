"""Puts our formatter on Scrapy's log output: what sites put into a line is made harmless, JSON if LOG_JSON is set.

`crawlery crawl` has handlers of its own; this is for `scrapy crawl`, Scrapyd and containers.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.utils.log import get_scrapy_root_handler

from crawler.log import HarmlessFormatter, json_formatter

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


class LogOutput:
    """Works from the start of the engine on: Scrapy makes its handler anew until then."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Reads LOG_JSON."""
        extension = cls(as_json=crawler.settings.getbool("LOG_JSON"))
        crawler.signals.connect(extension.engine_started, signal=signals.engine_started)
        return extension

    def engine_started(self) -> None:
        """Wraps the formatter of the handler that Scrapy has installed, if it has."""
        handler = get_scrapy_root_handler()
        if handler is None or isinstance(handler.formatter, HarmlessFormatter):
            return
        inner = handler.formatter or logging.Formatter()
        handler.setFormatter(json_formatter() if self._as_json else HarmlessFormatter(inner))
