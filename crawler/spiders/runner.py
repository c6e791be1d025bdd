"""Runs one crawl in this process to its end: what `scrapy crawl` and `crawlery crawl` share.

A process can run one crawl only, since Twisted's reactor does not start twice.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from crawler.collector import loading_ends
from crawler.downloader.pace import Paces
from crawler.dupefilter import dupefilter_class
from crawler.errors import CrawleryError
from crawler.extensions.feeds import check_feeds, export_feeds
from crawler.extensions.summary import Summary
from crawler.fleet import check_fleet, fleet_settings
from crawler.recipe.allocator import tune_allocator
from crawler.setting_kinds import check_kinds
from crawler.spiders.recipe import RecipeSpider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scrapy import Spider
    from scrapy.crawler import Crawler, CrawlerProcessBase

    from crawler.extensions.crawl_summary import CrawlSummary


class CrawlFailed(Exception):
    """The crawl did not come to an end of which a summary could be made; the log says why."""


class CrawlCutShort(CrawlFailed):
    """It was told to end before it had begun to work, or told so twice."""


def project_settings(overrides: Mapping[str, Any] | None = None, *, module: str = "crawler.settings") -> Settings:
    """The settings of a module, with overrides as if given on the command line."""
    settings = Settings()
    settings.setmodule(module, priority="project")
    settings.setdict(dict(overrides or {}), priority="cmdline")
    return settings


def run_crawl(
    spidercls: type[Spider],
    arguments: Mapping[str, str],
    *,
    settings: Settings,
    observe: Callable[[Crawler], None] | None = None,
) -> CrawlSummary:
    """Crawls, and blocks until it is done. SIGINT ends it gracefully, a second one at once.

    Args:
        spidercls: a recipe's or an ordinary spider.
        arguments: as of `-a name=value`.
        settings: see `project_settings`.
        observe: called with the crawler before it starts, to connect to its signals.

    Raises:
        InputError: the arguments do not fit the recipe's inputs; nothing has been started.
        ConfigError: an output file cannot be written, or the job cannot be shared; ditto.
        CrawlFailed: the crawl did not start.
        CrawlCutShort: it was ended before it could be summed up.
    """
    if issubclass(spidercls, RecipeSpider):
        spidercls.inputs_of(arguments)
    process = AsyncCrawlerProcess(settings)
    arguments = dict(arguments)
    try:
        crawler = process.create_crawler(spidercls)
        prepare(crawler)
        check_fleet(crawler.settings, spidercls, spidercls.name, arguments)
    except CrawleryError:
        close_unused_loop()
        raise
    if observe is not None:
        observe(crawler)
    process.crawl(crawler, **arguments)
    run_to_end(process)
    try:
        return summary_of(crawler)
    except CrawlFailed as error:
        if has_begun(crawler, process):
            raise CrawlCutShort(str(error)) from error
        raise


def close_unused_loop() -> None:
    """Closes the event loop that a crawler process has installed, where nothing will run on it.

    Otherwise it is closed when the interpreter goes down, after its sockets, which is a traceback. Before that loop
    Scrapy makes one of asyncio's own and forgets it; a collector that froze what there is leaves it and its sockets be.
    """
    gc.freeze()
    asyncio.get_event_loop().close()


def run_to_end(process: CrawlerProcessBase) -> None:
    """Runs the crawl of a process that runs no other one; blocks until it is done."""
    loading_ends()
    process.start()


def has_begun(crawler: Crawler, process: CrawlerProcessBase) -> bool:
    """Whether a crawl that has no summary had begun, so that it was told to end; otherwise it could not be started."""
    began = crawler._engine is not None  # noqa: SLF001 - the public name raises before the crawl has begun
    return began and not process.bootstrap_failed


def prepare(crawler: Crawler) -> None:
    """Sends the rows of a recipe to its declared exports, unless the settings send them elsewhere.

    The rows of a shared job lie in the store, where each is once; a file is written by a worker that is told to.

    Also tells the allocator that this process is going to parse pages.

    Raises:
        ConfigError: an output file cannot be written, or a setting cannot be used.
    """
    tune_allocator()
    check_kinds(crawler.settings)
    spidercls = crawler.spidercls
    alone = fleet_settings(crawler.settings) is None
    if issubclass(spidercls, RecipeSpider) and alone and not crawler.settings.getdict("FEEDS"):
        feeds = export_feeds(spidercls.recipe, Path(crawler.settings["EXPORTS_DIR"]))
        crawler.settings.set("FEEDS", feeds, priority="spider")
    check_feeds(crawler.settings, spidercls.recipe if issubclass(spidercls, RecipeSpider) else None)
    Paces(crawler.settings)
    dupefilter_class(crawler.settings)


def summary_of(crawler: Crawler) -> CrawlSummary:
    """The summary of a crawl that has ended.

    Raises:
        CrawlFailed: it has none.
    """
    if crawler._extensions is None:  # noqa: SLF001 - the public name raises before the crawl has begun
        raise CrawlFailed("the crawl could not be started; the log says why")
    extension = crawler.get_extension(Summary)
    if extension is None or extension.summary is None:
        raise CrawlFailed("the crawl was ended before it could be summed up")
    return extension.summary
