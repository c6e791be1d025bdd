"""What a job is compared with before it is judged, and how its figures are remembered for the jobs after it.

Figures of earlier runs lie beside the files and, as copies, in the store. Either may be lost: whoever reads them writes
what is missing in one from the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crawler.errors import StoreError
from crawler.exports.bands import BandsInForce, bands_for
from crawler.exports.history import (
    decode_record,
    earlier_runs,
    encode_record,
    read_records,
    record_of,
    write_record,
)
from crawler.exports.series import series_of_job
from crawler.jobs.model import Intended
from crawler.jobs.run_records import RedisRunRecords
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.exports.history import RunRecord
    from crawler.exports.manifest import Manifest
    from crawler.exports.quality import JobBooks
    from crawler.jobs.model import Job
    from crawler.recipe.model import Recipe
    from crawler.recipe.quality_plan import BandsRule
    from crawler.steward.ground import Ground

#: A store without room is not waited for any longer: it has copies only.
_PATIENCE_S: Final = 2.0


async def bands_in_force(ground: Ground, job: Job, recipe: Recipe | None, books: JobBooks) -> BandsInForce:
    """What a job is compared with; nothing, if its recipe does not ask for it.

    Raises:
        ObjectStoreError: the storage of files does not answer.
    """
    rule = recipe.quality.bands if recipe is not None and recipe.quality is not None else None
    if recipe is None or rule is None:
        return BandsInForce()
    apart = _apart(job, books)
    if apart:
        return BandsInForce(rule=rule, sentence=apart)
    series = series_of_job(job, recipe)
    records = await _records(ground, job.client, recipe.name, series, rule)
    found = bands_for(earlier_runs(records, but=job.id), rule, series=series, of=books.figures)
    return found if job.replay is None else replace(found, series="")  # its rows teach nothing: others had most of them


def _apart(job: Job, books: JobBooks) -> str:
    """Why a job is no run like others of its series; "" if it is one."""
    if books.intended is not Intended.SUCCEED:
        return "a job that did not come to its own end is compared with none"
    ordered = {
        "limits.requests": job.limits.requests,
        "limits.items": job.limits.items,
        "limits.duration": job.limits.duration_s,
    }
    if ordered.get(books.closed) is not None:  # a limit of the recipe is the same for all of them
        return f"a job that its own {books.closed} has ended is compared with none"
    return ""


async def remember(ground: Ground, manifest: Manifest) -> None:
    """Keeps what later jobs are compared with; whoever finds the manifest may do it again.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    record = record_of(manifest)
    if record is None:
        return
    await in_thread(write_record, ground.objects, record)
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            await RedisRunRecords(ground.store, series=record.series).put(record.job, encode_record(record))


async def _records(ground: Ground, client: str, recipe: str, series: str, rule: BandsRule) -> list[RunRecord]:
    """Earlier runs, of which both places know then."""
    kept = RedisRunRecords(ground.store, series=series)
    encoded = await kept.all()
    copies = {job: record for job, one in encoded.items() if (record := decode_record(one)) is not None}
    objects = ground.objects
    records = await in_thread(read_records, objects, client, recipe, series, most=rule.window, copies=copies)
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            for record in records:
                if copies.get(record.job) != record:
                    await kept.put(record.job, encode_record(record))
            await kept.drop(encoded.keys() - {record.job for record in records})
    await in_thread(_restore, ground, records)
    return records


def _restore(ground: Ground, records: list[RunRecord]) -> None:
    """Writes what only the store has had."""
    for record in records:
        if ground.objects.info(record.key) is None:
            write_record(ground.objects, record)
