"""Twisted's timers by a clock that does not jump, and without those that were cancelled.

They go by the wall clock. When somebody sets it forward by an hour, whatever a worker waits for takes too long in that
moment: pages that were on their way count as timed out. When it is set back, what was to end in three minutes ends in
an hour and three minutes, and a node looks for seats in an hour. Timers of asyncio, which all of ours are, go by a
monotonic clock.

A timer that was cancelled, as is that of each download that has ended in time, stays until the reactor looks at its
timers, which one on asyncio does when the next of them is due: with nothing but downloads those of a minute would
gather, 60,000 in a fast crawl. So there is one that is due every second.

Knows the reactor, and nothing of a crawl.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from scrapy import signals
from scrapy.utils.reactor import is_reactor_installed
from twisted.internet.task import LoopingCall

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

#: The reactor looks at its timers at least so often, in seconds.
_LOOK_EVERY_S: Final = 1.0


class MonotonicTimers:
    """Sees to it for the reactor of a crawl; where there is none, there is nothing to do."""

    def __init__(self) -> None:
        self._looking: LoopingCall | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Comes before whatever has timers; those that run already are converted."""
        timers = cls()
        if is_reactor_installed():
            from twisted.internet import reactor  # noqa: PLC0415 - imported sooner, it would choose the reactor

            use_monotonic_clock(reactor)
            timers._looking = LoopingCall(lambda: None)  # which would install a reactor where there is none
            crawler.signals.connect(timers.engine_started, signal=signals.engine_started)
            crawler.signals.connect(timers.engine_stopped, signal=signals.engine_stopped)
        return timers

    def engine_started(self) -> None:
        """Begins to have the reactor look."""
        if self._looking is not None:
            self._looking.start(_LOOK_EVERY_S, now=False)

    def engine_stopped(self) -> None:
        """Ends that."""
        if self._looking is not None and self._looking.running:
            self._looking.stop()


def use_monotonic_clock(reactor: Any) -> None:
    """From now on timers of the reactor go by the monotonic clock; those that run end when they would have ended."""
    if reactor.seconds is time.monotonic:
        return
    further = time.monotonic() - reactor.seconds()
    reactor.seconds = time.monotonic
    for call in reactor.getDelayedCalls():
        call.time += further
        call.seconds = time.monotonic
