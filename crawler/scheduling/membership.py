"""What a scheduler is given when its crawl is one worker of a job that others work on too.

The setting FLEET names a function of the crawler that gives it, or None for a crawl that is not shared. So the
scheduler need not know how a store is reached, nor who decides which job this is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scrapy.utils.misc import load_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scrapy.crawler import Crawler

    from crawler.frontier.contract import Frontier, Lease


class Intention(Protocol):
    """What is to become of a job, said by one worker and read by the others."""

    async def say(self, reason: str) -> None:
        """The job is to end for this reason: no more of its pages are given out."""
        ...

    async def pause(self, why: str) -> None:
        """The job gives out no pages until somebody resumes it."""
        ...

    async def reason(self) -> str:
        """Why a worker has said that it is to end; "" if none has."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A worker's part in a job.

    Attributes:
        frontier: of the job.
        worker: a name that no other process of the job has or has had.
        ttl_s: how long leases live unless they are prolonged.
        secret: of the job; ids of requests are keyed with it.
        renew: prolongs leases, from a thread; answers those that are lost.
        intention: what the workers say to each other about the end of the job.
    """

    frontier: Frontier
    worker: str
    ttl_s: float
    secret: bytes
    renew: Callable[[Sequence[Lease]], Iterable[Lease]]
    intention: Intention


def membership_of(crawler: Crawler) -> Membership | None:
    """What the setting FLEET names."""
    membership: Membership | None = load_object(crawler.settings["FLEET"])(crawler)
    return membership
