"""Where calls are counted for rates: in the store, by its clock; in this process while the store takes none.

No wall clock of this machine has a say: one that is wrong, or is set, neither locks anybody out nor lets more in.
Whose calls are counted, and how many there may be, is not known here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import redis
from limits.storage import RedisStorage

from crawler.scripts import load_script

if TYPE_CHECKING:
    from limits import WindowStats

logger: Final = logging.getLogger(__name__)

#: What the address of a storage begins with that `limits` is to make a `RateStore` for.
SCHEME: Final = "crawlery-rates"

_LUA: Final = Path(__file__).parent / "lua"

#: A store that has failed is left alone for so long, in seconds: each attempt may keep a caller waiting.
_PAUSE_S: Final = 1.0

#: So often windows are looked for that are over, in seconds.
_SWEEP_S: Final = 60.0


def wait_s(window: WindowStats) -> float:
    """In how many seconds the oldest call leaves a window of a `RateStore`; its times are of no use elsewhere."""
    return window.reset_time - time.monotonic()


def _script(name: str) -> bytes:
    return load_script(_LUA, name, preludes=("clock.lua",)).source.encode()


class RateStore(RedisStorage):
    """Moving windows in Redis or Valkey, entered by the server's time, and told on the monotonic clock of this process.

    While the store takes no calls, or no entries, windows are those of this process alone.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  # so has the base class
    SCRIPT_MOVING_WINDOW = _script("window.lua")
    SCRIPT_ACQUIRE_MOVING_WINDOW = _script("acquire.lua")

    def __init__(self, uri: str, connection_pool: redis.ConnectionPool, key_prefix: str) -> None:
        """`uri`: says nothing but the scheme; `connection_pool`: to the store."""
        super().__init__(uri, connection_pool=connection_pool, key_prefix=key_prefix)
        self._own = OwnWindows()
        self._again_s: float | None = None  # when a store that has failed is asked again

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether `amount` calls have entered the window of `expiry` seconds, which has room for `limit`."""
        if not self._is_worth_asking():
            return self._own.enter(key, limit, expiry, amount)
        try:
            entered = self.lua_acquire_moving_window([self.prefixed_key(key)], [limit, expiry, amount])
        except redis.RedisError as error:
            if self._again_s is None:
                logger.warning("The store counts no calls (%s); until it does, this process counts its own", error)
            self._again_s = time.monotonic() + _PAUSE_S
            return self._own.enter(key, limit, expiry, amount)
        if self._again_s is not None:
            self._again_s = None
            logger.info("The store counts calls again")
        self._own.drop(key)
        return bool(entered)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest call in the window entered, on the monotonic clock, and how many there are.

        Raises:
            redis.RedisError: the store does not answer.
        """
        found = self._own.find(key, expiry)  # where the last call of this key was counted
        if found is not None:
            return found
        age_us, count = self.lua_moving_window([self.prefixed_key(key)], [limit, expiry])
        return time.monotonic() - age_us / 1e6, count

    def _is_worth_asking(self) -> bool:
        """Whether the store is: one that has failed only now and then, and not by all who call meanwhile."""
        again_s, now_s = self._again_s, time.monotonic()  # read once: another thread may have an answer this moment
        if again_s is None:
            return True
        if now_s < again_s:
            return False
        self._again_s = now_s + _PAUSE_S
        return True


class OwnWindows:
    """Moving windows of this process, by its monotonic clock. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, deque[float]] = {}
        self._over_s: dict[str, float] = {}  # when nothing will be in a window any more
        self._sweep_s = time.monotonic() + _SWEEP_S

    def enter(self, key: str, limit: int, expiry: int, amount: int) -> bool:
        """As `RateStore.acquire_entry`."""
        with self._lock:
            now_s = time.monotonic()
            if now_s >= self._sweep_s:
                self._sweep(now_s)
            entries = self._entries.setdefault(key, deque())
            self._leave(entries, now_s - expiry)
            self._over_s[key] = now_s + expiry
            if len(entries) + amount > limit:
                return False
            entries.extend([now_s] * amount)
            return True

    def find(self, key: str, expiry: int) -> tuple[float, int] | None:
        """As `RateStore.get_moving_window`; None if it is not here that calls are counted."""
        with self._lock:
            entries = self._entries.get(key)
            if entries is None:
                return None
            now_s = time.monotonic()
            self._leave(entries, now_s - expiry)
            return (entries[0] if entries else now_s), len(entries)

    def drop(self, key: str) -> None:
        """Calls are counted elsewhere from now on."""
        if key in self._entries:
            with self._lock:
                self._entries.pop(key, None)
                self._over_s.pop(key, None)

    @staticmethod
    def _leave(entries: deque[float], before_s: float) -> None:
        while entries and entries[0] < before_s:
            entries.popleft()

    def _sweep(self, now_s: float) -> None:
        for key in [key for key, over_s in self._over_s.items() if over_s < now_s]:
            del self._entries[key], self._over_s[key]
        self._sweep_s = now_s + _SWEEP_S
