"""Crawls in this process: Scrapy's reactor runs in a thread, a programmable site on loopback in another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Spider, signals
from scrapy.crawler import AsyncCrawlerRunner, Crawler

from crawler.extensions.summary import Summary
from crawler.frontier.contract import Ledger
from crawler.recipe.loader import load_recipe_text
from crawler.signals import page_settled, row_rejected
from crawler.spiders.loader import spider_of
from crawler.spiders.runner import prepare, project_settings

sys.path.insert(0, str(Path(__file__).parent))

from fleet import OVERDUE, Shared, Worker
from loopback import PATIENCE_S, good, goods_recipe, links, listing, serving

if TYPE_CHECKING:
    from crawler.extensions.crawl_summary import CrawlSummary

#: Quick enough for tests; what a test is about it sets itself.
QUICK = {
    "AUTOTHROTTLE_START_DELAY": 0.0,
    "DOWNLOAD_DELAY": 0.0,
    "RETRY_BACKOFF_MIN": 0.02,
    "RETRY_BACKOFF_MAX": 0.05,
    "LOG_LEVEL": "DEBUG",
    "MEMUSAGE_ENABLED": False,
    "LOGSTATS_INTERVAL": 0,
}


@pytest.fixture
def site():
    with serving("127.0.0.1") as site:
        yield site


@pytest.fixture
def sites():
    """Five sites, each on a host of its own."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(serving(f"127.0.0.{number}")) for number in range(1, 6)]


@dataclass
class Result:
    """A crawl that has ended."""

    crawler: Crawler
    items: list[Any] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    rejects: list[Any] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def summary(self) -> CrawlSummary:
        return self.crawler.get_extension(Summary).summary

    @property
    def stats(self) -> dict[str, Any]:
        return self.crawler.stats.get_stats()

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.summary.facts.outcomes)

    @property
    def reason(self) -> str:
        return self.stats["finish_reason"]


class _Recorder:
    """Keeps what a crawl's signals say; an object, because Scrapy holds receivers weakly."""

    def __init__(self, result: Result) -> None:
        self.result = result
        connect = result.crawler.signals.connect
        connect(self.item_scraped, signal=signals.item_scraped)
        connect(self.settled, signal=page_settled)
        connect(self.rejected, signal=row_rejected)

    def item_scraped(self, item):
        self.result.items.append(item)

    def settled(self, page, outcome):
        self.result.settled.append((page.url, outcome))

    def rejected(self, reject):
        self.result.rejects.append(reject)


@pytest.fixture
def crawl_broken(reactor_loop, tmp_path, caplog):
    """Runs a spider class (or a recipe's text) to its end, whatever that is."""
    caplog.set_level(logging.DEBUG)

    def run(spider: type[Spider] | str, settings: dict[str, Any] | None = None, **arguments: str) -> Result:
        spidercls = spider_of(load_recipe_text(spider)) if isinstance(spider, str) else spider
        options = {**QUICK, "EXPORTS_DIR": str(tmp_path / "out"), **(settings or {})}

        async def go() -> Result:
            runner = AsyncCrawlerRunner(project_settings(options))
            crawler = runner.create_crawler(spidercls)
            prepare(crawler)
            result = Result(crawler)
            recorder = _Recorder(result)
            await asyncio.wait_for(runner.crawl(crawler, **arguments), PATIENCE_S)
            assert recorder
            return result

        return asyncio.run_coroutine_threadsafe(go(), reactor_loop).result(timeout=PATIENCE_S + 5)

    return run


@pytest.fixture
def crawl(crawl_broken):
    """Runs a spider class (or a recipe's text) to its end and checks its books."""

    def run(spider: type[Spider] | str, settings: dict[str, Any] | None = None, **arguments: str) -> Result:
        result = crawl_broken(spider, settings, **arguments)
        scheduler = result.crawler.get_extension(Summary)._scheduler
        result.ledger = scheduler.final
        assert result.ledger.balanced
        assert not result.ledger.ready
        assert not result.ledger.leased
        assert len(scheduler.pages) == 0
        assert "cancelled" in result.ledger.settled or not scheduler.codec._local, "requests were kept"
        return result

    return run


@pytest.fixture
def crawl_together(reactor_loop, tmp_path, caplog):
    """Runs workers on one frontier to their ends; by default two of them."""
    caplog.set_level(logging.DEBUG)

    def run(
        spider: type[Spider] | str,
        settings: dict[str, Any] | None = None,
        *,
        frontier: Shared | None = None,
        workers: tuple[Worker, ...] = (),
        ttl_s: float = 60.0,
        **arguments: str,
    ) -> dict[str, Result]:
        spidercls = spider_of(load_recipe_text(spider)) if isinstance(spider, str) else spider
        shared = Shared() if frontier is None else frontier
        ended: dict[str, Result] = {}

        async def work(worker: Worker) -> None:
            scheduler = worker.scheduler(shared, ttl_s, asyncio.get_running_loop())
            options = {**QUICK, "EXPORTS_DIR": str(tmp_path / "out"), "SCHEDULER": scheduler}
            runner = AsyncCrawlerRunner(project_settings({**options, **(settings or {}), **worker.settings}))
            crawler = worker.crawler = runner.create_crawler(worker.spider or spidercls)
            result = Result(crawler)
            recorder = _Recorder(result)
            if worker.begins is not None:
                await worker.begins.wait()
            await asyncio.wait_for(runner.crawl(crawler, **arguments), PATIENCE_S)
            assert recorder
            result.ledger = crawler.get_extension(Summary)._scheduler.final
            ended[worker.name] = result

        async def go() -> None:
            await asyncio.gather(*(work(worker) for worker in workers or (Worker("a"), Worker("b"))))

        OVERDUE.clear()
        asyncio.run_coroutine_threadsafe(go(), reactor_loop).result(timeout=PATIENCE_S + 5)
        assert OVERDUE == []
        return ended

    return run


@pytest.fixture
def shop(site):
    site["/"] = links("/p/1", "/p/2", "/p/3")
    for number in (1, 2, 3):
        site[f"/p/{number}"] = f"<h1>Product {number}</h1>" + links("/", "/p/1")
    return site


@pytest.fixture
def goods(site):
    site["/"] = listing("/g/1", "/g/2", following="?page=2")
    site["/?page=2"] = listing("/g/3", "/g/4", following="?page=3")
    site["/?page=3"] = listing("/g/5")
    for number in range(1, 9):
        site[f"/g/{number}"] = good(f"Good {number}", f"{number}.50")
    return site


@pytest.fixture
def run(goods, crawl):
    return lambda text=None, settings=None, **inputs: crawl(
        text or goods_recipe(), settings, **{"site": goods.url, **inputs}
    )
