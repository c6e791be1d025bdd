"""What a node has done since its start, and how it is told to Prometheus. Knows neither jobs nor the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Upper ends of the classes of start latencies, in seconds.
BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: How workers end: in order; told to go; failed; by a signal.
EXIT_KINDS: Final = ("done", "stopped", "failed", "signal")


@dataclass(slots=True)
class Histogram:
    """Counts by class; the last class has no end."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        at = next((number for number, end in enumerate(BUCKETS_S) if seconds <= end), len(BUCKETS_S))
        self.counts[at] += 1
        self.sum_s += seconds


@dataclass(slots=True)
class Figures:
    """Of one node.

    Attributes:
        seats: seats that it has taken.
        exits: workers that have ended, by `EXIT_KINDS`.
        starts: from when a seat was taken to when its process ran.
    """

    seats: int = 0
    exits: Counter[str] = field(default_factory=Counter)
    starts: Histogram = field(default_factory=Histogram)

    def text(self, gauges: Mapping[str, float]) -> str:
        """In the text format of Prometheus (version 0.0.4); `gauges` by name, without the prefix of their names."""
        return "".join(f"{line}\n" for line in self._lines(gauges))

    def _lines(self, gauges: Mapping[str, float]) -> Iterator[str]:
        for name, value in gauges.items():
            yield f"# TYPE crawlery_node_{name} gauge"
            yield f"crawlery_node_{name} {value:g}"
        yield "# TYPE crawlery_node_seats_taken_total counter"
        yield f"crawlery_node_seats_taken_total {self.seats}"
        yield "# TYPE crawlery_node_worker_exits_total counter"
        for kind in EXIT_KINDS:
            yield f'crawlery_node_worker_exits_total{{kind="{kind}"}} {self.exits[kind]}'
        yield "# TYPE crawlery_node_worker_start_seconds histogram"
        seen = 0
        for end, count in zip((*map("{:g}".format, BUCKETS_S), "+Inf"), self.starts.counts, strict=True):
            seen += count
            yield f'crawlery_node_worker_start_seconds_bucket{{le="{end}"}} {seen}'
        yield f"crawlery_node_worker_start_seconds_sum {self.starts.sum_s:g}"
        yield f"crawlery_node_worker_start_seconds_count {seen}"
