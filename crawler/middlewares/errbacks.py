"""The errback that every page carries while the engine has it, because failures have no other way out.

A download that fails never reaches a spider middleware: Scrapy calls the request's errback, or logs the failure if it
has none. So each page gets ours when it is handed out. It notes the failure, then does what would have been done
without it: calls the spider's own errback, or raises the same failure again so that Scrapy logs it as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.exceptions import CloseSpider
from scrapy.utils.asyncgen import as_async_generator
from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.spider import iterate_spider_output
from twisted.python.failure import Failure

from crawler.middlewares.open_pages import Blocked, PageTurn, TryLater, outcome_of, reason_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler


class NotingErrback:
    """Stands in for a request's errback; `errback` is the spider's own, if any."""

    def __init__(self, scheduler: Scheduler, errback: Callable[[Failure], Any] | None) -> None:
        self.errback = errback
        self._scheduler = scheduler
        # Scrapy asks callbacks for their name, for log lines and for a check of their source.
        self.__name__ = getattr(errback, "__name__", "errback")

    def __call__(self, failure: Failure) -> Any:
        """Notes the failure; gives what the spider's errback gives."""
        page = self._scheduler.pages.of(getattr(failure, "request", None))
        if page is None:
            return failure if self.errback is None else self.errback(failure)
        if isinstance(failure.value, PageTurn):
            page.turn = failure.value
            if isinstance(page.turn, TryLater) and page.turn.hold_host_s > 0:
                self._scheduler.hold(page.lease.request.host)
            return None
        if isinstance(failure.value, Blocked):
            page.counts = failure.value.counts
        outcome, reason = outcome_of(failure.value)
        page.fail("gave_up" if page.gave_up else outcome, page.gave_up or reason)
        if self.errback is None:
            return failure
        try:
            output = self.errback(failure)
        except CloseSpider as error:
            self._scheduler.ending.say(reason_of(error))
            raise
        if page.responded or isinstance(output, Failure):
            return output  # after a response the spider middlewares see the output, ours among them
        return self._collected(page, output)

    async def _collected(self, page: OpenPage, output: Any) -> AsyncIterator[Any]:
        """The errback's items; its requests become children of the page."""
        try:
            iterable = await ensure_awaitable(iterate_spider_output(output))
            async for result in as_async_generator(iterable):
                if isinstance(result, Request):
                    self._scheduler.harvest.add_child(page, result)
                else:
                    yield result
        except CloseSpider as error:
            self._scheduler.ending.say(reason_of(error))
            raise


def bare_errback(errback: Callable[[Failure], Any] | None) -> Callable[[Failure], Any] | None:
    """The spider's own errback, also of a request that was copied while it carried ours."""
    return errback.errback if isinstance(errback, NotingErrback) else errback
