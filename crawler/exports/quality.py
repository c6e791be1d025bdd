"""Whether the rows of a job are what was asked for: judged by its books, before its manifest is put.

A crawl on a laptop is judged by the same rules (`crawler.extensions.crawl_summary`), and then tells more of itself: it
has seen its pages. Pure: whoever asks has read the books.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crawler.jobs.model import Intended, Outcome
from crawler.jobs.outcomes import HARMLESS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.model import Quality, Recipe

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
    """

    settled: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    open: int = 0
    closed: str = ""
    intended: Intended = Intended.SUCCEED
    cancelled_before: int = 0
    unfetched_before: tuple[str, ...] = ()


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


def judge_job(recipe: Recipe | None, books: JobBooks) -> Verdict:
    """The verdict on a job.

    A recipe must give at least one row; an ordinary spider need not. A job that was cancelled is not held against the
    number of rows that its recipe expects, since somebody has chosen that there be fewer.

    Args:
        recipe: of the job; None for an ordinary spider.
        books: of the job.
    """
    rows = sum(books.rows.values())
    quality = recipe.quality if recipe is not None else None
    missed = quality_missed(quality, rows, books.rejected, is_whole=books.intended is not Intended.CANCEL)
    partial = [*failed_pages(books.settled), *never_fetched(books)]
    if missed:
        return Verdict(outcome=Outcome.QUALITY_FAILED, withheld=True, sentences=(*missed, *partial))
    if recipe is not None and not rows:
        rejected = f"; {books.rejected:,} were rejected" if books.rejected else ""
        return Verdict(outcome=Outcome.EMPTY, sentences=(f"there is no row{rejected}", *partial))
    outcome = Outcome.PARTIAL if partial else Outcome.COMPLETE
    return Verdict(outcome=outcome, sentences=tuple(partial))


def quality_missed(quality: Quality | None, rows: int, rejected: int, *, is_whole: bool = True) -> list[str]:
    """A sentence for each bound of a recipe's `quality` that is not kept.

    Args:
        quality: of the recipe, if it has any.
        rows: kept ones, of all items.
        rejected: rows that broke their contract.
        is_whole: the crawl was to read everything; otherwise it may have fewer rows.
    """
    if quality is None:
        return []
    missed = []
    if is_whole and quality.items_minimum is not None and rows < quality.items_minimum:
        missed.append(f"quality.items.minimum is {quality.items_minimum:,}; there are {rows:,} rows")
    if quality.items_maximum is not None and rows > quality.items_maximum:
        missed.append(f"quality.items.maximum is {quality.items_maximum:,}; there are {rows:,} rows")
    if quality.rejected_maximum is not None and rejected > quality.rejected_maximum:
        missed.append(f"quality.rejected.maximum is {quality.rejected_maximum:,}; {rejected:,} rows were rejected")
    share = rejected / (rows + rejected) if rows + rejected else 0.0
    if quality.rejected_maximum_share is not None and share > quality.rejected_maximum_share:
        allowed = quality.rejected_maximum_share
        missed.append(
            f"quality.rejected.maximum is {allowed:.1%}; {share:.1%} of the rows were rejected ({rejected:,})"
        )
    return missed


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
