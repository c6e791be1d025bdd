"""Duties that one process at a time has: a token in the store that lives for a while and is prolonged.

A hold keeps two stewards from doing the same work twice; it is no lock. Whoever stood still for longer than it lives
may go on beside the next one, so what a duty writes is guarded by itself: a segment by its number and its predecessor,
a manifest by being new.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.scripts import load_script

if TYPE_CHECKING:
    from crawler.store import Caller

_LUA: Final = Path(__file__).parent / "lua"
_HOLD, _LET_GO = load_script(_LUA, "hold.lua"), load_script(_LUA, "let_go.lua")


class Holds:
    """The holds of one process."""

    def __init__(self, store: Caller) -> None:
        self._store = store
        self._token = secrets.token_hex(8)

    async def hold(self, duty: str, *, ttl_s: float, job: str = "") -> bool:
        """Whether the duty, of the job if one is named, is ours for the next `ttl_s` seconds.

        Raises:
            StoreError: the store refuses us.
        """
        return bool(await self._store.call(_HOLD, [self._key(duty, job)], [self._token, max(1, int(ttl_s * 1000))]))

    async def let_go(self, duty: str, *, job: str = "") -> None:
        """Another process may have it at once.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.call(_LET_GO, [self._key(duty, job)], [self._token])

    def _key(self, duty: str, job: str) -> str:
        where = f"{{{job}}}:duty" if job else "duty"
        return f"{self._store.prefix}:{where}:{duty}"
