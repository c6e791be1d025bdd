"""Gives the pages of a recipe their fast path, where nothing stands in its way.

It is left where a component is in the crawl that is not known here and looks at each page's way through the engine:
then pages go as Scrapy sends them. FASTPATH_ENABLED = False does that for all.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from scrapy import Spider, signals
from scrapy.core.engine import ExecutionEngine
from scrapy.core.scraper import Scraper
from scrapy.downloadermiddlewares.httpcache import HttpCacheMiddleware
from scrapy.exceptions import NotConfigured
from scrapy.spidermiddlewares.depth import DepthMiddleware
from scrapy.spidermiddlewares.httperror import HttpErrorMiddleware
from scrapy.spidermiddlewares.metacopy import MetaCopyDetectionMiddleware
from scrapy.spidermiddlewares.referer import RefererMiddleware
from scrapy.spidermiddlewares.start import StartSpiderMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware

from crawler.collector import pages_begin, pages_end
from crawler.downloader.downloader import Downloader, our_downloader
from crawler.fastpath.announcer import Announcer
from crawler.fastpath.cohort import Cohort
from crawler.fastpath.fast_path import FastPath
from crawler.fastpath.policies import after_steps, before_steps, wants_spider
from crawler.fastpath.rows import Output
from crawler.middlewares.settle import SettleSpiderMiddleware
from crawler.scheduler import our_scheduler
from crawler.spiders.recipe import RecipeSpider

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

#: Spider middlewares whose effect on a page with status 200 is known; see `crawler.fastpath.requests`.
_KNOWN: Final = frozenset(
    {
        SettleSpiderMiddleware,
        StartSpiderMiddleware,
        HttpErrorMiddleware,
        RefererMiddleware,
        UrlLengthMiddleware,
        DepthMiddleware,
        MetaCopyDetectionMiddleware,
    }
)


class FastPaths:
    """See the module."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Waits for the spider.

        Raises:
            NotConfigured: FASTPATH_ENABLED says no, or the spider is no recipe.
        """
        if not crawler.settings.getbool("FASTPATH_ENABLED") or not isinstance(crawler.spider, RecipeSpider):
            raise NotConfigured
        extension = cls(crawler)
        crawler.signals.connect(extension.spider_opened, signal=signals.spider_opened)
        return extension

    def spider_opened(self, spider: Spider) -> None:
        """Builds the path, of what the engine has by now."""
        scheduler, downloader = our_scheduler(self._crawler), our_downloader(self._crawler)
        why = self._in_the_way(downloader)
        if scheduler is None or downloader is None or not isinstance(spider, RecipeSpider) or why:
            logger.info("Pages take the long way through the engine: %s", why or "the scheduler is not ours")
            return
        pages_begin()
        self._crawler.signals.connect(pages_end, signal=signals.spider_closed)
        middlewares = downloader.middleware.middlewares
        announcer, cohort = Announcer(self._crawler.signals), Cohort()
        scheduler.handing_out.path = FastPath(
            self._crawler,
            spider,
            scheduler,
            downloader,
            announcer=announcer,
            before=before_steps(self._crawler, middlewares),
            after=after_steps(self._crawler, middlewares),
            on_failure=[
                middleware.process_exception
                for middleware in reversed(middlewares)
                if hasattr(middleware, "process_exception")
            ],
            output=Output(self._crawler, spider, scheduler, announcer, self._spider_middlewares(), cohort=cohort),
            cohort=cohort,
        )

    def _spider_middlewares(self) -> Sequence[Any]:
        middlewares: Sequence[Any] = self._crawler.engine.scraper.spidermw.middlewares
        return middlewares

    def _in_the_way(self, downloader: Downloader | None) -> str:
        """What keeps pages from the path; "" for nothing."""
        engine = self._crawler.engine
        if type(engine) is not ExecutionEngine or type(engine.scraper) is not Scraper or downloader is None:
            return "it is not Scrapy's own"
        if getattr(type(self._crawler.spider), "parse", None) is not RecipeSpider.parse:
            return "the spider has a parse of its own"
        strangers = [type(middleware) for middleware in self._spider_middlewares() if type(middleware) not in _KNOWN]
        if any(isinstance(middleware, HttpCacheMiddleware) for middleware in downloader.middleware.middlewares):
            strangers.append(HttpCacheMiddleware)
        if strangers:
            return f"{strangers[0].__module__}.{strangers[0].__qualname__} looks at it"
        return "a middleware asks for the spider" if wants_spider(downloader.middleware.middlewares) else ""
