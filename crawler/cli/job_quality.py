"""What a job was judged by, in the words of the API, and as lines for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from crawler.client.model import Band, Bands, Coverage, Figures, JobQuality, LearnedSeries, Publication
from crawler.exports.bands import Band as LearnedBand
from crawler.exports.figures import percent
from crawler.exports.history import learned_of_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.exports.bands import BandsInForce
    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore
    from crawler.exports.overrides import Override

#: Fields that every row has are not named one by one.
_ALL: Final = 1.0


def publication_of(override: Override) -> Publication:
    """Who has published the files of a job."""
    at = datetime.fromtimestamp(override.at_ms / 1000, UTC)
    return Publication(at=at, by=override.by, key=override.key, reason=override.reason, job=override.job)


def quality_of(manifest: Manifest, override: Override | None) -> JobQuality:
    """What a job was judged by."""
    figures, bands = manifest.judged.figures, manifest.judged.bands
    return JobQuality(
        job=manifest.job,
        state=manifest.state,
        outcome=manifest.outcome,
        withheld=manifest.withheld and override is None,
        why=manifest.why,
        figures=Figures(
            rows=figures.rows,
            rejected=figures.rejected,
            rejected_share=figures.rejected_share,
            fetched=figures.fetched,
            http_errors=figures.http_errors,
            http_error_share=figures.error_share,
            coverage=tuple(
                Coverage(item=each.item, field=each.field, places=each.places, filled=each.filled, share=each.share)
                for each in figures.coverage
            ),
        ),
        bands=_bands(bands),
        published=None if override is None else publication_of(override),
    )


def learned_of(objects: ObjectStore, recipe: str, *, client: str = "local") -> list[LearnedSeries]:
    """Where the next runs of a recipe should be, of records in a storage or a folder.

    Raises:
        ObjectStoreError: it does not answer.
    """
    return [
        LearnedSeries(
            series=each.series,
            job=each.job,
            at=datetime.fromtimestamp(each.at_ms / 1000, UTC),
            bands=_bands(each.bands),
        )
        for each in learned_of_recipe(objects, client, recipe)
    ]


def _bands(bands: BandsInForce) -> Bands:
    return Bands(
        runs=bands.runs,
        minimum_runs=bands.minimum_runs,
        why=bands.sentence,
        figures=tuple(
            Band(
                figure=band.figure,
                runs=band.runs,
                median=band.median,
                low=band.low,
                high=band.high,
                value=band.value,
                kept=band.is_kept,
            )
            for band in bands.bands
        ),
    )


def quality_lines(judged: JobQuality) -> Iterator[str]:
    """What `job status` says of it, below all else."""
    figures = judged.figures
    if figures.http_errors:
        by_outcome = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(figures.http_errors.items()))
        yield f"  errors    {percent(figures.http_error_share)} of {figures.fetched:,} pages ({by_outcome})"
    full = sum(each.share == _ALL for each in figures.coverage)
    if full:
        yield f"  coverage  {full:,} of {len(figures.coverage):,} fields are filled everywhere"
    for each in figures.coverage:
        if each.share is not None and each.share < _ALL:
            yield f"  coverage  {each.item}.{each.field} {percent(each.share)} ({each.filled:,} of {each.places:,})"
    if judged.bands.why:
        yield f"  bands     {judged.bands.why}"
    yield from (f"  band      {line}" for line in band_lines(judged.bands.figures))
    if judged.published is not None:
        yield f"  {published_line(judged.published)}"


def band_lines(bands: tuple[Band, ...]) -> Iterator[str]:
    """One line for each figure: where it should be, and where it is."""
    for one in bands:
        band = LearnedBand(
            **{name: getattr(one, name) for name in ("figure", "runs", "median", "low", "high", "value")}
        )
        here = "" if band.value is None else f"; here {band.shown(band.value)}"
        mark = "" if one.kept else "  <- outside"
        yield f"{band.figure}: {band.range} (median {band.shown(band.median)} of {band.runs} runs){here}{mark}"


def published_line(done: Publication) -> str:
    """Who has published it, when and why."""
    at = done.at.strftime("%Y-%m-%d %H:%M:%S UTC") if done.at is not None else "-"
    key = f" (key {done.key})" if done.key else ""
    return f"published {at} by {done.by}{key}: {done.reason}"
