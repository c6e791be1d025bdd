"""`scrapy crawl NAME`: as Scrapy's, with a recipe's mistakes and wrong inputs as messages, and an exit status.

0 = done (also with pages that exist no more), 2 = the recipe or an input is wrong, 3 = a list page was lost, 4 = the
rows are not good enough to be used, 130 = cancelled, 1 = anything else went wrong.

`scrapy crawl job -a job=ID` works on any job of the store, whatever it runs; 0 also if it takes no more pages.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.crawl import Command as ScrapyCrawlCommand
from scrapy.exceptions import UsageError

from crawler import faults
from crawler.errors import CrawleryError
from crawler.extensions.crawl_summary import EXIT_CANCELLED, EXIT_FAILED
from crawler.fleet import check_fleet
from crawler.recipe.diagnostics import did_you_mean
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.runner import CrawlFailed, close_unused_loop, has_begun, prepare, run_to_end, summary_of
from crawler.spiders.stored import GENERIC
from crawler.spiders.worker import JobIsOver, stored_spider

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from scrapy import Spider


class Command(ScrapyCrawlCommand):
    """See the module."""

    def short_desc(self) -> str:
        """For `scrapy -h`."""
        return "Run a recipe or a spider of the project, by name"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawls; `exitcode` is the process's exit status afterwards."""
        if len(args) != 1:
            raise UsageError("one recipe or spider, by name")
        if self.crawler_process is None:
            raise AssertionError("Scrapy makes the process before it runs a command")
        try:
            faults.be("worker")
            spidercls = self._spider(args[0], opts.spargs)
            if issubclass(spidercls, RecipeSpider):
                spidercls(inputs=spidercls.inputs_of(opts.spargs))
            crawler = self._create_crawler(spidercls)
            prepare(crawler)
            check_fleet(crawler.settings, spidercls, args[0], opts.spargs)
        except JobIsOver as over:
            sys.stderr.write(f"{over}\n")
            close_unused_loop()
            return
        except CrawleryError as error:
            sys.stderr.write(f"{error}\n")
            self.exitcode = 2
            close_unused_loop()
            return
        self.crawler_process.crawl(crawler, **opts.spargs)
        run_to_end(self.crawler_process)
        try:
            summary = summary_of(crawler)
        except CrawlFailed as error:
            sys.stderr.write(f"{error}\n")
            began = has_begun(crawler, self.crawler_process)
            self.exitcode = EXIT_CANCELLED if began else EXIT_FAILED  # a second SIGINT leaves no summary
            return
        self.exitcode = EXIT_FAILED if self.crawler_process.bootstrap_failed else summary.exit_code

    def _spider(self, name: str, arguments: dict[str, Any]) -> type[Spider]:
        """The spider of that name; of the generic one, the spider of the job that the arguments name, and theirs."""
        if self.crawler_process is None:
            raise AssertionError("Scrapy makes the process before it runs a command")
        loader = self.crawler_process.spider_loader
        if name == GENERIC and name not in loader.list():
            return self._stored(arguments)
        try:
            return loader.load(name)
        except KeyError as error:
            hint = did_you_mean(name, loader.list()) or "`scrapy list` shows all"
            raise CrawleryError(f"there is no recipe or spider called {name!r}; {hint}") from error

    def _stored(self, arguments: dict[str, Any]) -> type[Spider]:
        """The spider of `-a job=ID`; `-a node=`, `-a seat=` are what a node says of itself and of the seat."""
        if self.crawler_process is None:
            raise AssertionError("Scrapy makes the process before it runs a command")
        unknown = ", ".join(sorted(arguments.keys() - {"job", "node", "seat"}))
        if unknown or not arguments.get("job"):
            wrong = f"{unknown} is not asked for" if unknown else "which job?"
            raise CrawleryError(f"{wrong}: `scrapy crawl {GENERIC} -a job=ID` finds all else in the store")
        settings = self.crawler_process.settings
        settings.set("NODE_NAME", arguments.get("node", ""), priority="cmdline")
        settings.set("SEAT_TOKEN", arguments.get("seat", ""), priority="cmdline")
        spidercls, of_job = stored_spider(settings, arguments["job"])
        arguments.clear()
        arguments.update(of_job)
        return spidercls
