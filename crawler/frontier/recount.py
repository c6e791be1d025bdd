"""The books of a job, counted anew from what the store holds; slow, for tests and watchdogs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from crawler.frontier.closed import names_like
from crawler.jobs.rows import NOTE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crawler.frontier.contract import Ledger, StoredRow
    from crawler.store import Caller


async def recounted(
    store: Caller, base: str, kept: Ledger, *, shards: int, read_rows: Callable[..., Awaitable[tuple[StoredRow, ...]]]
) -> Ledger:
    """The books with everything in them that can be counted.

    Args:
        store: where the job is.
        base: what all its keys begin with.
        kept: its books as they are kept; a closed job has nothing left to count.
        shards: of the set of pages that it has seen.
        read_rows: as of its frontier.

    Raises:
        AssertionError: pages are in two places, or in none.
        StoreError: the store refuses us.
    """
    accepted = 0
    for shard in range(shards):
        accepted += await store.command("SCARD", f"{base}set:seen:{shard}")
    if kept.closed and not accepted:
        return kept
    counted = {"ready": await _members(store, f"{base}suspects")}
    async for queues in names_like(store, base, "ready:*"):
        for queue in queues:
            counted["ready"] |= await _members(store, f"{base}{queue.decode()}")
    for state in ("delayed", "leased", "parked"):
        counted[state] = await _members(store, f"{base}{state}")
    bodies = set(await store.command("HKEYS", f"{base}body"))
    everywhere = [page for pages in counted.values() for page in pages]
    if sorted(everywhere) != sorted(bodies):
        raise AssertionError(f"{len(bodies)} open pages, but {len(everywhere)} places in queues: {counted}")
    rows: Counter[str] = Counter()
    after = ""
    while part := await read_rows(after=after, limit=500):
        after = part[-1].position
        rows.update(row.item for row in part if row.item != NOTE)
    return replace(
        kept,
        accepted=accepted,
        ready=len(counted["ready"]),
        delayed=len(counted["delayed"]),
        leased=len(counted["leased"]),
        parked=len(counted["parked"]),
        rows=dict(rows),
    )


async def _members(store: Caller, key: str) -> set[bytes]:
    return set(await store.command("ZRANGE", key, 0, -1))
