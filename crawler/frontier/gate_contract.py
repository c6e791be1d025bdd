"""What a gate promises: a site sees the whole fleet as one careful visitor.

A worker may send a request to a host only while it holds one of the host's *slots* and has a *start*: a moment at which
one request may be sent. Slots bound how many requests are open at once; starts bound how many are sent per second. Both
are given for a short while only, so that a worker that dies or stands still takes nothing from the others for long, and
a host that asks for silence is silent within `WINDOW_S` for everybody.

What is known about a site - its Crawl-delay, its `Retry-After`, how fast it answers - belongs to the host and is shared
by all jobs. What a job asks of itself (a gentler delay, fewer connections) holds for that job alone.

Nothing here knows what is sent, or what Scrapy is. `gate_memory` keeps one process's hosts, `gate_redis` a fleet's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A start lies at most so far ahead, in seconds: what has been granted before a host asked for silence is sent within
#: this time.
WINDOW_S: Final = 0.1

#: A start that is used later than so many seconds after its moment is void. With 10 starts a second, at most 10 + 1
#: requests then fall in any second.
LATENESS_S: Final = 0.05

#: A slot is its holder's for so many seconds after its last `permit`.
SLOT_TTL_S: Final = 15.0

#: `Retry-After` counts up to this many seconds.
MAX_SILENCE_S: Final = 3600.0


def whole_ms(seconds: float) -> int:
    """Milliseconds as gates count them: rounded up, so that no delay gets shorter; 0 to `MAX_SILENCE_S`, NaN is 0.

    No delay is longer than the longest silence: whoever asks for more is asked again after that time.
    """
    if not seconds > 0:
        return 0
    return math.ceil(round(min(seconds, MAX_SILENCE_S) * 1000, 6))  # 16.1 * 1000 is a little more than 16100


class Pace(Struct, frozen=True, kw_only=True):
    """How carefully a host is asked. 0 means no limit. Times count in whole milliseconds, see `whole_ms`.

    Attributes:
        concurrency: requests open at once.
        delay_s: at least so long between two starts.
        adaptive: AutoThrottle: the delay follows the host's latency, and never falls below `delay_s`.
        start_delay_s: the adaptive delay before anything is known.
        max_delay_s: the adaptive delay is never longer.
        target_concurrency: the adaptive delay aims at so many requests open at once; more than 0.
    """

    concurrency: int = 0
    delay_s: float = 0.0
    adaptive: bool = False
    start_delay_s: float = 5.0
    max_delay_s: float = 60.0
    target_concurrency: float = 1.0


class Latency(Struct, frozen=True, kw_only=True):
    """How long the host took to answer, in seconds, from the sent request to the head of the response."""

    seconds: float
    ok: bool = True  # status 200: only those may make the delay shorter (errors are often fast)


class PermitCall(Struct, frozen=True, kw_only=True):
    """One worker's call about one host.

    Attributes:
        host: whose gate it is.
        worker: who asks; unique for each process.
        call: counts this worker's calls for this host from 1: a repeated number gets the same answer again.
        job: whose own pace applies beside the site's.
        want: requests that wait for the gate now.
        keep: tokens of slots that stay in use; they are prolonged.
        busy: how many of `keep` have a request open: a start that finds no free slot is lost for everybody, so starts
            are granted for the other slots, and for as many as come free within `WINDOW_S` by the latencies.
        give_up: tokens of slots that are handed back.
        new_slots: tokens, each 64 random bits, for slots that may be granted by this call; at most so many are.
        site: the deployment's pace, for the host as a whole.
        own: the job's pace; what equals `site` asks for nothing more, and costs nothing.
        latencies: of the responses since the last call, adaptive or not.
        silence_s: the host has asked to be left alone for so long, from now.
        crawl_delay_s: what robots.txt asks for; None = not known by this worker, 0 = nothing is asked for.
    """

    host: str
    worker: str
    call: int
    job: str = ""
    want: int = 0
    keep: tuple[int, ...] = ()
    busy: int = 0
    give_up: tuple[int, ...] = ()
    new_slots: tuple[int, ...] = ()
    site: Pace = Pace()
    own: Pace = Pace()
    latencies: tuple[Latency, ...] = ()
    silence_s: float = 0.0
    crawl_delay_s: float | None = None


class Permit(Struct, frozen=True, kw_only=True):
    """The answer. All times are seconds from the moment at which the call was answered.

    The answer to a repeated call speaks of the same moments, seen from later: starts that have passed are not in it.

    Attributes:
        slots: tokens held from now on, kept and new ones; what was to be kept and is missing here has been lost.
        starts: when requests may be sent, one each, in order; each lies within `WINDOW_S`.
        free_until_s: any number of requests may be sent until then, for a host without a delay; 0 = only `starts`.
        wait_s: ask again after this time at the earliest, if something still waits.
        silent_s: the host is to be left alone for so long.
        delay_s: the delay between two starts that is in force.
        contended: another worker waits for slots, and this one has more than its share: give up those that have been
            used for a second.
    """

    slots: tuple[int, ...] = ()
    starts: tuple[float, ...] = ()
    free_until_s: float = 0.0
    wait_s: float = 0.0
    silent_s: float = 0.0
    delay_s: float = 0.0
    contended: bool = False


class Gate(Protocol):
    """The calls. Each is atomic, and none raises for something that another worker did.

    What a site is known for is kept as long as it counts; the rest is forgotten an hour after its last use.
    """

    async def permit(self, calls: Sequence[PermitCall]) -> tuple[Permit, ...]:
        """Answers each call on its own; hosts do not wait for each other."""
        ...
