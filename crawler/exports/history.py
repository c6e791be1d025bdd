"""What earlier runs of a series were like, kept beside the files: one small object for each run.

    -runs/CLIENT/RECIPE/SERIES/CREATED_MS-JOB.json

A record says the same whoever writes it, for it is made of the manifest of its job alone: whoever finds a manifest may
write it again. A run that was withheld leaves one, too, which counts once a person has published the run. The store
keeps copies (`crawler.jobs.run_records`), so that either may be lost; a laptop has a folder, and no copies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import NoSuchObject
from crawler.exports.bands import BandsInForce, EarlierRun, bands_for
from crawler.exports.figures import Figures  # noqa: TC001 - msgspec reads the types of `RunRecord`
from crawler.exports.keys import JobKeys, run_key, run_of, runs_prefix
from crawler.exports.overrides import read_override
from crawler.jobs.model import Outcome, State
from crawler.jobs.outcomes import HARMLESS
from crawler.recipe.quality_plan import BandsRule  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: Older runs than so many of a series are forgotten.
MOST_RUNS: Final = 200

#: A page that does not exist: no row is lost with it.
_NOT_THERE: Final = frozenset({"http_404"})

CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """One run of a series.

    Attributes:
        v: of the format.
        job: which run.
        client: whose.
        recipe: its name.
        series: of which.
        at_ms: when it ended, ms since 1970.
        figures: what was counted of it.
        rule: how its recipe has runs compared.
        withheld: it was not what its recipe asks for.
        overridden: a person has published it all the same.
    """

    v: int = VERSION
    job: str
    client: str
    recipe: str
    series: str
    at_ms: int
    figures: Figures
    rule: BandsRule
    withheld: bool = False
    overridden: bool = False

    @property
    def key(self) -> str:
        """Of its object."""
        return run_key(self.client, self.recipe, self.series, at_ms=self.at_ms, job=self.job)


def record_of(manifest: Manifest, *, overridden: bool = False) -> RunRecord | None:
    """What a run is remembered by; None if it teaches nothing, whatever a person says.

    Only whole runs teach: none that was cancelled or lost pages (see `has_lost_nothing`), and no replay. One that was
    withheld waits for a person.
    """
    judged = manifest.judged
    rule = judged.bands.rule
    if not judged.bands.series or rule is None or manifest.joined:
        return None
    is_good = manifest.outcome is Outcome.COMPLETE or (
        manifest.outcome is Outcome.PARTIAL
        and has_lost_nothing(manifest.ledger.settled)
        and not manifest.ledger.unfetched
    )
    is_whole = manifest.state is State.SUCCEEDED and is_good
    if not is_whole and not (manifest.withheld and manifest.outcome is Outcome.QUALITY_FAILED):
        return None
    return RunRecord(
        job=manifest.job,
        client=manifest.client,
        recipe=manifest.recipe,
        series=judged.bands.series,
        at_ms=manifest.created_ms,
        figures=judged.figures,
        rule=rule,
        withheld=manifest.withheld,
        overridden=overridden,
    )


def has_lost_nothing(settled: Mapping[str, int]) -> bool:
    """Whether no page failed but those that do not exist.

    Sites have dead links: if these kept a run from teaching, most would never have enough runs. How many there are is a
    figure of its own.
    """
    return {outcome for outcome, count in settled.items() if count} <= HARMLESS | _NOT_THERE


def encode_record(record: RunRecord) -> bytes:
    """JSON: the same bytes for the same record."""
    return msgspec.json.encode(record, order="deterministic")


def decode_record(encoded: bytes) -> RunRecord | None:
    """The record; None of anything else, or of a newer version: a run less to learn from is no reason to fail."""
    try:
        record = msgspec.json.decode(encoded, type=RunRecord)
    except (msgspec.DecodeError, ValueError):
        return None
    return record if record.v == VERSION else None


def write_record(objects: ObjectStore, record: RunRecord) -> None:
    """Remembers a run; the same one again replaces it. The oldest runs of a long series are forgotten.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    objects.put(record.key, encode_record(record), content_type=CONTENT_TYPE)
    prefix = runs_prefix(record.client, record.recipe, record.series)
    old = sorted(info.key for info in objects.list(prefix))[:-MOST_RUNS]
    if old:
        objects.delete(old)


def read_records(
    objects: ObjectStore, client: str, recipe: str, series: str, *, most: int, copies: Mapping[str, RunRecord]
) -> list[RunRecord]:
    """The newest runs of a series, the oldest first, from the storage of files and from copies of what was there.

    Args:
        objects: where they lie.
        client: whose.
        recipe: its name.
        series: of which.
        most: so many runs that teach are enough.
        copies: by job, what the store has.

    Raises:
        ObjectStoreError: the storage of files does not answer.
    """
    places = dict(_listed(objects, runs_prefix(client, recipe, series)))
    places |= {job: record.at_ms for job, record in copies.items()}
    found: list[RunRecord] = []
    for job, at_ms in sorted(places.items(), key=lambda place: (place[1], place[0]), reverse=True):
        record = copies.get(job) or _read(objects, run_key(client, recipe, series, at_ms=at_ms, job=job))
        if record is None:
            continue
        found.append(_asked_again(objects, record))
        if sum(teaches(each) for each in found) >= most:
            break
    return found[::-1]


def teaches(record: RunRecord) -> bool:
    """Whether later runs are compared with it."""
    return record.overridden or not record.withheld


def earlier_runs(records: list[RunRecord], *, but: str = "") -> list[EarlierRun]:
    """Those that teach, but for one job: it is not compared with itself."""
    return [
        EarlierRun(job=record.job, at_ms=record.at_ms, figures=record.figures, is_overridden=record.overridden)
        for record in records
        if teaches(record) and record.job != but
    ]


def series_of_recipe(objects: ObjectStore, client: str, recipe: str) -> dict[str, str]:
    """The series of a recipe, those with the newest runs first, and the newest job of each.

    Raises:
        ObjectStoreError: the storage of files does not answer.
    """
    newest: dict[str, tuple[int, str]] = {}
    for info in objects.list(runs_prefix(client, recipe)):
        run = run_of(info.key)
        if run is not None:
            series, at_ms, job = run
            newest[series] = max(newest.get(series, (0, "")), (at_ms, job))
    ordered = sorted(newest.items(), key=lambda each: each[1], reverse=True)
    return {series: job for series, (_, job) in ordered}


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What the next run of a series should be like.

    Attributes:
        series: which.
        job: its newest run.
        at_ms: when that ended, ms since 1970.
        bands: see `BandsInForce`.
    """

    series: str
    job: str
    at_ms: int
    bands: BandsInForce


def learned_of_recipe(objects: ObjectStore, client: str, recipe: str, *, most: int = 5) -> list[Learned]:
    """What the next runs of a recipe should be like: of so many series, those with the newest runs first.

    Raises:
        ObjectStoreError: the storage of files does not answer.
    """
    found = []
    try:
        known = list(series_of_recipe(objects, client, recipe))
    except ValueError:  # no recipe can be called so
        return []
    for series in known[:most]:
        newest = read_records(objects, client, recipe, series, most=1, copies={})
        if not newest:
            continue
        rule = newest[-1].rule
        records = read_records(objects, client, recipe, series, most=rule.window, copies={})
        bands = bands_for(earlier_runs(records), rule, series=series)
        found.append(Learned(series=series, job=newest[-1].job, at_ms=newest[-1].at_ms, bands=bands))
    return found


def _listed(objects: ObjectStore, prefix: str) -> Iterator[tuple[str, int]]:
    for info in objects.list(prefix):
        run = run_of(info.key)
        if run is not None:
            yield run[2], run[1]


def _read(objects: ObjectStore, key: str) -> RunRecord | None:
    try:
        return decode_record(objects.get(key))
    except NoSuchObject:
        return None


def _asked_again(objects: ObjectStore, record: RunRecord) -> RunRecord:
    """A run that was withheld may have been published by somebody who died before it was noted here."""
    if not record.withheld or record.overridden:
        return record
    override = read_override(objects, JobKeys(client=record.client, job=record.job))
    return record if override is None else replace(record, overridden=True)
