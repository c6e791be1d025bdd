"""Whether the rows of a job are what was asked for: judged by its books, before its manifest is put.

A crawl on a laptop is judged by the same rules (`crawler.extensions.crawl_summary`), and then tells more of itself: it
has seen its pages. Pure: whoever asks has read the books.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crawler.exports.figures import Covered, Figures, figures_of, percent
from crawler.jobs.model import Intended, Outcome
from crawler.jobs.outcomes import HARMLESS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.exports.bands import BandsInForce
    from crawler.recipe.model import Recipe
    from crawler.recipe.quality_plan import Quality

#: Limits that end a crawl before it has what was asked for; at the others it has it.
CUT_SHORT: Final = frozenset(
    {"limits.duration", "limits.stop_after_errors", "closespider_timeout", "closespider_errorcount"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobBooks:
    """What the books of a job say at its end, when nothing is leased any more.

    Attributes:
        settled: pages by outcome.
        rows: kept ones, by item.
        rejected: rows that pages gave and that broke their contract.
        open: pages that are not settled; 0 for a job that was closed.
        closed: why it takes no more pages.
        intended: what it is to come to.
        cancelled_before: of the pages that were cancelled, those of the jobs that this one replays.
        unfetched_before: `never_fetched` of those jobs.
        coverage: of the rows, as far as it was counted.
        with_start: one of the settled pages is none of the site: what made the first requests.
        unasked: pages that are known to be unchanged without having been asked for.
    """

    settled: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    open: int = 0
    closed: str = ""
    intended: Intended = Intended.SUCCEED
    cancelled_before: int = 0
    unfetched_before: tuple[str, ...] = ()
    coverage: tuple[Covered, ...] = ()
    with_start: bool = False
    unasked: int = 0

    @property
    def figures(self) -> Figures:
        """What the job is judged by."""
        return figures_of(
            rows=self.rows,
            rejected=self.rejected,
            settled=self.settled,
            coverage=self.coverage,
            with_start=self.with_start,
            unasked=self.unasked,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the files of a job are worth.

    Attributes:
        outcome: see `Outcome`.
        withheld: the files are kept, and given out only to those who ask for withheld ones.
        sentences: one for everything that kept it from `complete`.
    """

    outcome: Outcome
    withheld: bool = False
    sentences: tuple[str, ...] = ()


def judge_job(recipe: Recipe | None, books: JobBooks, bands: BandsInForce | None = None) -> Verdict:
    """The verdict on a job.

    A recipe must give at least one row; an ordinary spider need not. A job that was cancelled is not held against the
    number of rows that its recipe expects, since somebody has chosen that there be fewer.

    Args:
        recipe: of the job; None for an ordinary spider.
        books: of the job.
        bands: what it was compared with, if with anything.
    """
    rows = sum(books.rows.values())
    quality = recipe.quality if recipe is not None else None
    missed = quality_missed(quality, books.figures, is_whole=books.intended is not Intended.CANCEL)
    missed += bands.missed if bands is not None else []
    partial = [*failed_pages(books.settled), *never_fetched(books)]
    if missed:
        return Verdict(outcome=Outcome.QUALITY_FAILED, withheld=True, sentences=(*missed, *partial))
    if recipe is not None and not rows:
        rejected = f"; {books.rejected:,} were rejected" if books.rejected else ""
        return Verdict(outcome=Outcome.EMPTY, sentences=(f"there is no row{rejected}", *partial))
    outcome = Outcome.PARTIAL if partial else Outcome.COMPLETE
    return Verdict(outcome=outcome, sentences=tuple(partial))


def quality_missed(quality: Quality | None, figures: Figures, *, is_whole: bool = True) -> list[str]:
    """A sentence for each bound of a recipe's `quality` that is not kept.

    Args:
        quality: of the recipe, if it has any.
        figures: what was counted.
        is_whole: the crawl was to read everything; otherwise it may have fewer rows.
    """
    if quality is None:
        return []
    rows, rejected = sum(figures.rows.values()), figures.rejected
    missed = []
    if is_whole and quality.items_minimum is not None and rows < quality.items_minimum:
        missed.append(f"quality.items.minimum is {quality.items_minimum:,}; there are {rows:,} rows")
    if quality.items_maximum is not None and rows > quality.items_maximum:
        missed.append(f"quality.items.maximum is {quality.items_maximum:,}; there are {rows:,} rows")
    if quality.rejected_maximum is not None and rejected > quality.rejected_maximum:
        missed.append(f"quality.rejected.maximum is {quality.rejected_maximum:,}; {rejected:,} rows were rejected")
    share = figures.rejected_share
    if quality.rejected_maximum_share is not None and share > quality.rejected_maximum_share:
        allowed = quality.rejected_maximum_share
        missed.append(
            f"quality.rejected.maximum is {allowed:.1%}; {share:.1%} of the rows were rejected ({rejected:,})"
        )
    return [*missed, *_http_errors_missed(quality, figures), *_coverage_missed(quality, figures)]


def _http_errors_missed(quality: Quality, figures: Figures) -> Iterator[str]:
    by_outcome = ", ".join(f"{outcome} {count:,}" for outcome, count in figures.http_errors.items())
    most, share = quality.http_errors_maximum, quality.http_errors_maximum_share
    if most is not None and figures.errors > most:
        yield f"quality.http_errors.maximum is {most:,}; {pages(figures.errors)} came to an error ({by_outcome})"
    if share is not None and figures.error_share > share:
        yield (
            f"quality.http_errors.maximum is {share:.1%}; {figures.error_share:.1%} of {pages(figures.fetched)} came to"
            f" an error ({by_outcome})"
        )


def _coverage_missed(quality: Quality, figures: Figures) -> Iterator[str]:
    """Of a field that had no place to be in, nothing is missed: how many rows there are is another bound."""
    counted = {(each.item, each.field): each for each in figures.coverage}
    for bound in quality.coverage:
        found = counted.get((bound.item, bound.path))
        share = found.share if found is not None else None
        if found is not None and share is not None and share < bound.minimum_share:
            what = f"members of {bound.path.rpartition('[]')[0]}" if "[]" in bound.path else f"rows of {bound.item}"
            yield (
                f"quality.coverage.{bound.name} is {percent(bound.minimum_share)}; {percent(share)} of the"
                f" {found.places:,} {what} have it ({found.places - found.filled:,} lack it)"
            )


def failed_pages(settled: Mapping[str, int]) -> list[str]:
    """A sentence for each outcome that is a failure."""
    return [
        f"{pages(count)}: {outcome} ({OUTCOMES.get(outcome, 'an outcome that is not known here')})"
        for outcome, count in settled.items()
        if count and outcome not in HARMLESS
    ]


def pages(count: int) -> str:
    """So many pages."""
    return "1 page" if count == 1 else f"{count:,} pages"


def never_fetched(books: JobBooks) -> list[str]:
    """Sentences on pages that should have been fetched.

    Those beyond `limits.requests` or `limits.items` were not asked for.
    """
    found = list(books.unfetched_before)
    cancelled = books.settled.get("cancelled", 0) - books.cancelled_before
    if cancelled and (books.intended is not Intended.SUCCEED or books.closed in CUT_SHORT):
        why = books.closed or books.intended.value
        found.append(f"the job ended ({why}) with {pages(cancelled)} never fetched")
    if books.open:
        found.append(f"{pages(books.open)} not settled")
    return found
