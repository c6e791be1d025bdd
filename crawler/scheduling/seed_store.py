"""Seeds in the store: a list, set or sorted set to which a project pushes what is to be crawled.

A seed is looked at, handed in and only then taken off, so that nothing is lost with a worker that dies in between; and
each carries a number from when it is first looked at until it is taken off, so that workers that look at the same one
make the same requests of it. Knows neither what a seed says nor what becomes of it.
"""

from __future__ import annotations

import enum
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.store import Caller, Word

_LUA: Final = Path(__file__).parent / "lua"
_PEEK, _TAKE = load_script(_LUA, "seeds_peek.lua"), load_script(_LUA, "seeds_take.lua")


class Kind(enum.StrEnum):
    """What the key of the seeds holds, and the command that counts it."""

    LIST = "list"
    SET = "set"
    ZSET = "zset"


_COUNT: Final = {Kind.LIST: "LLEN", Kind.SET: "SCARD", Kind.ZSET: "ZCARD"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """One seed as it was pushed, and its number: 63 bits."""

    data: bytes
    number: int


class SeedStore:
    """The seeds of one key. `dead` is the key of those that could not be read."""

    def __init__(self, store: Caller, *, key: str, kind: Kind) -> None:
        """`key` as the project writes it, without any prefix."""
        self.key = key
        self.dead = f"{key}:dead"
        self._store = store
        self._kind = kind
        self._shown = f"{key}:shown"
        self._held = f"{key}:held"

    async def peek(self, count: int) -> list[Seed]:
        """Up to `count` of the next seeds, which stay where they are; none while they are held.

        Raises:
            StoreError: the key holds something else.
        """
        numbers = [secrets.randbits(63) for _ in range(count)]
        keys = (self.key, self._shown, self._held)
        answer: list[bytes] = await self._store.call(_PEEK, keys, (str(self._kind), *numbers))
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [Seed(data=data, number=int(number)) for data, number in pairs]

    async def take(self, seeds: Sequence[tuple[Seed, str]]) -> int:
        """Takes seeds off, each with the reason for which it is none, or ""; answers how many were still there."""
        words: list[Word] = [str(self._kind)]
        for seed, reason in seeds:
            words += [seed.data, seed.number, _dead(seed, reason) if reason else ""]
        taken: int = await self._store.call(_TAKE, (self.key, self._shown, self.dead), words)
        return taken

    async def count(self) -> int:
        """How many there are."""
        count: Any = await self._store.command(_COUNT[self._kind], self.key)
        return int(count)

    async def hold(self, *, seconds: float) -> None:
        """Nobody is shown a seed for so long."""
        await self._store.command("SET", self._held, 1, "PX", int(seconds * 1000))

    async def let_go(self) -> None:
        """Seeds are shown again."""
        await self._store.command("DEL", self._held)


def _dead(seed: Seed, reason: str) -> str:
    return json.dumps({"seed": seed.data.decode("utf-8", "backslashreplace"), "reason": reason}, ensure_ascii=False)
