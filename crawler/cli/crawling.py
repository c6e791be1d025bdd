"""Runs one spider in this process with progress on the terminal. With `crawl` the only command modules on Scrapy."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from scrapy import signals
from scrapy.utils.asyncio import create_looping_call

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.cli.logs import shown_logs
from crawler.cli.progress import JobProgress, ProgressDisplay, Snapshot
from crawler.errors import StoreError
from crawler.extensions.fleet import fleet_of
from crawler.frontier.contract import KEPT, RowFate
from crawler.jobs.outcomes import HARMLESS
from crawler.scheduler import our_scheduler
from crawler.signals import page_settled, row_rejected, rows_settled
from crawler.spiders.runner import CrawlFailed, run_crawl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import Settings
    from scrapy.utils.asyncio import AsyncioLoopingCall
    from twisted.internet.task import LoopingCall

    from crawler.extensions.crawl_summary import CrawlSummary
    from crawler.scheduler import Scheduler

#: The books of a shared job are looked into so often, in seconds.
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a crawl ended. `summary` is None if it was killed by a second Ctrl-C."""

    summary: CrawlSummary | None
    rows: tuple[Mapping[str, Any], ...] = ()  # the first ones


def run_spider(
    spider: type[Spider],
    arguments: Mapping[str, str],
    settings: Settings,
    *,
    to: Console,
    log_level: int,
    log_file: Path | None,
    keep_rows: int = 0,
) -> Finished:
    """Crawl, and return when it is over or was stopped.

    Args:
        spider: the spider's class.
        arguments: of the spider, as on a command line.
        settings: see `crawler.spiders.runner`.
        to: where progress goes.
        log_level: of what is logged.
        log_file: where to, instead of above the progress line.
        keep_rows: how many of the first rows are kept to be shown.

    Raises:
        CommandFailed: the crawl did not begin.
    """
    settings.set("LOG_INSTALL_ROOT_HANDLER", value=False, priority="cmdline")
    with ProgressDisplay(spider.name, to) as display, shown_logs(to, level=log_level, file=log_file):
        watcher = _Watcher(display, keep_rows, is_job_named="job" in arguments)
        try:
            summary: CrawlSummary | None = run_crawl(spider, arguments, settings=settings, observe=watcher.observe)
        except CrawlFailed as error:
            if not watcher.began:
                raise CommandFailed(str(error)) from error
            summary = None
    return Finished(summary=summary, rows=tuple(watcher.first_rows))


class _Watcher:
    """Counts by signals, and gives the display a snapshot whenever it wants one."""

    def __init__(self, display: ProgressDisplay, keep_rows: int, *, is_job_named: bool) -> None:
        self._is_job_named = is_job_named
        self.began = False
        self.first_rows: list[Mapping[str, Any]] = []
        self._crawler: Crawler | None = None
        self._display = display
        self._keep_rows = keep_rows
        self._since = monotonic()
        self._settled: Counter[str] = Counter()
        self._rows = 0
        self._rejected = 0
        self._ticks: AsyncioLoopingCall | LoopingCall | None = None
        self._job: JobProgress | None = None
        self._looking: asyncio.Task[None] | None = None

    def observe(self, crawler: Crawler) -> None:
        """Connect to a crawl that is about to begin."""
        self._crawler = crawler
        connect = crawler.signals.connect
        connect(self._page, signal=page_settled)
        connect(self._row, signal=signals.item_scraped)
        connect(self._reject, signal=row_rejected)
        connect(self._rows_settled, signal=rows_settled)
        connect(self._started, signal=signals.engine_started)
        connect(self._stopped, signal=signals.engine_stopped)

    def _page(self, outcome: str) -> None:
        self._settled[outcome] += 1

    def _row(self, item: Any) -> None:
        if self._sharing() is None:
            self._rows += 1
        if len(self.first_rows) < self._keep_rows:
            self.first_rows.append(item)

    def _rows_settled(self, rows: Sequence[tuple[Any, RowFate]]) -> None:
        """Where workers share a job, a row counts when its page does."""
        self._rows += sum(fate in KEPT for _, fate in rows)

    def _sharing(self) -> Scheduler | None:
        """The scheduler, if others work on the same job."""
        if self._crawler is None or self._crawler.engine is None:
            return None
        scheduler = our_scheduler(self._crawler)
        return scheduler if scheduler is not None and scheduler.shared else None

    def _reject(self) -> None:
        self._rejected += 1

    def _started(self) -> None:
        self.began = True
        self._ticks = create_looping_call(self._tick)  # needs the reactor, so not before
        self._ticks.start(self._display.every_s, now=self._display.to.is_terminal)
        scheduler = self._sharing()
        if scheduler is not None:
            self._tell_job()
            self._looking = asyncio.get_running_loop().create_task(self._look(scheduler))

    def _tell_job(self) -> None:
        """The id of a job that nobody has named: others need it to join."""
        fleet = fleet_of(self._crawler) if self._crawler is not None else None
        if fleet is not None and not self._is_job_named:
            console.line(self._display.to, (f"job {fleet.job.id}; others join it with --job {fleet.job.id}", "dim"))

    async def _look(self, scheduler: Scheduler) -> None:
        """Keeps an eye on the books that all workers of the job keep together, as long as the store shows them."""
        with suppress(StoreError):
            while True:
                books = await scheduler.books()
                settled, rows = sum(books.settled.values()), sum(books.rows.values())
                self._job = JobProgress(found=books.accepted, settled=settled, rows=rows)
                await asyncio.sleep(_LOOK_EVERY_S)

    def _stopped(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._ticks is not None and self._ticks.running:
            self._ticks.stop()

    def _tick(self) -> None:
        if self._crawler is None or self._crawler.engine is None:
            return
        slots = self._crawler.engine.downloader.slots
        scheduler = our_scheduler(self._crawler)
        self._display.show(
            Snapshot(
                elapsed_s=monotonic() - self._since,
                pages=sum(count for outcome, count in self._settled.items() if outcome != "cancelled"),
                rows=self._rows,
                rejected=self._rejected,
                errors=sum(count for outcome, count in self._settled.items() if outcome not in HARMLESS),
                waiting=None if scheduler is None else scheduler.waiting,
                delay_s=max((slot.delay for slot in slots.values()), default=None),
                stopping=not self._crawler.crawling,
                job=self._job,
            )
        )
