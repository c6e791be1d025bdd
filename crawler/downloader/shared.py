"""What this process shares with other workers: the gates of hosts, robots.txt, the session of the job.

The setting GATE names a function of the crawler that gives a `Shared`. `alone` is that of a process that crawls by
itself; a fleet's gives the same things on the store.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scrapy.utils.misc import load_object

from crawler.frontier.gate_memory import MemoryGate
from crawler.frontier.shared_memory import MemoryRobotsStore, MemorySessionStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler

    from crawler.frontier.gate_contract import Gate
    from crawler.frontier.shared_contract import RobotsStore, SessionStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """The back ends, and who we are to them.

    Attributes:
        gate: lets requests be sent.
        robots: robots.txt of sites.
        worker: this process, as no other is called.
        job: whose requests these are; its own limits hold for it alone.
        session: of that job.
        before_departure: takes a function that is called whenever something else is about to be asked where the gate
            is, so that the gate can be asked on the same way; None where that saves nothing.
    """

    gate: Gate
    robots: RobotsStore
    worker: str
    job: str = ""
    session: SessionStore = field(default_factory=MemorySessionStore)
    before_departure: Callable[[Callable[[], None]], None] | None = None


def alone(crawler: Crawler) -> Shared:
    """In this process: nobody else is asked."""
    _ = crawler
    return Shared(gate=MemoryGate(), robots=MemoryRobotsStore(), worker=secrets.token_hex(8))


def shared_of(crawler: Crawler) -> Shared:
    """What the setting GATE names."""
    shared: Shared = load_object(crawler.settings["GATE"])(crawler)
    return shared
