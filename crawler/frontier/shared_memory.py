"""robots.txt and sessions of one process; the reference for other back ends. Knows neither Scrapy nor HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from crawler.frontier.shared_contract import (
    LOGIN_CLAIM_S,
    LOGIN_FAILED_S,
    MAX_ROBOTS_BYTES,
    ROBOTS_CLAIM_S,
    ROBOTS_FRESH_S,
    ROBOTS_UNREADABLE_S,
    Robots,
    RobotsReply,
    Session,
    SessionReply,
)

if TYPE_CHECKING:
    from collections.abc import Callable


#: Of so many sites the answers are kept; of more, those asked for last. A worker keeps what it has parsed by itself.
MAX_SITES: Final = 1000


@dataclass(slots=True)
class _Site:
    robots: Robots | None = None
    fresh_until: float = 0.0
    fetcher: str = ""
    fetch_until: float = 0.0


class MemoryRobotsStore:
    """See `crawler.frontier.shared_contract.RobotsStore`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """A store that knows no site yet; `clock` gives seconds."""
        self._clock = clock
        self._sites: dict[str, _Site] = {}

    async def ask(self, site: str, *, worker: str) -> RobotsReply:
        """See the contract."""
        known, now = self._site(site), self._clock()
        if known.robots is not None:
            return RobotsReply(robots=known.robots)
        if known.fetch_until <= now or known.fetcher == worker:
            known.fetcher, known.fetch_until = worker, now + ROBOTS_CLAIM_S
        return RobotsReply(yours=known.fetcher == worker)

    async def keep(self, site: str, robots: Robots) -> None:
        """See the contract."""
        known = self._site(site)
        if known.robots is not None and known.robots.readable and not robots.readable:
            return
        known.robots = Robots(status=robots.status, body=robots.body[:MAX_ROBOTS_BYTES])
        known.fresh_until = self._clock() + (ROBOTS_FRESH_S if robots.readable else ROBOTS_UNREADABLE_S)

    def _site(self, site: str) -> _Site:
        known = self._sites.pop(site) if site in self._sites else _Site()
        self._sites[site] = known  # the last one now
        if known.fresh_until <= self._clock():
            known.robots = None
        if len(self._sites) > MAX_SITES:
            del self._sites[next(iter(self._sites))]
        return known


class MemorySessionStore:
    """See `crawler.frontier.shared_contract.SessionStore`: of one job."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """No session yet; `clock` gives seconds."""
        self._clock = clock
        self._session = Session()
        self._login = ("", 0.0)  # who logs in, and until when it is believed to
        self._failed = ("", 0.0)

    async def read(self) -> Session:
        """See the contract."""
        return self._session

    async def ask(self, *, worker: str, beyond: int) -> SessionReply:
        """See the contract."""
        now = self._clock()
        if self._session.version > beyond:
            return SessionReply(session=self._session)
        if now < self._failed[1]:
            return SessionReply(session=self._session, failed=self._failed[0])
        if now < self._login[1] and self._login[0] != worker:
            return SessionReply(session=self._session)
        self._login = (worker, now + LOGIN_CLAIM_S)
        return SessionReply(session=self._session, yours=True)

    async def fail(self, why: str, *, worker: str) -> None:
        """See the contract."""
        if self._login[0] == worker:
            self._session = replace(self._session, good=self._session.version)
            self._login, self._failed = ("", 0.0), (why, self._clock() + LOGIN_FAILED_S)

    async def confirm(self, version: int) -> None:
        """See the contract."""
        self._session = replace(self._session, good=version, ever_good=True)

    async def write(self, body: bytes, *, expected: int) -> Session | None:
        """See the contract."""
        new = replace(self._session, version=expected + 1, body=body)
        if self._session.version == expected:
            self._session, self._login, self._failed = new, ("", 0.0), ("", 0.0)
        return new if self._session == new else None
