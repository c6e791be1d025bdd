"""What a crawl's processor time goes to, by stage: a sample at each tick of the timer that counts it.

`Stages` is an extension of Scrapy's; it writes samples by stage, as JSON, into the file CRAWL_STAGES. A sample counts
for the innermost module of ours on the stack. What C code takes (lexbor, libcurl, the kernel) counts for whoever has
called it, for Python handles signals when it comes back; what the event loop takes, for what it calls next.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from scrapy.crawler import Crawler

#: The kernel rounds it up to its own tick.
EVERY_S = 0.001

#: Everything that no module of ours has called, but the one that has begun it all.
OTHERS = "event loop, engine"

#: Stages by modules or folders of `crawler`; the longest that fits counts.
STAGES = {
    "downloader/": "downloads by libcurl, door",
    "middlewares/": "middlewares",
    "fastpath/policies.py": "middlewares",
    "lean_responses.py": "downloads by libcurl, door",
    "recipe/tree_guard.py": "guard before the parser",
    "recipe/html_document.py": "parsing by lexbor",
    "recipe/css_lexbor.py": "selectors by lexbor",
    "recipe/contract.py": "contract",
    "recipe/coercion.py": "contract",
    "recipe/scalars.py": "contract",
    "recipe/fields.py": "contract",
    "recipe/urls.py": "contract",
    "recipe/": "rules, texts, steps",
    "spiders/recipe.py": "rules, texts, steps",
    "exports/": "rows into the file",
    "extensions/feeds.py": "rows into the file",
    "pipelines/": "rows into the file",
    "fastpath/rows.py": "rows into the file",
    "scheduling/": "scheduler, frontier, links",
    "scheduler.py": "scheduler, frontier, links",
    "frontier/": "scheduler, frontier, links",
    "spiders/requests.py": "scheduler, frontier, links",
    "lean_requests.py": "scheduler, frontier, links",
    "fastpath/links.py": "scheduler, frontier, links",
    "commands/": OTHERS,
    "cli/": OTHERS,
    "spiders/runner.py": OTHERS,  # which has begun the event loop
    "": "the path of a page, signals",
}


def stage_of(file: str) -> str | None:
    """The stage of a source file; None for one that is not of ours."""
    _, ours, module = file.rpartition("/crawler/")
    if not ours or "/site-packages/" in file:
        return None
    return STAGES[max((known for known in STAGES if module.startswith(known)), key=len)]


class Stages:
    """From `spider_opened` to `spider_closed`."""

    def __init__(self) -> None:
        self._samples: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Stages:
        """Connects."""
        from scrapy import signals

        stages = cls()
        crawler.signals.connect(stages.opened, signal=signals.spider_opened)
        crawler.signals.connect(stages.closed, signal=signals.spider_closed)
        return stages

    def opened(self) -> None:
        """Begins."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def closed(self) -> None:
        """Ends, and tells."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        Path(os.environ["CRAWL_STAGES"]).write_text(json.dumps(self._samples), encoding="utf-8")

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None:
            file = frame.f_code.co_filename
            if file not in self._known:
                self._known[file] = stage_of(file)
            if (stage := self._known[file]) is not None:
                self._samples[stage] += 1
                return
            frame = frame.f_back
        self._samples[OTHERS] += 1
