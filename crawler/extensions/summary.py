"""Gathers what a crawl has done, judges it at the end, logs it as text and writes it as JSON (SUMMARY_FILE).

Where workers share a job its books count what all of them have done; what this one has done is counted by signals, and
a row only when the frontier has kept it.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections import Counter, defaultdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from msgspec import structs
from scrapy import signals

from crawler.exports.coverage import with_carried
from crawler.extensions.crawl_summary import CrawlFacts, CrawlSummary, FieldFill, JobFacts, judge
from crawler.extensions.fleet import fleet_of
from crawler.extensions.incremental import incremental_of
from crawler.extensions.local_history import FOLDER, LocalHistory
from crawler.extensions.rejects import RejectsFile
from crawler.extensions.seat import LEFT_TO_OTHERS
from crawler.frontier.contract import KEPT, Failure, Ledger, RowFate
from crawler.frontier.identity import START_ID
from crawler.jobs.outcomes import HARMLESS
from crawler.scheduler import START_URL, our_scheduler
from crawler.scheduling.page_rows import item_name
from crawler.signals import page_settled, rows_settled
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler

logger = logging.getLogger(__name__)

#: Reasons for the end of a crawl that are no limit.
_ORDINARY_ENDS = LEFT_TO_OTHERS | {
    *("finished", "blocked", "shutdown", "cancelled", "start_error", "scheduler_failed", "export_failed"),
}

#: Failures of a worker of a shared job that are named; more are only counted.
_MAX_FAILURES = 1_000


class Summary:
    """`summary` is None until the crawl has ended; `rows` counts while it runs."""

    def __init__(self, crawler: Crawler, *, path: Path | None, history: LocalHistory) -> None:
        """`path`: where the JSON goes, if anywhere; `history`: what earlier crawls were like."""
        self.summary: CrawlSummary | None = None
        self.rows: Counter[str] = Counter()
        self._crawler = crawler
        self._path = path
        self._history = history
        self._began = monotonic()
        self._scheduler: Scheduler | None = None
        self._start: tuple[str, str] | None = None  # outcome and reason of `start()`
        self._item_errors = 0
        self._files: list[str] = []
        self._outcomes: Counter[str] = Counter()  # of pages that this process has settled, without `start()`
        self._failures: list[Failure] = []  # ditto

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connects to what is counted."""
        path = crawler.settings.get("SUMMARY_FILE")
        history = LocalHistory(Path(crawler.settings["EXPORTS_DIR"]) / FOLDER)
        extension = cls(crawler, path=Path(path) if path else None, history=history)
        connect = crawler.signals.connect
        connect(extension.spider_opened, signal=signals.spider_opened)
        connect(extension.item_scraped, signal=signals.item_scraped)
        connect(extension.item_error, signal=signals.item_error)
        connect(extension.page_settled, signal=page_settled)
        connect(extension.rows_settled, signal=rows_settled)
        connect(extension.feed_slot_closed, signal=signals.feed_slot_closed)
        connect(extension.engine_stopped, signal=signals.engine_stopped)
        return extension

    def spider_opened(self) -> None:
        """The engine forgets its scheduler before the last signal."""
        self._began = monotonic()
        self._scheduler = our_scheduler(self._crawler)
        if self._shared and self._crawler.settings.getdict("FEEDS"):
            logger.warning(
                "A file that a worker writes (-O, -o, FEEDS) holds what this worker reads, also rows that do not count;"
                " `crawlery job rows` writes those of the whole job, each once"
            )

    @property
    def _shared(self) -> bool:
        return self._scheduler is not None and self._scheduler.shared

    def item_scraped(self, item: Any) -> None:
        """Counts a row; one that others may have given too counts when the frontier has kept it."""
        if not self._shared:
            self._count(item)

    def rows_settled(self, rows: Sequence[tuple[Any, RowFate]]) -> None:
        """Counts the rows that the frontier has kept."""
        for item, fate in rows:
            if fate in KEPT:
                self._count(item)

    def _count(self, item: Any) -> None:
        self.rows[item_name(item)] += 1
        if isinstance(item, RecipeRow) and isinstance(self._crawler.spider, RecipeSpider):
            self._crawler.spider.report.row(item)

    def item_error(self) -> None:
        """Counts a row on which a pipeline failed."""
        self._item_errors += 1

    def page_settled(self, page: OpenPage, outcome: str) -> None:
        """Notes how a page ended; `start()` is none of the site."""
        if page.lease.request.id == START_ID:
            self._start = (outcome, page.reason)
            return
        self._outcomes[outcome] += 1
        if outcome not in HARMLESS and len(self._failures) < _MAX_FAILURES:
            tries = page.lease.tries
            self._failures.append(Failure(url=page.url, outcome=outcome, reason=page.reason, tries=tries))

    def feed_slot_closed(self, slot: Any) -> None:
        """Notes a file that was written; Scrapy says so too of one that could not be stored."""
        if not getattr(slot.storage, "failed", False):
            self._files.append(str(slot.uri))

    def engine_stopped(self) -> None:
        """The last signal of a crawl: files are written and the books closed. `scrapy shell` has no such end."""
        reason = self._crawler.stats.get_value("finish_reason")
        if reason is None or self.summary is not None:
            return
        spider = self._crawler.spider
        recipe = spider.recipe if isinstance(spider, RecipeSpider) else None
        incremental = incremental_of(self._crawler)
        own = incremental.settle() if incremental is not None else None
        facts = self._facts(str(reason))
        if own is not None and recipe is not None:
            facts = dataclasses.replace(
                facts,
                changes=dict(own.counts),
                carried=dict(own.carried.rows),
                coverage=with_carried(facts.coverage, own.carried.covers, recipe),
                unasked=own.carried.pages,
            )
        bands = self._history.bands_of(spider, facts) if isinstance(spider, RecipeSpider) else None
        self.summary = judge(facts, recipe.quality if recipe is not None else None, bands)
        if incremental is not None:
            incremental.conclude(is_good=_is_good(self.summary))
        if isinstance(spider, RecipeSpider):
            self._history.remember(spider, self.summary)
        level = logging.INFO if self.summary.outcome == "complete" else logging.WARNING
        logger.log(level, "%s", self.summary.text())
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.summary.as_dict(), ensure_ascii=False, indent=2)
            self._path.write_text(text + "\n", encoding="utf-8")

    # --- facts ---

    def _facts(self, reason: str) -> CrawlFacts:
        crawler, stats = self._crawler, self._crawler.stats
        job = self._job() if self._shared else None
        books = self._books() if job is None else self._own_books()
        failures: defaultdict[str, list[str]] = defaultdict(list)
        found = [failure for failure in books.failures if failure.url != START_URL]
        for failure in found:
            failures[failure.outcome].append(failure.url)
        rejects = crawler.get_extension(RejectsFile)
        facts = CrawlFacts(
            name=crawler.spider.name if crawler.spider is not None else "",
            is_recipe=False,
            finish_reason=reason,
            elapsed_s=monotonic() - self._began,
            outcomes={outcome: count for outcome, count in books.settled.items() if count},
            failures={outcome: tuple(urls) for outcome, urls in failures.items()},
            reasons={failure.url: failure.reason for failure in found},
            rows=dict(self.rows),
            item_errors=self._item_errors,
            export_failed=self._export_failed(),
            stalled_lists=tuple(self._scheduler.outbox.stalled) if self._scheduler is not None else (),
            joined_lists=books.joined,
            retries=books.retries,
            offsite=stats.get_value("offsite/filtered", 0),
            blocked=stats.get_value("blocked/why", ""),
            limit=self._limit(reason, job),
            start_failed=f"start() failed: {self._start[1]}" if self._start and self._start[0] == "page_error" else "",
            files=tuple(self._files),
            cells_guarded=stats.get_value("exports/cells_guarded", 0),
            rejects_file=str(rejects.path) if rejects is not None and rejects.path is not None else "",
            job=job,
        )
        spider = crawler.spider
        return _with_report(facts, spider) if isinstance(spider, RecipeSpider) else facts

    def _books(self) -> Ledger:
        """The books of a crawl that is not shared, without `start()`."""
        books = self._scheduler.final if self._scheduler is not None else None
        if books is None:
            return Ledger()
        settled = Counter(books.settled)
        if self._start is not None:
            settled[self._start[0]] -= 1
        return structs.replace(books, settled=settled)

    def _own_books(self) -> Ledger:
        """What this worker has done, as far as it is in a summary."""
        retries = self._crawler.stats.get_value("retry/count", 0)
        return Ledger(settled=self._outcomes, failures=tuple(self._failures), retries=retries)

    def _job(self) -> JobFacts:
        """The books of the job that others work on too."""
        fleet = fleet_of(self._crawler)
        books = self._scheduler.final if self._scheduler is not None else None
        known = books if books is not None else Ledger()
        return JobFacts(
            id=fleet.job.id if fleet is not None else "",
            worker=fleet.worker if fleet is not None else "",
            answered=books is not None,
            ended=known.closed,
            accepted=known.accepted,
            open=known.open,
            settled=known.settled,
            rows=known.rows,
            stale=self._crawler.stats.get_value("scheduler/stale", 0),
        )

    def _limit(self, reason: str, job: JobFacts | None) -> str:
        """What ended the crawl before all pages were read; that of a shared one may have been reached by another."""
        if self._scheduler is not None and self._scheduler.limit_reached:
            return "limits.requests"
        if job is not None and job.ended.startswith("limits."):
            return job.ended
        return str(self._crawler.stats.get_value("limits/reached", "" if reason in _ORDINARY_ENDS else reason))

    def _export_failed(self) -> str:
        stats = self._crawler.stats
        stored = [name for name in stats.get_stats() if name.startswith("feedexport/failed_count/")]
        return str(stats.get_value("exports/failed") or ("a file could not be stored" if stored else ""))


def _is_good(summary: CrawlSummary) -> bool:
    """Whether the next run may build on this one."""
    return summary.outcome in ("complete", "partial") and not summary.facts.export_failed


def _with_report(facts: CrawlFacts, spider: RecipeSpider) -> CrawlFacts:
    """The facts that only a recipe has."""
    report, recipe = spider.report, spider.recipe
    rejects: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (item, field, rule), count in report.rejected_for.items():
        rejects[item][f"{field}: {rule}"] = count
    alternatives: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (item, path, source), count in report.alternatives.items():
        alternatives[f"{item}.{path}"][source] = count
    return dataclasses.replace(
        facts,
        is_recipe=True,
        recipe_version=recipe.version,
        rows={item: facts.rows.get(item, 0) for item in recipe.items},
        rejects={item: rejects.get(item, {}) for item in recipe.items},
        rejected_rows=dict(report.rejected_rows),
        duplicates=dict(report.duplicates),
        alternatives=dict(alternatives),
        fields=_fields(facts, spider),
        coverage=report.coverage.covered() if report.coverage is not None else (),
        lost_lists=dict(report.lost_lists),
        stalled_lists=(*facts.stalled_lists, *report.loops),
        cut_lists=tuple(report.max_pages),
        dropped_pages=dict(report.dropped),
        causes=tuple(cause.sentence(count) for cause, count in report.causes.values()),
        unreached=tuple(name for name in recipe.pages if not report.pages[name]),
    )


def _fields(facts: CrawlFacts, spider: RecipeSpider) -> dict[str, dict[str, FieldFill]]:
    """How well each field of each item is filled, in contract order."""
    fields: dict[str, dict[str, FieldFill]] = {}
    for item, contract in spider.recipe.items.items():
        rows = facts.rows.get(item, 0)
        fields[item] = {}
        for name in contract.fields:
            gap = spider.report.gaps.get((item, name))
            fields[item][name] = (
                FieldFill(filled=rows)
                if gap is None
                else FieldFill(filled=rows - gap.rows, missing=gap.rows, reason=gap.reason, example=gap.url)
            )
    return fields
