"""Runs one spider in this process, with progress, and gives back how it ended. The only command module on Scrapy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings
from scrapy.utils.asyncio import create_looping_call

from crawler.cli.logs import shown_logs
from crawler.cli.progress import ProgressDisplay, Snapshot
from crawler.extensions.summary import Summary
from crawler.frontier.contract import HARMLESS
from crawler.signals import page_settled, row_rejected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console
    from scrapy import Spider
    from scrapy.crawler import Crawler

    from crawler.extensions.crawl_summary import CrawlSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a crawl ended. `summary` is None if it was killed or never began; then `error` may say why."""

    summary: CrawlSummary | None
    rows: tuple[Mapping[str, Any], ...] = ()  # the first ones
    error: BaseException | None = None


def project_settings() -> Settings:
    """The settings of this project, whatever the current folder is."""
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    return settings


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
        settings: see `project_settings`.
        to: where progress goes.
        log_level: of what is logged.
        log_file: where to, instead of above the progress line.
        keep_rows: how many of the first rows are kept to be shown.
    """
    settings.set("LOG_INSTALL_ROOT_HANDLER", value=False, priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler(spider)
    with ProgressDisplay(spider.name, to) as display, shown_logs(to, level=log_level, file=log_file):
        watcher = _Watcher(crawler, display, keep_rows)
        task = process.crawl(crawler, **arguments)
        process.start()
    error = task.exception() if task.done() and not task.cancelled() else None
    began = getattr(crawler, "extensions", None) is not None  # Scrapy sets it late, and declares it as always there
    extension = crawler.get_extension(Summary) if began else None
    return Finished(
        summary=extension.summary if extension is not None else None, rows=tuple(watcher.first_rows), error=error
    )


class _Watcher:
    """Counts by signals, and gives the display a snapshot whenever it wants one."""

    def __init__(self, crawler: Crawler, display: ProgressDisplay, keep_rows: int) -> None:
        self.first_rows: list[Mapping[str, Any]] = []
        self._crawler = crawler
        self._display = display
        self._keep_rows = keep_rows
        self._began = monotonic()
        self._settled: Counter[str] = Counter()
        self._rows = 0
        self._rejected = 0
        self._ticks = create_looping_call(self._tick)
        connect = crawler.signals.connect
        connect(self._page, signal=page_settled)
        connect(self._row, signal=signals.item_scraped)
        connect(self._reject, signal=row_rejected)
        connect(self._started, signal=signals.engine_started)
        connect(self._stopped, signal=signals.engine_stopped)

    def _page(self, outcome: str) -> None:
        self._settled[outcome] += 1

    def _row(self, item: Any) -> None:
        self._rows += 1
        if len(self.first_rows) < self._keep_rows:
            self.first_rows.append(item)

    def _reject(self) -> None:
        self._rejected += 1

    def _started(self) -> None:
        self._ticks.start(self._display.every_s, now=self._display.to.is_terminal)

    def _stopped(self) -> None:
        if self._ticks.running:
            self._ticks.stop()

    def _tick(self) -> None:
        slots = self._crawler.engine.downloader.slots
        self._display.show(
            Snapshot(
                elapsed_s=monotonic() - self._began,
                pages=sum(count for outcome, count in self._settled.items() if outcome != "cancelled"),
                rows=self._rows,
                rejected=self._rejected,
                errors=sum(count for outcome, count in self._settled.items() if outcome not in HARMLESS),
                delay_s=max((slot.delay for slot in slots.values()), default=None),
                stopping=not self._crawler.crawling,
            )
        )
