"""When a crawl began and ended, by the clock and by the processor: a line of JSON each in the file CRAWL_MARKS.

`OpenToClose` is an extension of Scrapy's for it; other programs call `mark` around their loop. Where CRAWL_COUNTING is
the library of `make bench-instructions`, callgrind counts between the two.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


def mark(event: str) -> None:
    """Now, in seconds: processor time of this process with all its threads, and a clock; and its peak of memory.

    The kernel's figure for a process that has ended holds that of whoever started it; this is its own (VmHWM, proc(5)).
    """
    counting = os.environ.get("CRAWL_COUNTING")
    if counting and event == "closed":
        ctypes.CDLL(counting).counting_ends(b"pages")
    line = {"event": event, "cpu_s": time.process_time(), "wall_s": time.monotonic(), "peak_mib": _peak_mib()}
    with open(os.environ["CRAWL_MARKS"], "a", encoding="utf-8") as file:  # noqa: PTH123 - no imports beside the loop
        file.write(json.dumps(line) + "\n")
    if counting and event == "opened":
        ctypes.CDLL(counting).counting_begins()


def _peak_mib() -> float:
    with open("/proc/self/status", encoding="utf-8") as file:  # noqa: PTH123
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


class OpenToClose:
    """From `spider_opened` to `spider_closed`."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> OpenToClose:
        """Connects."""
        from scrapy import signals

        marks = cls()
        crawler.signals.connect(marks.opened, signal=signals.spider_opened)
        crawler.signals.connect(marks.closed, signal=signals.spider_closed)
        return marks

    def opened(self) -> None:
        """The first."""
        mark("opened")

    def closed(self) -> None:
        """The last."""
        mark("closed")
