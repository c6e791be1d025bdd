"""Twisted's timers by a clock that does not jump.

They go by the wall clock. When somebody sets it forward by an hour, whatever a worker waits for takes too long in that
moment: pages that were on their way count as timed out. When it is set back, what was to end in three minutes ends in
an hour and three minutes, and a node looks for seats in an hour. Timers of asyncio, which all of ours are, go by a
monotonic clock.

Knows the reactor, and nothing of a crawl.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scrapy.utils.reactor import is_reactor_installed

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


class MonotonicTimers:
    """Sees to it for the reactor of a crawl; where there is none, there is nothing to do."""

    @classmethod
    def from_crawler(cls, _crawler: Crawler) -> Self:
        """Comes before whatever has timers; those that run already are converted."""
        if is_reactor_installed():
            from twisted.internet import reactor  # noqa: PLC0415 - imported sooner, it would choose the reactor

            use_monotonic_clock(reactor)
        return cls()


def use_monotonic_clock(reactor: Any) -> None:
    """From now on timers of the reactor go by the monotonic clock; those that run end when they would have ended."""
    if reactor.seconds is time.monotonic:
        return
    further = time.monotonic() - reactor.seconds()
    reactor.seconds = time.monotonic
    for call in reactor.getDelayedCalls():
        call.time += further
        call.seconds = time.monotonic
