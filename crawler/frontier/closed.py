"""What the store holds of a job that takes no more pages: found by the beginnings of names, and removed.

Keys of crawling go at once. The ids that a job knows, and the requests of its pages that failed, stay until they are
copied beside its files: a replay begins with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from crawler.store import Caller

#: Keys that a closed job needs no more; and those of them that are copied before, if pages of it failed.
OF_CRAWLING: Final = ("ready:*", "held:*", "chain:*", "stage:*")
OF_REPLAYS: Final = ("set:*", "failed")

_TIDY: Final = load_script(Path(__file__).parent / "lua", "tidy.lua", preludes=("frontier.lua",))


async def may_be_replayed(store: Caller, base: str) -> bool:
    """Whether the files of a job are to come with what another one needs that fetches its failed pages again.

    Args:
        store: where it is.
        base: what all its keys begin with.

    Raises:
        StoreError: the store refuses us.
    """
    if await store.command("EXISTS", f"{base}failed"):
        return True
    return bool(await store.command("HEXISTS", f"{base}books", "replayed"))


async def tidy(store: Caller, base: str, patterns: Sequence[str]) -> None:
    """Removes keys of a closed job; of an open one nothing.

    Raises:
        StoreError: the store refuses us.
    """
    for pattern in patterns:
        async for names in names_like(store, base, pattern):
            await store.call(_TIDY, [f"{base}books"], (0, 0, *names))


async def names_like(store: Caller, base: str, pattern: str) -> AsyncIterator[list[bytes]]:
    """Names of keys without `base`, some at a time: they may be as many as hosts, or as shards of ten million ids.

    Raises:
        StoreError: the store refuses us.
    """
    cursor, beginning = b"0", base.encode()
    while True:
        cursor, keys = await store.command("SCAN", cursor, "MATCH", f"{base}{pattern}", "COUNT", 500)
        if keys:
            yield [key.removeprefix(beginning) for key in keys]
        if cursor == b"0":
            break
