"""What a job of an incremental recipe means for its series: what has changed, and what the next run is to know.

Its rows are compared with the newest state of the series, whoever has made that. The state that follows is put before
the manifest, which names it, and counts when a pointer to it has been put after the manifest: everybody who finds that
repeats it. One job of a series at a time does this; a steward that has lost its hold may still make two states of one
order, of which one counts, and what only the other one knew is read again by the next run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, NoSuchObject, StateDamaged
from crawler.exports import series_store
from crawler.exports.changes import CHANGED, NEW, SAME, ChangedRows
from crawler.exports.coverage import Coverage, with_carried
from crawler.exports.keys import JobKeys, SeriesKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.page_notes import note_of
from crawler.exports.quality import never_fetched
from crawler.exports.series import recipe_digest, series_of_job
from crawler.exports.series_state import Carried, Comparison, RunState, StateMeta, told_of
from crawler.exports.series_store import Pointer, SeriesRecord
from crawler.frontier.contract import FINISHED
from crawler.jobs.holds import Holds
from crawler.jobs.model import Intended, Outcome
from crawler.jobs.outcomes import FAILURES
from crawler.jobs.rows import NOTE
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from crawler.exports.changes import CountedRows
    from crawler.exports.figures import Covered
    from crawler.exports.joined import JoinedRows
    from crawler.exports.manifest import Manifest
    from crawler.exports.quality import JobBooks, Verdict
    from crawler.jobs.model import Job
    from crawler.recipe.incremental import Incremental
    from crawler.recipe.model import Recipe
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: A hold is prolonged after this part of its life.
_SOONER: Final = 1 / 3

#: Pages that failed so are not there (any more): a run that has read all others has seen everything there is.
_NOT_THERE: Final = "http_404"

#: Jobs of these outcomes are built upon.
_GOOD: Final = frozenset({Outcome.COMPLETE, Outcome.PARTIAL})


class SeriesBusy(CrawleryError):
    """The files of another job of the series are being made; it is tried again when they are."""


class Unrelated:
    """A job that belongs to no series.

    Attributes:
        rows: as files get them.
        is_compared: they have been read once, to be compared with those of earlier runs.
    """

    is_compared = False

    def __init__(self, rows: CountedRows) -> None:
        self.rows: CountedRows = rows

    def seen(self, rows: Mapping[str, int]) -> dict[str, int]:
        """The rows that there are, of those that were read: what the recipe asks for is judged by them."""
        return dict(rows)

    def covered(self, coverage: tuple[Covered, ...]) -> tuple[Covered, ...]:
        """The coverage of the same rows, made of that of those that were read."""
        return coverage

    @property
    def unasked(self) -> int:
        """Pages that are known to be unchanged without having been asked for."""
        return 0

    async def settle(self, verdict: Verdict, books: JobBooks) -> None:
        """The job is judged: what follows for the series, and which rows are gone."""

    async def put(self) -> SeriesRecord | None:
        """Puts what the next run is to know, if this one is to be built upon; for the manifest.

        Raises:
            ObjectStoreError: the storage of files refuses us.
        """
        return None


class InSeries(Unrelated):
    """A job of an incremental recipe whose rows have been compared."""

    is_compared = True

    def __init__(self, ground: Ground, job: Job, recipe: Recipe, incremental: Incremental, folder: Path) -> None:
        """`folder`: for the files of this job, which go with it."""
        self._ground = ground
        self._job = job
        self._incremental = incremental
        self._recipe = recipe
        self._recipe_sha256 = recipe_digest(recipe.resolved)
        self._keys = SeriesKeys(job.client, series_of_job(job, recipe))
        self._path = folder / "state"
        self._signs = folder / "signs"
        self._row_keys = {item: contract.key for item, contract in recipe.items.items()}
        self._counts: Counter[str] = Counter()
        self._carried = Carried()
        self._gone = 0
        self._base = ""
        self._commits = False
        self._state: RunState | None = None

    @property
    def series(self) -> str:
        """Its id."""
        return self._keys.series

    # --- in a thread ---

    def compare(self, rows: JoinedRows, *, base: str | None) -> None:
        """Compares all rows with a state: that of the key `base`, or the newest for None.

        Raises:
            ObjectStoreError: the storage of files does not answer.
            SegmentDamaged: rows are not what was recorded.
            OSError: the folder is full.
        """
        order = self._fetch(base)
        with told_of(self._path):
            state = self._state = self._opened()
            state.order = max(state.order, order + 1)
            self._compare(rows, state)

    def _opened(self) -> RunState:
        incremental = self._incremental
        comparison = Comparison(only=incremental.only, ignore=incremental.ignore)
        cover = Coverage(self._recipe).cover
        try:
            with told_of(self._path):
                return RunState(self._path, keys=self._row_keys, comparison=comparison, cover=cover)
        except StateDamaged as error:
            self._begin_anew(error)
            return RunState(self._path, keys=self._row_keys, comparison=comparison, cover=cover)

    def _begin_anew(self, error: CrawleryError) -> None:
        logger.warning("Job %s: what its series knows cannot be had, and it begins anew: %s", self._job.id, error)
        self._base = ""
        self._path.unlink(missing_ok=True)

    def _compare(self, rows: JoinedRows, state: RunState) -> None:
        with self._signs.open("wb", buffering=1024 * 1024) as signs:
            for row in rows.with_notes():
                if row.item == NOTE:
                    state.add_note(note_of(row.values), page=row.page)
                    continue
                sign = state.add_row(row.item, row.values, page=row.page)
                self._counts[sign] += 1
                signs.write(sign.encode())
        self._carried = state.all_here(recipe=self._recipe_sha256)
        self.rows = ChangedRows(rows, self._signs, state.gone)

    def _fetch(self, base: str | None) -> int:
        """Fetches the state; the order of the newest one."""
        objects = self._ground.objects
        pointer = series_store.newest(objects, self._keys)
        key = base if base is not None else pointer.state if pointer is not None else ""
        try:
            if key:
                series_store.fetch(objects, key, self._path)
                self._base = key
        except (NoSuchObject, StateDamaged) as error:
            self._begin_anew(error)
        return pointer.order if pointer is not None else 0

    def _settle(self, *, is_whole: bool, began_ms: int) -> None:
        state = self._open
        meta = StateMeta(
            order=state.order,
            job=self._job.id,
            recipe=self._recipe_sha256,
            whole_ms=began_ms if is_whole else state.before.whole_ms,
        )
        with told_of(self._path):
            self._gone = state.settle(meta, is_whole=is_whole, gone_after=self._incremental.gone_after)

    def _put(self) -> str:
        with told_of(self._path):
            self._open.finish()
        return series_store.put(self._ground.objects, self._keys, self._job.id, self._path)

    # --- on the loop ---

    def seen(self, rows: Mapping[str, int]) -> dict[str, int]:
        """Those that were read, and those of pages that are unchanged."""
        return {item: rows.get(item, 0) + self._carried.rows[item] for item in {**rows, **self._carried.rows}}

    def covered(self, coverage: tuple[Covered, ...]) -> tuple[Covered, ...]:
        """Of rows that were read, and those of pages that are unchanged."""
        return with_carried(coverage, self._carried.covers, self._recipe)

    @property
    def unasked(self) -> int:
        """See above."""
        return self._carried.pages

    async def settle(self, verdict: Verdict, books: JobBooks) -> None:
        """Only a run that has read everything can tell what is gone."""
        is_replay = self._job.replay is not None
        good = books.intended is Intended.SUCCEED and verdict.outcome in _GOOD and not verdict.withheld
        self._commits = good and not is_replay
        is_whole = self._commits and _is_whole(books) and not self._carried.unknown
        await in_thread(self._settle, is_whole=is_whole, began_ms=self._job.created_ms)

    async def put(self) -> SeriesRecord:
        """See above."""
        state = await in_thread(self._put) if self._commits else ""
        return SeriesRecord(
            series=self._keys.series,
            base=self._base,
            state=state,
            order=self._open.order if state else 0,
            new=self._counts[NEW],
            changed=self._counts[CHANGED],
            unchanged=self._counts[SAME],
            carried=self._carried.rows.total(),
            gone=self._gone,
        )

    def close(self) -> None:
        """Lets its files go."""
        if self._state is not None:
            with self._state:
                self._state = None

    @property
    def _open(self) -> RunState:
        if self._state is None:
            raise AssertionError("what is compared is open")
        return self._state


@contextlib.asynccontextmanager
async def series_of(ground: Ground, job: Job, recipe: Recipe | None, rows: JoinedRows) -> AsyncIterator[Unrelated]:
    """The job in its series, with its rows compared; one that belongs to none, if its recipe is not incremental.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does.
        SegmentDamaged: rows are not what was recorded.
        SeriesBusy: another job of the series is being finished.
        OSError: the folder is full.
    """
    if recipe is None or recipe.incremental is None:
        yield Unrelated(rows)
        return
    with tempfile.TemporaryDirectory(prefix=f"crawlery-series-{job.id}-", dir=ground.settings.folder) as folder:
        ours = InSeries(ground, job, recipe, recipe.incremental, Path(folder))
        holds, name = Holds(ground.store), f"series:{ours.series}"  # of this job alone
        if not await holds.hold(name, ttl_s=ground.settings.hold_s):
            raise SeriesBusy("the files of another job of the same recipe and inputs are being made")
        keeper = asyncio.ensure_future(_keep(holds, name, ttl_s=ground.settings.hold_s))
        try:
            await in_thread(ours.compare, rows, base=await _base(ground, job))
            yield ours
        finally:
            keeper.cancel()
            await in_thread(ours.close)
            with contextlib.suppress(CrawleryError):
                await holds.let_go(name)


async def _keep(holds: Holds, name: str, *, ttl_s: float) -> None:
    while True:
        await asyncio.sleep(ttl_s * _SOONER)
        with contextlib.suppress(CrawleryError):
            await holds.hold(name, ttl_s=ttl_s)


async def _base(ground: Ground, job: Job) -> str | None:
    """The state that a replay is compared with: that of its first job, whose files its own are to be."""
    if job.replay is None:
        return None
    first = await in_thread(read_manifest, ground.objects, JobKeys(client=job.client, job=job.replay.job))
    return first.series.base if first is not None and first.series is not None else None


def _is_whole(books: JobBooks) -> bool:
    """Whether everything there is was seen, read or known to be unchanged. A page that is not there holds nothing."""
    failed = sum(count for outcome, count in books.settled.items() if outcome in FAILURES and outcome != _NOT_THERE)
    return books.closed == FINISHED and not (failed or never_fetched(books) or books.settled.get("cancelled", 0))


async def advance(ground: Ground, manifest: Manifest) -> None:
    """Lets the state that a manifest names count; safe to repeat.

    Raises:
        ObjectStoreError: the storage of files refuses us.
    """
    record = manifest.series
    if record is None or not record.state:
        return
    pointer = Pointer(
        order=record.order,
        job=manifest.job,
        state=record.state,
        recipe=manifest.recipe,
        made_ms=manifest.created_ms,
    )
    await in_thread(series_store.advance, ground.objects, SeriesKeys(manifest.client, record.series), pointer)
