"""Turns what a finished job has into its files, and ends it.

The rows that still wait become the last segments, the files are composed from all of them and judged, and then one
object is written on condition that it is new: the manifest, after which the job has ended whatever the store says. A
steward that finds a manifest adopts it. Everything before may be done twice; only objects that nothing names remain of
it, which are listed for those who clean up.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.errors import CrawleryError, NoSuchObject, SegmentDamaged
from crawler.exports.compose import compose, plan_exports
from crawler.exports.coverage import CountedRows
from crawler.exports.intents import forget_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import Judged, Manifest, orphans, publish, read_manifest
from crawler.exports.quality import JobBooks, Verdict, judge_job, never_fetched
from crawler.frontier.replays import RedisReplays
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.rows import NOTE
from crawler.jobs.states import terminal_state
from crawler.recipe.loader import load_recipe_text
from crawler.steward.ground import in_thread
from crawler.steward.judging import bands_in_force, remember
from crawler.steward.replays import Before, FirstJobGone, before, books_with, leave
from crawler.steward.series import advance, series_of

if TYPE_CHECKING:
    from crawler.exports.compose import ComposedFile
    from crawler.frontier.contract import Ledger
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.model import Job
    from crawler.jobs.segments import Segment
    from crawler.jobs.store_contract import StoredJob
    from crawler.recipe.model import Recipe
    from crawler.steward.export import Export
    from crawler.steward.ground import Ground
    from crawler.steward.series import Unrelated

logger: Final = logging.getLogger(__name__)

#: By so much the clock of the storage may be ahead of ours.
_ANY_CLOCK_S: Final = 86400.0

#: What fails again and again is tried so often at least, in seconds.
_LONGEST_PAUSE_S: Final = 30.0


class RowsDoNotAddUp(CrawleryError):
    """Segments and books of a job name different numbers of rows: an invariant is broken, and a person has to look."""


class JobRunsAgain(CrawleryError):
    """The store has forgotten that a job takes no more pages: it was rewound while its files were about to be made."""


class Finish:
    """See the module."""

    def __init__(self, ground: Ground, export: Export) -> None:
        self._ground = ground
        self._export = export
        self._put_off: dict[str, tuple[float, float]] = {}  # by job: for so long, and until when (monotonic)

    def is_put_off(self, job: str) -> bool:
        """Whether it has failed a moment ago: a composition reads all rows, and is not to be repeated each second."""
        return job in self._put_off and time.monotonic() < self._put_off[job][1]

    def forget(self, job: str) -> None:
        """A job has ended."""
        self._put_off.pop(job, None)

    async def run(self, stored: StoredJob) -> bool:
        """Finishes a job that takes no more pages; whether it has ended.

        What fails is put off, for longer each time.

        Raises:
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files does.
            RowsDoNotAddUp: rows are missing, or there are too many; nothing is published.
            JobRunsAgain: the store has forgotten that the job had ended; nothing is published.
        """
        job = stored.job.id
        if stored.status.state is not State.FINISHING or self.is_put_off(job):
            return False
        try:
            ended = await self._run(stored)
        except (CrawleryError, OSError):
            pause_s = min(_LONGEST_PAUSE_S, 2 * self._put_off.get(job, (self._ground.settings.tick_s / 2, 0.0))[0])
            self._put_off[job] = pause_s, time.monotonic() + pause_s
            raise
        self.forget(job)
        return ended

    async def _run(self, stored: StoredJob) -> bool:
        objects, job = self._ground.objects, stored.job
        keys = JobKeys(client=job.client, job=job.id)
        manifest = await in_thread(read_manifest, objects, keys)
        if manifest is None:
            if not await self._export.run(job, flush=True):
                return False
            manifest = await self._published(stored, keys)
        else:
            await advance(self._ground, manifest)
        await remember(self._ground, manifest)
        await self._clean_up(job, keys, manifest)
        await self._end(job, manifest)
        return True

    async def _published(self, stored: StoredJob, keys: JobKeys) -> Manifest:
        """The manifest, which says that the job has ended: ours, or that of another steward."""
        ground, job = self._ground, stored.job
        segments = await ground.rows(job.id).segments()
        books = await ground.frontier(job.id).ledger()
        # Asked after the segments: a store that was rewound before says so here. What was read before that is whole.
        if not books.closed:
            raise JobRunsAgain(f"job {job.id} takes pages again: the store has forgotten that it had ended")
        check_rows(segments, books)
        try:
            return await self._publish(stored, keys, segments, books, await before(ground, job))
        except (FirstJobGone, NoSuchObject, SegmentDamaged) as error:
            if job.replay is None:
                raise
            missing = f"the rows of job {job.replay.job}, which it replays, cannot be had: {error}"
            return await self._publish(stored, keys, segments, books, Before(missing=missing))

    async def _publish(
        self, stored: StoredJob, keys: JobKeys, segments: tuple[Segment, ...], books: Ledger, earlier: Before
    ) -> Manifest:
        ground, job = self._ground, stored.job
        recipe = recipe_of(job)
        row_keys = {item: contract.key for item, contract in recipe.items.items()} if recipe is not None else None
        rows = await in_thread(CountedRows, ground.objects, (*earlier.segments, segments), keys=row_keys, recipe=recipe)
        async with series_of(ground, job, recipe, rows) as series:
            manifest = await self._judged(stored, books, earlier, series, rows)
            manifest = await in_thread(publish, ground.objects, keys, replace(manifest, segments=segments, chain=""))
            await advance(ground, manifest)
        return manifest

    async def _judged(
        self,
        stored: StoredJob,
        books: Ledger,
        earlier: Before,
        series: Unrelated,
        rows: CountedRows,
    ) -> Manifest:
        """What the job has come to, but for its segments; all that it names has been put.

        A job is judged by its rows when they have been read once: when they were compared with those of earlier runs,
        otherwise when its files are there.
        """
        ground, job, recipe = self._ground, stored.job, rows.recipe
        keys = JobKeys(client=job.client, job=job.id)
        attempts = await RedisAttempts(ground.store).of(job.id)
        ledger = replace(await books_with(ground, job, earlier, books), rows=dict(rows.counts))
        intended = stored.status.intended
        if intended is None:
            raise AssertionError("a job that is finishing is to come to something")
        replay_key, now_ms = await leave(ground, job, earlier), await ground.now_ms()
        files = () if series.is_compared else await self._composed(keys, recipe, series)
        judged = JobBooks(
            settled=ledger.settled,
            rows=series.seen({**dict.fromkeys(rows.items, 0), **ledger.rows}),
            rejected=ledger.rejected,
            open=books.open + books.staged,
            closed=books.closed,
            intended=intended,
            cancelled_before=earlier.books.settled.get("cancelled", 0),
            unfetched_before=earlier.books.unfetched,
            coverage=series.covered(rows.covered),
            with_start=True,
            unasked=series.unasked,
        )
        bands = await bands_in_force(ground, job, recipe, judged)
        verdict = judge_job(recipe, judged, bands)
        if intended is Intended.FAIL and stored.status.why:
            verdict = replace(verdict, sentences=(stored.status.why, *verdict.sentences))
        if earlier.missing:
            sentences = (earlier.missing, *verdict.sentences)
            verdict = Verdict(outcome=Outcome.QUALITY_FAILED, withheld=True, sentences=sentences)
        await series.settle(verdict, judged)
        if series.is_compared:
            files = await self._composed(keys, recipe, series)
        state = terminal_state(intended, verdict.outcome)
        record = job_record(stored, state=state, outcome=verdict.outcome, books=books, attempts=attempts)
        await in_thread(ground.objects.put, keys.record, record, content_type="application/json")
        return Manifest(
            job=job.id,
            client=job.client,
            recipe=job.recipe or job.spider,
            recipe_sha256=job.recipe_sha256,
            state=state,
            outcome=verdict.outcome,
            withheld=verdict.withheld,
            why=verdict.sentences,
            files=files,
            series=await series.put(),
            joined=earlier.jobs,
            replay_key=replay_key,
            ledger=replace(ledger, unfetched=tuple(never_fetched(judged))),
            judged=Judged(figures=judged.figures, bands=bands),
            created_ms=now_ms,
        )

    async def _composed(self, keys: JobKeys, recipe: Recipe | None, series: Unrelated) -> tuple[ComposedFile, ...]:
        ground, rows = self._ground, series.rows
        with tempfile.TemporaryDirectory(prefix=f"crawlery-{keys.job}-", dir=ground.settings.folder) as folder:
            plans = plan_exports(recipe, rows.counts)
            return await in_thread(compose, ground.objects, keys, rows, plans, folder=Path(folder))

    async def _end(self, job: Job, manifest: Manifest) -> None:
        why = "; ".join(manifest.why)
        await self._ground.jobs.adopt(job.id, State(manifest.state), outcome=Outcome(manifest.outcome), why=why)
        self._export.forget(job.id)
        rows = sum(manifest.ledger.rows.values())
        logger.info(
            "Job %s %s, %s: %d rows, %d files", job.id, manifest.state, manifest.outcome, rows, len(manifest.files)
        )

    async def _clean_up(self, job: Job, keys: JobKeys, manifest: Manifest) -> None:
        """What may fail here does not matter: the manifest is there, and retention comes by later."""
        with contextlib.suppress(CrawleryError):
            # Nobody else composes this job any more, so even the youngest of them will never be named.
            nameless = await in_thread(
                orphans, self._ground.objects, keys, manifest, older_than_s=0, now_s=time.time() + _ANY_CLOCK_S
            )
            if nameless:
                listed = msgspec.json.encode([info.key for info in nameless])
                await in_thread(self._ground.objects.put, keys.orphans, listed, content_type="application/json")
            await RedisReplays(self._ground.store, job=job.id).tidy()
            await in_thread(forget_intent, self._ground.objects, job.id)


def recipe_of(job: Job) -> Recipe | None:
    """The recipe as the job has it; None for an ordinary spider."""
    return load_recipe_text(job.recipe_text, name=job.recipe) if job.recipe_text else None


def check_rows(segments: tuple[Segment, ...], books: Ledger) -> None:
    """Whether the segments have the rows that the books name.

    Raises:
        RowsDoNotAddUp: they have not.
    """
    recorded: dict[str, int] = {}
    for segment in segments:
        for item, count in segment.rows.items():
            if item != NOTE:
                recorded[item] = recorded.get(item, 0) + count
    kept = {item: count for item, count in books.rows.items() if count}
    if recorded != kept:
        raise RowsDoNotAddUp(f"its segments have rows {recorded}, its books say {kept}; nothing is published")


def job_record(
    stored: StoredJob, *, state: State, outcome: Outcome, books: Ledger, attempts: tuple[Attempt, ...]
) -> bytes:
    """A job as JSON, for people and programs that look at it when it has left the store; its secret is not in it."""
    order = {name: getattr(stored.job, name) for name in stored.job.__slots__ if name != "secret"}
    status: dict[str, Any] = {name: getattr(stored.status, name) for name in stored.status.__slots__}
    whole = {
        "v": 1,
        "job": order,
        "status": {**status, "state": state, "outcome": outcome},
        "ledger": books,
        "attempts": attempts,
    }
    return msgspec.json.format(msgspec.json.encode(whole, order="deterministic", enc_hook=str))
