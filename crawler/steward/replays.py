"""Failed pages that are fetched again: what a job leaves for that at its end, and what its replay is given from it.

A replay begins with books that say that something is staged (`crawler/jobs/lua/create.lua`), so its workers wait and
nobody ends it until `prepare` has given it everything. Whoever does that may die, be late, or do it twice. At its end
its rows come behind those of the jobs before it, and its books are added to theirs: its files are those that the first
job would have had.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, ManifestDamaged, NoSuchObject, ReplayDamaged, TransitionRefused
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import LedgerSummary, read_manifest
from crawler.exports.replays import CONTENT_TYPE, KnownIds, ReplayWriter, read_replay
from crawler.frontier.replays import RedisReplays
from crawler.jobs.model import Intended
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.exports.manifest import Manifest
    from crawler.frontier.contract import Ledger
    from crawler.jobs.failed_pages import FailedPage
    from crawler.jobs.model import Job, Replay
    from crawler.jobs.segments import Segment
    from crawler.jobs.store_contract import StoredJob
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: Entries that a thread reads at once.
_ENTRIES: Final = 500


class FirstJobGone(CrawleryError):
    """Files of a job that is being replayed are not there any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What stands before the rows and the books of a replay; of any other job nothing does.

    Attributes:
        jobs: whose rows come first, in this order.
        segments: of each of them.
        books: of the last one, in which those of all others are.
        replay_key: what it has left.
        missing: why all of that cannot be had; "" if it can, or there is nothing.
    """

    jobs: tuple[str, ...] = ()
    segments: tuple[tuple[Segment, ...], ...] = ()
    books: LedgerSummary = field(default_factory=LedgerSummary)
    replay_key: str = ""
    missing: str = ""


async def before(ground: Ground, job: Job) -> Before:
    """What stands before a job.

    Raises:
        FirstJobGone: it replays another one whose files are not there any more.
        ObjectStoreError: the storage of files does not answer.
    """
    if job.replay is None:
        return Before()
    first = await _manifest(ground, job.client, job.replay.job)
    earlier = [await _manifest(ground, job.client, each) for each in first.joined]
    return Before(
        jobs=(*first.joined, first.job),
        segments=tuple(manifest.segments for manifest in (*earlier, first)),
        books=first.ledger,
        replay_key=first.replay_key,
    )


async def _manifest(ground: Ground, client: str, job: str) -> Manifest:
    try:
        manifest = await in_thread(read_manifest, ground.objects, JobKeys(client=client, job=job))
    except ManifestDamaged as error:
        raise FirstJobGone(f"what job {job} has left cannot be read: {error}") from error
    if manifest is None:
        raise FirstJobGone(f"the files of job {job} are not there any more")
    return manifest


# --- what a replay is given -------------------------------------------------------------------------------------------


async def prepare(ground: Ground, stored: StoredJob) -> bool:
    """Gives a replay what it still needs; whether nothing is left to do. What cannot be had fails it.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does not answer.
    """
    job, replay = stored.job, stored.job.replay
    if replay is None or stored.status.intended is not None:
        return True
    replays = RedisReplays(ground.store, job=job.id, ttl_s=ground.settings.lease_ttl_s)
    if not await replays.is_open():
        return True
    began_ms = await ground.now_ms()
    try:
        pages = await _give(ground, replays, replay, (await before(ground, job)).replay_key)
    except (FirstJobGone, NoSuchObject, ReplayDamaged) as error:
        await _fail(ground, job, f"it cannot be replayed: {error}")
        return False
    if pages is None or not await replays.end(began_ms=began_ms, pages=pages):
        return False
    logger.info("Job %s replays %d pages of job %s: %s", job.id, pages, replay.job, replay.outcome)
    return True


async def _give(ground: Ground, replays: RedisReplays, replay: Replay, key: str) -> int | None:
    """Ids first, for a page is fetched as soon as it is there; how many pages, or None if the job has ended.

    Raises:
        FirstJobGone: the first job has left nothing.
        StoreError, ObjectStoreError, ReplayDamaged: see `prepare`.
    """
    if not key:
        raise FirstJobGone(f"job {replay.job} has left nothing to be replayed")
    chosen: dict[int, FailedPage] = {}
    entries = read_replay(ground.objects, key)
    while part := await in_thread(_next, entries):
        for entry in part:
            if isinstance(entry, KnownIds):
                ids = [each for each in entry.ids if each not in chosen] if entry.name == "seen" else entry.ids
                if not await replays.fill(entry.name, ids):
                    return None
            elif entry.outcome == replay.outcome:
                chosen[entry.id] = entry
    return len(chosen) if await replays.begin_with(tuple(chosen.values())) else None


def _next(entries: Iterator[FailedPage | KnownIds]) -> list[FailedPage | KnownIds]:
    """Some of them: as many pages as that, or one piece of ids, which is much larger."""
    part: list[FailedPage | KnownIds] = []
    for entry in entries:
        part.append(entry)
        if isinstance(entry, KnownIds) or len(part) >= _ENTRIES:
            break
    return part


async def _fail(ground: Ground, job: Job, why: str) -> None:
    try:
        await ground.jobs.intend(job.id, Intended.FAIL, why=why)
    except TransitionRefused as refused:
        logger.info("Job %s: %s", job.id, refused)
    else:
        logger.warning("Job %s fails: %s", job.id, why)


# --- what a job leaves ------------------------------------------------------------------------------------------------


async def leave(ground: Ground, job: Job, earlier: Before) -> str:
    """Puts what a replay of a closed job needs into the storage of files; its key, "" if nothing can be replayed.

    A replay leaves the pages, too, that the jobs before it have left, and that were not its own to fetch.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files refuses us.
    """
    replays = RedisReplays(ground.store, job=job.id)
    failed = list(await replays.failed())
    if job.replay is not None and earlier.replay_key:
        taken = job.replay.outcome if await replays.replayed() else ""
        try:
            failed += await in_thread(_left, ground, earlier.replay_key, taken)
        except (NoSuchObject, ReplayDamaged) as error:
            logger.warning("Job %s: other failed pages of job %s are lost: %s", job.id, job.replay.job, error)
    if not failed:
        return ""
    keys = JobKeys(client=job.client, job=job.id)
    with tempfile.TemporaryDirectory(prefix=f"crawlery-{job.id}-", dir=ground.settings.folder) as folder:
        path = Path(folder) / "replay"
        with ReplayWriter(path, keys) as writer:
            for page in failed:
                writer.add_failed(page)
            async for name, ids in replays.ids():
                writer.add_ids(name, ids)
        return await in_thread(_put, ground, keys, path)


def _left(ground: Ground, key: str, taken: str) -> list[FailedPage]:
    """Pages that were left, but those of one outcome."""
    left = []
    for entry in read_replay(ground.objects, key):
        if isinstance(entry, KnownIds):
            break
        if entry.outcome != taken:
            left.append(entry)
    return left


def _put(ground: Ground, keys: JobKeys, path: Path) -> str:
    key = keys.new_file("replay", "zst")
    with path.open("rb") as file:
        ground.objects.put(key, file, content_type=CONTENT_TYPE)
    return key


# --- books ------------------------------------------------------------------------------------------------------------


async def books_with(ground: Ground, job: Job, earlier: Before, own: Ledger) -> LedgerSummary:
    """The books of a job and of those before it, as if one had done it all; of rows only its own.

    A page that is fetched again counts once, with what it came to in the end; so does the start page.

    Raises:
        StoreError: the store refuses us.
    """
    rejected = own.rejected + own.not_unique
    if job.replay is None or earlier.missing:
        return LedgerSummary(accepted=own.accepted, settled=dict(own.settled), rejected=rejected)
    again = await RedisReplays(ground.store, job=job.id).replayed()
    settled = Counter(earlier.books.settled)
    settled.update(own.settled)
    settled.subtract({job.replay.outcome: again, "ok": 1})
    return LedgerSummary(
        accepted=earlier.books.accepted + own.accepted - again - 1,
        settled=dict(+settled),
        rejected=earlier.books.rejected + rejected,
    )
