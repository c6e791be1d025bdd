"""What a job was judged by, as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime

from crawler.cli.job_quality import band_lines, published_line, quality_lines, quality_of
from crawler.client.model import Band, Bands, Coverage, Figures, JobQuality, Publication
from crawler.exports.bands import BandsInForce, EarlierRun, bands_for
from crawler.exports.figures import Covered
from crawler.exports.figures import Figures as Counted
from crawler.exports.manifest import Judged, Manifest
from crawler.exports.overrides import Override
from crawler.jobs.model import Outcome, State
from crawler.recipe.quality_plan import BandsRule

DONE = Publication(at=datetime(2026, 11, 29, 12, 0, tzinfo=UTC), by="alice", key="k1", reason="it is right")


def test_errors_gaps_bands_and_who_has_published_it_are_lines():
    judged = JobQuality(
        job="j",
        figures=Figures(
            fetched=200,
            http_errors={"timeout": 1, "http_404": 3},
            http_error_share=0.02,
            coverage=(
                Coverage(item="a", field="x", places=9, filled=9, share=1.0),
                Coverage(item="a", field="y", places=1_000, filled=914, share=0.914),
                Coverage(item="a", field="z", places=0, filled=0),
            ),
        ),
        bands=Bands(
            runs=6,
            minimum_runs=5,
            figures=(
                Band(figure="rows.a", runs=6, median=1_000, low=950, high=1_050, value=914, kept=False),
                Band(figure="coverage.a.y", runs=6, median=0.92, low=0.91, value=0.914),
            ),
        ),
        published=DONE,
    )
    assert list(quality_lines(judged)) == [
        "  errors    2.0% of 200 pages (http_404 3, timeout 1)",
        "  coverage  1 of 3 fields are filled everywhere",
        "  coverage  a.y 91.4% (914 of 1,000)",
        "  band      rows.a: 950 to 1,050 (median 1,000 of 6 runs); here 914  <- outside",
        "  band      coverage.a.y: at least 91.0% (median 92.0% of 6 runs); here 91.4%",
        "  published 2026-11-29 12:00:00 UTC by alice (key k1): it is right",
    ]


def test_a_job_that_was_compared_with_nothing_says_why():
    assert list(quality_lines(JobQuality(job="j", bands=Bands(why="only 2 runs")))) == ["  bands     only 2 runs"]


def test_where_the_next_run_should_be_has_no_value():
    (line,) = band_lines((Band(figure="rejected", runs=5, median=0.0, high=0.01),))
    assert line == "rejected: at most 1.0% (median 0.0% of 5 runs)"


def test_a_command_has_no_key():
    assert published_line(Publication(by="root@here", reason="x")) == "published - by root@here: x"


def test_a_manifest_is_told_in_the_words_of_the_api():
    figures = Counted(rows={"a": 3}, coverage=(Covered(item="a", field="x", places=3, filled=2),))
    earlier = [EarlierRun(job=f"j{number}", at_ms=number, figures=figures) for number in range(3)]
    bands = bands_for(earlier, BandsRule(minimum_runs=3), series="s", of=figures)
    manifest = Manifest(
        job="j", client="c", state=State.FAILED, outcome=Outcome.QUALITY_FAILED, withheld=True, why=("few",),
        judged=Judged(figures=figures, bands=bands), created_ms=1,
    )  # fmt: skip
    told = quality_of(manifest, None)
    assert (told.withheld, told.published, told.why, told.bands.runs) == (True, None, ("few",), 3)
    assert [band.figure for band in told.bands.figures] == [band.figure for band in bands.bands]
    override = Override(job="j", client="c", manifest_sha256="0", by="alice", reason="right", at_ms=1_000)
    told = quality_of(manifest, override)
    assert (told.withheld, told.published.at) == (False, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert quality_of(Manifest(job="j", client="c", state=State.SUCCEEDED, outcome=Outcome.COMPLETE, created_ms=1),
                      None).bands == Bands()  # fmt: skip
    assert BandsInForce().minimum_runs == 0
