"""What earlier crawls of a recipe were like on this machine: figures in a folder, for recipes with `quality.bands`.

The same records as those of a fleet (`crawler.exports.history`), of a client that is called `local`. Only crawls that
have lost nothing leave one. Nothing here may fail a crawl: what cannot be read or written is logged.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError
from crawler.exports.bands import BandsInForce, bands_for
from crawler.exports.history import RunRecord, earlier_runs, has_lost_nothing, read_records, write_record
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.series import series_id
from crawler.extensions.crawl_summary import EXIT_OK

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.extensions.crawl_summary import CrawlFacts, CrawlSummary
    from crawler.spiders.recipe import RecipeSpider

logger = logging.getLogger(__name__)

#: In the folder of exports.
FOLDER: Final = ".history"

#: Whose crawls they are.
CLIENT: Final = "local"


class LocalHistory:
    """The crawls of a folder."""

    def __init__(self, folder: Path) -> None:
        """`folder`: is made when there is something to put into it."""
        self._objects = FolderObjectStore(folder)

    def bands_of(self, spider: RecipeSpider, facts: CrawlFacts) -> BandsInForce | None:
        """What a crawl is compared with; None if its recipe does not ask for it, or others work on it, too."""
        quality = spider.recipe.quality
        if quality is None or quality.bands is None or facts.job is not None:
            return None
        if facts.limit or facts.blocked or facts.finish_reason != "finished":
            return BandsInForce(
                rule=quality.bands, sentence="a crawl that did not come to its own end is compared with none"
            )
        series = series_id(CLIENT, spider.recipe.name, spider.inputs)
        try:
            records = read_records(
                self._objects, CLIENT, spider.recipe.name, series, most=quality.bands.window, copies={}
            )
        except (CrawleryError, OSError) as error:
            logger.warning("Earlier crawls cannot be read, so this one is compared with none: %s", error)
            records = []
        return bands_for(earlier_runs(records), quality.bands, series=series, of=facts.figures)

    def remember(self, spider: RecipeSpider, summary: CrawlSummary) -> None:
        """Keeps the figures of a crawl that has lost nothing, for those after it."""
        is_good = summary.outcome == "complete" or (
            (summary.outcome, summary.exit_code) == ("partial", EXIT_OK)
            and has_lost_nothing(summary.facts.outcomes)
            and not summary.facts.item_errors
        )
        if not summary.bands.series or summary.bands.rule is None or not is_good:
            return
        record = RunRecord(
            job=f"crawl-{secrets.token_hex(4)}",
            client=CLIENT,
            recipe=spider.recipe.name,
            series=summary.bands.series,
            rule=summary.bands.rule,
            at_ms=int(time.time() * 1000),
            figures=summary.facts.figures,
        )
        try:
            write_record(self._objects, record)
        except (CrawleryError, OSError) as error:
            logger.warning("What this crawl was like cannot be kept in %s: %s", record.key, error)
