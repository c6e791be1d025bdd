"""All that a seed decides before a simulated crawl begins: the site, the workers, the limits, and what will fail.

Times are in ticks of `twin.TICK_MS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from site_of_pages import Site
from twin import TICK_MS, Limits

#: Of leases; renewed three times as often.
SIM_TTL_MS = 16_000

TTL = SIM_TTL_MS // TICK_MS
TTL_S = SIM_TTL_MS / 1000
LATENCY = (1, 1, 1, 2, 4)  # ticks on the way to the store, or back
PATIENCE = 8  # ticks until a call without a reply is repeated
FETCH = (1, 2, 4, 8, 16)
DELAYS_S = (0.0, 1.0, 2.5, 5.0)


@dataclass(kw_only=True)
class Faults:
    """How much fails; probabilities are per moment at which it could."""

    crash: float = 0.0
    stall: float = 0.0
    lost_reply: float = 0.0
    late_copy: float = 0.0  # of a call, which arrives once more
    leave: float = 0.0  # a worker is asked to stop
    outages: tuple[tuple[int, int], ...] = ()  # begin and end, in ticks
    end: int = 0  # tick from which on nothing fails
    crash_at: int | None = None  # the number of the moment, counted over all workers
    lose_at: int | None = None  # the number of the reply


@dataclass(kw_only=True)
class Scenario:
    """All that a seed decides before the crawl begins."""

    seed: int
    site: Site
    limits: Limits
    workers: int
    capacity: int
    faults: Faults
    cancel_at: int | None = None
    mixed: bool = False  # every second worker is of an older release, which cannot read every third page

    @classmethod
    def random(cls, seed: int, *, longest_outage: int) -> Scenario:
        """What happens in the crawl of this seed."""
        random = Random(seed)
        site = Site(random)
        mode = random.choice(("", "", "", "", "pages", "rows", "cancel"))
        limits = Limits(
            per_host=random.choice((0, 1, 2, 4)),
            max_pages=random.randint(1, 12) if mode == "pages" else None,
            max_rows=random.randint(0, 12) if mode == "rows" else None,
        )
        end = random.randint(100, 900)
        outages = []
        for _ in range(random.choice((0, 0, 1, 2))):
            begin = random.randint(20, end)
            outages.append((begin, min(end, begin + random.randint(4, longest_outage))))
        calm = random.random() < 0.1
        faults = Faults(
            crash=random.choice((0.0, 0.002, 0.02)),
            stall=random.choice((0.0, 0.002, 0.01)),
            lost_reply=random.choice((0.0, 0.05, 0.2)),
            late_copy=random.choice((0.0, 0.05)),
            leave=random.choice((0.0, 0.002)),
            outages=tuple(outages),
            end=end,
        )
        return cls(
            seed=seed,
            site=site,
            limits=limits,
            workers=random.randint(1, 4),
            capacity=random.choice((1, 3, 8)),
            faults=Faults() if calm else faults,
            cancel_at=random.randint(50, 600) if mode == "cancel" else None,
            mixed=random.random() < 0.3,
        )
