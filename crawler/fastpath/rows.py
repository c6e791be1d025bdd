"""Takes what a recipe's page gives to where Scrapy takes it: requests to the harvest, rows through the pipelines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.exceptions import CloseSpider, DropItem
from scrapy.logformatter import LogFormatter
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from crawler.fastpath.cohort import TURN
from crawler.fastpath.links import Links
from crawler.fastpath.requests import request_steps
from crawler.log import is_heard
from crawler.middlewares.open_pages import outcome_of, reason_of
from crawler.pipelines.rows import RowPipeline
from crawler.spiders.recipe import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.fastpath.announcer import Announcer
    from crawler.fastpath.cohort import Cohort
    from crawler.fastpath.links import PageLinks
    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler
    from crawler.spiders.recipe import RecipeSpider

logger = logging.getLogger("scrapy.core.scraper")


class Output:
    """What pages of a recipe give."""

    def __init__(
        self,
        crawler: Crawler,
        spider: RecipeSpider,
        scheduler: Scheduler,
        announcer: Announcer,
        middlewares: Sequence[Any],
        *,
        cohort: Cohort,
    ) -> None:
        """`middlewares`: the spider's, in Scrapy's order. `cohort`: of the pages at work."""
        self._crawler = crawler
        self._spider = spider
        self._scheduler = scheduler
        self._announcer = announcer
        self._cohort = cohort
        self._prepare = tuple(request_steps(middlewares))
        self._links = Links(crawler, spider, scheduler.codec, announcer, middlewares)
        pipelines = crawler.engine.scraper.itemproc.middlewares
        self._rows = pipelines[0] if len(pipelines) == 1 and type(pipelines[0]) is RowPipeline else None
        self._quiet = type(crawler.logformatter) is LogFormatter  # which says at DEBUG that a row has come

    async def take(self, page: OpenPage, response: Response, given: Iterable[Any]) -> None:
        """All of it; what the callback raises ends it, as in Scrapy."""
        outputs = iter(given)
        links: PageLinks | None = None
        begun = read = False
        while not page.lost:
            try:
                output = next(outputs)  # the first time, it reads the page
                if not read:
                    read = True
                    if self._cohort.size > 1:
                        await TURN
                        if _is_lost(page):
                            return
                if isinstance(output, Wanted):
                    if not begun:
                        links, begun = self._links.begin(response), True
                    if links is not None and links.add(page, output):
                        continue
                    output = self._spider.request_of(output)
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001 - whatever a callback raises; it is told as Scrapy tells it
                self._failed(page, response, error)
                return
            if not isinstance(output, Request):
                await self._row(output, response)
                continue
            request: Request | None = output
            for step in self._prepare:
                request = step(output, response)
                if request is None:
                    break
            if request is not None:
                self._scheduler.harvest.add_child(page, request)

    def _failed(self, page: OpenPage, response: Response, error: Exception) -> None:
        if isinstance(error, CloseSpider):
            self._scheduler.ending.say(reason_of(error))
        else:
            page.fail(*outcome_of(error))
        self._crawler.engine.scraper.handle_spider_error(Failure(), page.request, response)

    async def _row(self, item: Any, response: Response) -> None:
        """Through the pipelines: ours alone, which waits for nothing, or all that there are."""
        if self._rows is None:
            if response.request is not None:
                self._scheduler.handing_out.has_come(response.request)
            await self._crawler.engine.scraper.start_itemproc_async(item, response=response)
            return
        spider, send = self._spider, self._announcer.send_async
        try:
            item = self._rows.process_item(item)
        except DropItem as dropped:
            self._log(self._crawler.logformatter.dropped(item, dropped, response, spider), item)
            await send(signals.item_dropped, item=item, response=response, spider=spider, exception=dropped)
        except Exception as error:  # noqa: BLE001 - as Scrapy has it
            self._log(self._crawler.logformatter.item_error(item, error, response, spider), item, exc_info=True)
            await send(signals.item_error, item=item, response=response, spider=spider, failure=Failure())
        else:
            if not self._quiet or is_heard(logger, logging.DEBUG):
                self._log(self._crawler.logformatter.scraped(item, response, spider), item)
            await send(signals.item_scraped, item=item, response=response, spider=spider)

    def _log(self, said: Any, item: Any, *, exc_info: bool = False) -> None:
        if said is not None:
            extra = {"spider": self._spider, "item": item}
            logger.log(*logformatter_adapter(said), extra=extra, exc_info=exc_info)


def _is_lost(page: OpenPage) -> bool:
    """Looked at anew: while others had their turn, somebody may have been given the page."""
    return page.lost
