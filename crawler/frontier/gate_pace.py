"""The arithmetic of pace: when the next start may be, and the delay that follows a host's latency.

Times are whole milliseconds of any clock. Knows neither workers nor slots. `lua/gate.lua` computes the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.frontier.gate_contract import MAX_SILENCE_S, Pace, whole_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.frontier.gate_contract import Latency, PermitCall

_NOTHING: Final = Pace()


@dataclass(slots=True)
class Rhythm:
    """The starts of a host, or of a job on it.

    Attributes:
        last: when the last one is; None: there was none.
        delay: the adaptive delay; None: before anything is known.
        kept_until: when all this is forgotten.
    """

    last: int | None = None
    delay: float | None = None
    kept_until: int = 0

    def next(self, delay: int, now: int) -> int:
        """The earliest moment of a start that keeps the delay."""
        return now if not delay or self.last is None else max(now, self.last + delay)

    def passed(self, moment: int) -> None:
        """Notes the last start, or the end of a time of free starts."""
        self.last = moment if self.last is None else max(self.last, moment)


def asked_of_itself(call: PermitCall) -> Pace:
    """The job's own pace; nothing if it is the site's, which holds anyway."""
    return _NOTHING if call.own == call.site else call.own


def throttled(delay: float | None, pace: Pace, latencies: Iterable[Latency]) -> float:
    """The adaptive delay after some responses, in milliseconds; `delay` None: before anything is known.

    The algorithm is that of Scrapy's AutoThrottle (`scrapy.extensions.throttle`): towards latency / target concurrency,
    at once if that is longer and half of the way if it is shorter; answers other than 200 never make it shorter.
    """
    lowest = whole_ms(pace.delay_s)
    highest = max(lowest, whole_ms(pace.max_delay_s))
    delay = min(max(whole_ms(pace.start_delay_s) if delay is None else delay, lowest), highest)
    for sample in latencies:
        target = latency_ms(sample.seconds) / pace.target_concurrency
        new = min(max(target, (delay + target) / 2, lowest), highest)
        if sample.ok or new > delay:
            delay = new
    return delay


def latency_ms(seconds: float) -> float:
    """Milliseconds of a latency; NaN and less than nothing are 0."""
    return min(seconds, MAX_SILENCE_S) * 1000 if seconds > 0 else 0.0


def rounded_up(milliseconds: float) -> int:
    """An adaptive delay in whole milliseconds; what is only an error of rounding does not count.

    Less than one is none: a host that answers that fast has its slots to hold it back, and a whole millisecond would
    keep it from ever being asked more than a thousand times a second.
    """
    return math.ceil(milliseconds - 1e-6) if milliseconds >= 1 else 0
