"""robots.txt and sessions of a fleet: three small scripts on the store. Knows neither Scrapy nor HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

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
from crawler.scripts import load_script

if TYPE_CHECKING:
    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"
_ASK, _KEEP = load_script(_LUA, "robots_ask.lua"), load_script(_LUA, "robots_keep.lua")
_WRITE: Final = load_script(_LUA, "session_write.lua")
_SESSION_ASK, _SESSION_FAIL = load_script(_LUA, "session_ask.lua"), load_script(_LUA, "session_fail.lua")


class RedisRobotsStore:
    """See `crawler.frontier.shared_contract.RobotsStore`."""

    def __init__(self, store: Caller) -> None:
        """The robots.txt of every site, shared by all who use this store."""
        self._store = store

    def _key(self, site: str) -> str:
        return f"{self._store.prefix}:{{site:{site}}}:robots"

    async def ask(self, site: str, *, worker: str) -> RobotsReply:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        yours, *kept = await self._store.call(_ASK, (self._key(site),), (worker, int(ROBOTS_CLAIM_S * 1000)))
        if not kept:
            return RobotsReply(yours=yours == 1)
        status, body = kept
        return RobotsReply(robots=Robots(status=int(status), body=body))

    async def keep(self, site: str, robots: Robots) -> None:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        fresh_s = ROBOTS_FRESH_S if robots.readable else ROBOTS_UNREADABLE_S
        words = (robots.status, robots.body[:MAX_ROBOTS_BYTES], int(robots.readable), int(fresh_s * 1000))
        await self._store.call(_KEEP, (self._key(site),), words)


class RedisSessionStore:
    """See `crawler.frontier.shared_contract.SessionStore`."""

    def __init__(self, store: Caller, *, job: str) -> None:
        """The session of `job`; it lives as long as the job's other keys."""
        self._store = store
        self._key = f"{store.prefix}:{{{job}}}:session"

    async def read(self) -> Session:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        version, body, good, ever = await self._store.command(
            "HMGET", self._key, "version", "body", "good", "ever_good"
        )
        if version is None:
            return Session()
        return Session(version=int(version), body=body, good=int(good or 0), ever_good=ever is not None)

    async def ask(self, *, worker: str, beyond: int) -> SessionReply:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        words = (worker, beyond, int(LOGIN_CLAIM_S * 1000))
        yours, failed, version, body, good, ever = await self._store.call(_SESSION_ASK, (self._key,), words)
        session = Session(version=int(version), body=body, good=int(good), ever_good=bool(ever))
        return SessionReply(session=session, yours=yours == 1, failed=failed.decode("utf-8", "replace"))

    async def fail(self, why: str, *, worker: str) -> None:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        words = (worker, why.encode("utf-8", "replace"), int(LOGIN_FAILED_S * 1000))
        await self._store.call(_SESSION_FAIL, (self._key,), words)

    async def confirm(self, version: int) -> None:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.command("HSET", self._key, "good", version, "ever_good", "1")

    async def write(self, body: bytes, *, expected: int) -> Session | None:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        written = await self._store.call(_WRITE, (self._key,), (body, expected))
        return Session(version=expected + 1, body=body) if written else None
