"""One coroutine that takes pages of a recipe from the scheduler, one after the other, to their end.

What is not usual it hands to Scrapy's engine where that would have come to it: an exception, a status other than 200,
a request that a middleware has put in the place of a page's.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals
from scrapy.http import Response
from scrapy.logformatter import LogFormatter
from scrapy.utils.defer import ensure_awaitable, maybe_deferred_to_future
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from crawler.fastpath.cohort import TURN, Cohort
from crawler.log import is_heard
from crawler.middlewares.open_pages import Stopped, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scrapy.crawler import Crawler

    from crawler.downloader.downloader import Downloader
    from crawler.fastpath.announcer import Announcer
    from crawler.fastpath.policies import After, Before
    from crawler.fastpath.rows import Output
    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler
    from crawler.spiders.recipe import RecipeSpider

logger = logging.getLogger("scrapy.core.engine")


class FastPath:
    """See the module."""

    def __init__(
        self,
        crawler: Crawler,
        spider: RecipeSpider,
        scheduler: Scheduler,
        downloader: Downloader,
        *,
        announcer: Announcer,
        before: Sequence[Before],
        after: Sequence[After],
        on_failure: Sequence[Callable[..., Any]],
        output: Output,
        cohort: Cohort,
    ) -> None:
        """The fast path of one crawl.

        Args:
            crawler: the crawl.
            spider: whose pages take it.
            scheduler: gives them.
            downloader: sends requests, and knows the middlewares.
            announcer: of the crawl's signals.
            before: steps before a request is sent.
            after: steps with its answer.
            on_failure: methods that are told of failures, in order.
            output: where what pages give goes.
            cohort: of the pages at work.
        """
        self._crawler = crawler
        self._spider = spider
        self._scheduler = scheduler
        self._downloader = downloader
        self._announcer = announcer
        self._before, self._after, self._on_failure = tuple(before), tuple(after), tuple(on_failure)
        self._output = output
        self._cohort = cohort
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet = type(crawler.logformatter) is LogFormatter

    def takes(self, request: Request) -> bool:
        """Whether a request's page may go this way: what comes of it is known."""
        return request.callback == self._spider.parse and not request.cb_kwargs

    def begin(self, page: OpenPage) -> None:
        """A page is taken up, and those after it as long as there is room."""
        task = asyncio.get_running_loop().create_task(self._run(page))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, page: OpenPage | None) -> None:
        self._cohort.size += 1
        try:
            await self._work(page)
        finally:
            self._cohort.size -= 1

    async def _work(self, page: OpenPage | None) -> None:
        while page is not None:
            request, goes_on = page.request, False
            try:
                await self._crawl(page, request)
                goes_on = True
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled():  # the crawl is given up: others may have the page
                    page.turn = page.turn or Stopped("the crawl was given up")
                    raise
                # A mistake, or a task that was waited for has been cancelled: that must cost no other page.
                logger.exception("%s could not be worked on", request, extra={"spider": self._spider})
                page.fail(*outcome_of(error))
                goes_on = True
            finally:
                if not goes_on:  # the loop is about to end
                    self._scheduler.handing_out.drop(request)
            page = self._scheduler.handing_out.put_down(request)

    async def _crawl(self, page: OpenPage, request: Request) -> None:
        result: Response | Request | Failure
        try:
            result = await self._fetched(request)
        except (Exception, asyncio.CancelledError):
            # The page's errback hears of it; also that a task was cancelled which this one has waited for.
            if _is_cancelled():
                raise
            result = Failure()
        if isinstance(result, Request):
            self._scheduler.pages.replace(request, result)
            self._crawler.engine.crawl(result)
            return
        if isinstance(result, Response):
            self._received(request, result)
            if result.status == 200 and result.request is request:
                if self._cohort.size > 1:
                    await TURN
                page.responded = True
                self._scheduler.times.goes_on(page)
                await self._output.take(page, result, self._spider.read(result))
                if self._cohort.size > 1:
                    await TURN
                return
        self._scheduler.handing_out.has_come(request)
        await maybe_deferred_to_future(self._crawler.engine.scraper.enqueue_scrape(result, request))

    async def _fetched(self, request: Request) -> Response | Request:
        try:
            result = await self._asked(request)
        except Exception as error:  # noqa: BLE001 - middlewares may know what to do about any
            result = await self._after_failure(request, error)
        for process in self._after:
            if isinstance(result, Request):
                return result
            result = process(request, result)
            if not isinstance(result, Response):
                result = await ensure_awaitable(result)
        return result

    async def _asked(self, request: Request) -> Response | Request:
        """The answer of the site, or what a middleware gives in its place."""
        for step in self._before:
            given = step(request)
            if given is not None:
                result: Response | Request | None = await ensure_awaitable(given)
                if result is not None:
                    return result
        cohort = self._cohort
        if cohort.size > 1:
            await TURN
        cohort.size -= 1
        try:
            response = await self._downloader.send(request, self._announcer)
        finally:
            cohort.size += 1
        await TURN  # also where a page seems to be alone: those that have come in the same turn are not counted yet
        return response

    async def _after_failure(self, request: Request, error: Exception) -> Response | Request:
        for method in self._on_failure:
            result: Response | Request | None = await ensure_awaitable(method(request=request, exception=error))
            if result is not None:
                return result
        raise error

    def _received(self, request: Request, response: Response) -> None:
        """Says that a page has come, as the engine does."""
        if response.request is None:
            response.request = request
        spider = self._spider
        if not self._quiet or is_heard(logger, logging.DEBUG):
            said = self._crawler.logformatter.crawled(response.request, response, spider)
            if said is not None:
                logger.log(*logformatter_adapter(said), extra={"spider": spider})
        self._announcer.send(signals.response_received, response=response, request=response.request, spider=spider)


def _is_cancelled() -> bool:
    """Whether it is this task that is cancelled, and not one that it waits for."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())
