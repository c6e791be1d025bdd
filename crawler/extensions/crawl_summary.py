"""What came out of a crawl: the facts, the outcome and its exit status, and the text a person reads.

A worker of a job that others work on too tells its own part, and the books of the job. Whether the rows are good
enough, or why there are none, it cannot say: that shows when the rows of the whole job are looked at.

Pure: the extension in `summary.py` gathers the facts from a running crawl.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.exports.bands import BandsInForce
from crawler.exports.changes import CHANGED, GONE, NEW, SAME
from crawler.exports.figures import Covered, Figures, figures_of, percent
from crawler.exports.quality import CUT_SHORT, failed_pages, pages, quality_missed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.recipe.quality_plan import Quality

#: Exit statuses that scripts may rely on.
EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_LIST_LOST: Final = 3
EXIT_QUALITY: Final = 4
EXIT_CANCELLED: Final = 130

#: Reasons for which Scrapy or the scheduler ends a crawl that has gone wrong.
_BROKEN: Final = frozenset({"start_error", "scheduler_failed"})

#: What the signs of rows mean.
_SIGNS: Final = {NEW: "new", CHANGED: "changed", SAME: "the same", GONE: "gone"}

_URLS_SHOWN: Final = 5
_FIELDS_SHOWN: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldFill:
    """In how many accepted rows a field has a value; `reason` and `example` (a page) are of the first row without."""

    filled: int
    missing: int = 0
    reason: str = ""
    example: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFacts:
    """The job that a crawl was one worker of, when this worker left it.

    Attributes:
        id: of the job.
        worker: this process.
        answered: the store told the books; without that the counts below are 0.
        ended: why the job takes no more pages; "" = it goes on.
        accepted: pages found, by all workers; `start()` is one of them.
        open: pages that are not settled.
        settled: pages by outcome.
        rows: kept ones, by item.
        stale: pages that this worker lost to others because it had been silent for too long.
    """

    id: str
    worker: str
    answered: bool = True
    ended: str = ""
    accepted: int = 0
    open: int = 0
    settled: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    stale: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlFacts:
    """What was counted. Mappings are by name; nothing here is judged yet."""

    name: str
    is_recipe: bool
    recipe_version: str = ""
    finish_reason: str = "finished"
    elapsed_s: float = 0.0
    outcomes: Mapping[str, int] = field(default_factory=dict)  # settled pages by outcome, without `start`
    failures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # URLs by outcome
    reasons: Mapping[str, str] = field(default_factory=dict)  # by URL
    rows: Mapping[str, int] = field(default_factory=dict)  # accepted, by item
    rejects: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by item, then "FIELD: RULE"
    rejected_rows: Mapping[str, int] = field(default_factory=dict)  # by item
    duplicates: Mapping[str, int] = field(default_factory=dict)  # by item
    item_errors: int = 0  # rows on which a pipeline failed
    export_failed: str = ""  # why rows could not be written
    alternatives: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by "item.field", then source
    fields: Mapping[str, Mapping[str, FieldFill]] = field(default_factory=dict)  # by item, then field
    coverage: tuple[Covered, ...] = ()  # of the fields that `quality` looks at
    lost_lists: Mapping[str, str] = field(default_factory=dict)  # outcome by URL
    stalled_lists: tuple[str, ...] = ()
    cut_lists: tuple[str, ...] = ()  # at max_pages
    joined_lists: int = 0
    dropped_pages: Mapping[str, int] = field(default_factory=dict)  # by page type
    retries: int = 0
    offsite: int = 0  # links refused as off-site
    blocked: str = ""  # which host kept the crawl out until it ended
    limit: str = ""  # what ended the crawl before all pages were read
    causes: tuple[str, ...] = ()  # sentences about pages that gave nothing
    unreached: tuple[str, ...] = ()  # page types of which no page was read
    start_failed: str = ""
    files: tuple[str, ...] = ()
    cells_guarded: int = 0  # cells of CSV files that got a leading ' because a spreadsheet could run them
    rejects_file: str = ""
    changes: Mapping[str, int] | None = None  # rows by sign, see `crawler.exports.changes`; of an incremental recipe
    carried: Mapping[str, int] = field(default_factory=dict)  # rows on pages that have not changed, by item
    unasked: int = 0  # pages that are known to be unchanged without having been asked for
    job: JobFacts | None = None  # of a shared crawl; then the counts above are those of this worker

    @property
    def figures(self) -> Figures:
        """What `quality` looks at."""
        return figures_of(
            rows={item: self.rows.get(item, 0) + self.carried.get(item, 0) for item in {**self.rows, **self.carried}},
            rejected=sum(self.rejected_rows.values()),
            settled=self.outcomes,
            coverage=self.coverage,
            unasked=self.unasked,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlSummary:
    """The facts, judged.

    Attributes:
        outcome: `complete`, `partial`, `quality_failed`, `empty` or `cancelled`.
        why: a sentence for everything that kept it from `complete`.
        cause: for a crawl without rows, its likely cause.
        exit_code: of the command line.
        facts: see `CrawlFacts`.
        bands: what earlier crawls made of the same, for a recipe that learns from them.
    """

    outcome: str
    why: tuple[str, ...]
    cause: str
    exit_code: int
    facts: CrawlFacts
    bands: BandsInForce = field(default_factory=BandsInForce)

    @property
    def pages(self) -> int:
        """Pages that were asked for and settled."""
        return sum(count for outcome, count in self.facts.outcomes.items() if outcome != "cancelled")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON. `failures` has the URLs by outcome class, `rows` and `rejects` are by item."""
        facts = asdict(self.facts)
        head = {
            "name": facts.pop("name"),
            "recipe_version": facts.pop("recipe_version"),
            "outcome": self.outcome,
            "why": list(self.why),
            "cause": self.cause,
            "exit_code": self.exit_code,
            "elapsed_s": round(facts.pop("elapsed_s"), 3),
            "pages": self.pages,
        }
        del facts["is_recipe"]
        if facts["job"] is None:
            del facts["job"]
        if facts["changes"] is None:
            del facts["changes"], facts["carried"], facts["unasked"]
        if self.bands.minimum_runs:
            head["bands"] = _plain(asdict(self.bands))
        return {**head, **{name: _plain(value) for name, value in facts.items()}}

    def text(self) -> str:
        """Several lines for a person."""
        return "\n".join(_lines(self))


def judge(facts: CrawlFacts, quality: Quality | None, bands: BandsInForce | None = None) -> CrawlSummary:
    """The outcome of a crawl, compared with `bands` if there were earlier ones.

    A recipe without `quality` must give at least one row. A page that exists no more makes the result partial, and that
    is all: sites are like that. A lost list page may hide any number of rows, so it has its own exit status.
    """
    if facts.job is not None:
        return _judge_part(facts, facts.job)
    bands = bands if bands is not None else BandsInForce()
    seen = sum(facts.figures.rows.values())
    missed = [*quality_missed(quality, facts.figures), *bands.missed]
    partial = _partial(facts)
    nothing = facts.is_recipe and not seen
    cause = _likely_cause(facts) if nothing else ""
    if facts.finish_reason in ("shutdown", "cancelled"):
        outcome, code = "cancelled", EXIT_CANCELLED
    elif facts.export_failed or facts.finish_reason in _BROKEN:
        outcome, code = "partial", EXIT_FAILED
    elif missed:
        outcome, code = "quality_failed", EXIT_QUALITY
    elif nothing:
        outcome, code = "empty", EXIT_QUALITY
    elif partial:
        outcome, code = "partial", EXIT_LIST_LOST if facts.lost_lists or facts.blocked else EXIT_OK
    else:
        outcome, code = "complete", EXIT_OK
    why = (*missed, *partial)
    return CrawlSummary(outcome=outcome, why=why, cause=cause, exit_code=code, facts=facts, bands=bands)


def _judge_part(facts: CrawlFacts, job: JobFacts) -> CrawlSummary:
    """What one worker of several can say: what it lost itself, and whether it left in order."""
    why = _partial(facts)
    if facts.start_failed:
        why.append(facts.start_failed)
    if not job.answered:
        why.append("the store did not answer when this worker left; its pages go to others when their leases end")
    if facts.finish_reason in ("shutdown", "cancelled"):
        outcome, code = "cancelled", EXIT_CANCELLED
    elif facts.export_failed or facts.finish_reason in _BROKEN or facts.start_failed or not job.answered:
        outcome, code = "partial", EXIT_FAILED
    elif why:
        outcome, code = "partial", EXIT_LIST_LOST if facts.lost_lists else EXIT_OK
    else:
        outcome, code = "complete", EXIT_OK
    return CrawlSummary(outcome=outcome, why=tuple(why), cause="", exit_code=code, facts=facts)


def _partial(facts: CrawlFacts) -> list[str]:
    why = [f"a list page was lost ({outcome}): {url}" for url, outcome in list(facts.lost_lists.items())[:_URLS_SHOWN]]
    if len(facts.lost_lists) > _URLS_SHOWN:
        why.append(f"{len(facts.lost_lists) - _URLS_SHOWN} more list pages were lost")
    why += failed_pages(facts.outcomes)
    if facts.item_errors:
        why.append(f"{facts.item_errors:,} rows were lost because a pipeline failed")
    if facts.export_failed:
        why.append(f"rows could not be written: {facts.export_failed}")
    if facts.limit in CUT_SHORT:
        why.append(f"{facts.limit} ended the crawl; {pages(_not_visited(facts))} not visited")
    if facts.blocked:
        why.append(f"{facts.blocked}; {pages(_not_visited(facts))} not visited")
    if facts.finish_reason in _BROKEN:
        why.append(f"the crawl ended by an error ({facts.finish_reason}); the log says which")
    return why


def _not_visited(facts: CrawlFacts) -> int:
    outcomes = facts.outcomes if facts.job is None else facts.job.settled
    return outcomes.get("cancelled", 0)


def _likely_cause(facts: CrawlFacts) -> str:
    """Why there is no row, as far as can be told; the most telling fact first."""
    if facts.start_failed:
        return facts.start_failed
    fetched = sum(count for outcome, count in facts.outcomes.items() if outcome in ("ok", "redirected", "page_error"))
    if facts.outcomes.get("robots") and not fetched:
        return "robots.txt forbids it"
    if not fetched and facts.failures:
        outcome, urls = max(facts.failures.items(), key=lambda failure: len(failure[1]))
        reason = facts.reasons.get(urls[0], outcome)
        return f"no page could be read; {urls[0]}: {reason}"
    rejected = sum(facts.rejected_rows.values())
    if rejected:
        reasons = Counter({reason: count for item in facts.rejects.values() for reason, count in item.items()})
        often = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common(3))
        return f"all {rejected:,} rows were rejected: {often}"
    if facts.causes:
        return "; ".join(facts.causes)
    if facts.offsite and facts.unreached:
        return f"{facts.offsite:,} links were refused as off-site; allow their hosts with allowed_domains"
    if facts.unreached:
        return f"no page of type {', '.join(facts.unreached)} was reached"
    return "pages were read, but none gave a row"


# --- text ------------------------------------------------------------------------------------------------------------


def _lines(summary: CrawlSummary) -> Iterator[str]:
    facts = summary.facts
    part = "" if facts.job is None else ", this worker's part"
    yield f"{facts.name}: {summary.outcome}{part} in {facts.elapsed_s:.1f} s"
    by_outcome = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(facts.outcomes.items(), key=_by_count))
    yield f"  pages     {summary.pages:,}" + (f" ({by_outcome})" if by_outcome else "")
    yield from _row_lines(facts)
    yield from _failure_lines(facts)
    yield from _list_lines(facts)
    yield from _field_lines(facts)
    yield from _band_lines(summary.bands)
    for label, count in (("retries", facts.retries), ("off-site", facts.offsite)):
        if count:
            yield f"  {label:<9} {count:,}"
    for path in (*facts.files, *filter(None, (facts.rejects_file,))):
        yield f"  file      {path}"
    if facts.job is not None:
        yield from _job_lines(facts.job)
    yield from _closing_lines(summary)


def _job_lines(job: JobFacts) -> Iterator[str]:
    """The job as a whole."""
    if job.stale:
        yield f"  stale     {pages(job.stale)}: others have them, because this worker was silent for too long"
    if not job.answered:
        yield f"  job       {job.id}"
        return
    yield f"  job       {job.id} {_job_state(job)}"
    by_outcome = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(job.settled.items(), key=_by_count))
    yield f"            {pages(job.accepted)} found, with `start`" + (f"; {by_outcome}" if by_outcome else "")
    rows = ", ".join(f"{item} {count:,}" for item, count in sorted(job.rows.items()))
    yield f"            rows: {rows or 'none so far'}; `crawlery job rows {job.id} -o rows.csv` writes them"


def _job_state(job: JobFacts) -> str:
    if not job.ended:
        return f"had {pages(job.open)} open when this worker left"
    left_out = job.settled.get("cancelled", 0)
    reasons = [
        "" if job.ended == "finished" else job.ended,
        f"{pages(left_out)} not fetched" if left_out else "",
    ]
    return ": ".join(("has ended", ", ".join(filter(None, reasons)))).removesuffix(": ")


def _closing_lines(summary: CrawlSummary) -> Iterator[str]:
    """What a person should know before using the files."""
    facts = summary.facts
    if facts.cells_guarded:
        yield f"  note      {facts.cells_guarded:,} cells begin with ' so that no spreadsheet runs them (`raw: true` in"
        yield "            `exports` leaves them as they are)"
    for sentence in summary.why:
        yield f"  why       {sentence}"
    if summary.cause:
        yield f"  cause     {summary.cause}"
    if facts.limit and not any(facts.limit in sentence for sentence in summary.why):
        yield f"  note      {facts.limit} ended the crawl; {pages(_not_visited(facts))} not visited"


def _row_lines(facts: CrawlFacts) -> Iterator[str]:
    for item, count in facts.rows.items():
        extra = [
            f"{facts.rejected_rows[item]:,} rejected" if facts.rejected_rows.get(item) else "",
            f"{facts.duplicates[item]:,} duplicates" if facts.duplicates.get(item) else "",
        ]
        yield f"  rows      {item} {count:,}" + "".join(f", {words}" for words in extra if words)
    if facts.changes is not None:
        counted = [f"{facts.changes.get(sign, 0):,} {word}" for sign, word in _SIGNS.items()]
        unread = sum(facts.carried.values())
        carried = f"; {unread:,} on pages that have not changed" if unread else ""
        yield f"  changes   {', '.join(counted)}{carried}"
    for item, reasons in facts.rejects.items():
        for reason, count in sorted(reasons.items(), key=_by_count):
            yield f"  rejected  {item}.{reason}: {count:,}"


def _field_lines(facts: CrawlFacts) -> Iterator[str]:
    """The fields that some rows lack, and the fields that took more than their first rule."""
    for item, fields in facts.fields.items():
        lacking = {name: fill for name, fill in fields.items() if fill.missing}
        if facts.rows.get(item) and len(fields) > len(lacking):
            full = len(fields) - len(lacking)
            yield f"  fields    {item}: {full} of {len(fields)} are filled in every row"
        for name, fill in list(lacking.items())[:_FIELDS_SHOWN]:
            reason = f"; {fill.reason}" if fill.reason else ""
            yield f"  missing   {item}.{name} in {fill.missing:,} of {fill.filled + fill.missing:,}{reason}"
            yield f"            e.g. {fill.example}"
        if len(lacking) > _FIELDS_SHOWN:
            yield f"  missing   {item}: {len(lacking) - _FIELDS_SHOWN} more fields, named in the summary file"
    for covered in facts.coverage:
        if covered.share is not None and ("[" in covered.field or "." in covered.field):  # others stand above
            yield f"  coverage  {covered.item}.{covered.field}: {percent(covered.share)} of {covered.places:,}"
    for name, sources in facts.alternatives.items():
        if len(sources) > 1 or not all(source.partition(":")[0] == "1" for source in sources):
            used = ", ".join(f"{source} x {count:,}" for source, count in sorted(sources.items()))
            yield f"  by rule   {name}: {used}"


def _band_lines(bands: BandsInForce) -> Iterator[str]:
    if bands.sentence:
        yield f"  bands     {bands.sentence}"
    elif bands.bands:
        inside = sum(band.is_kept for band in bands.bands)
        yield f"  bands     {inside} of {len(bands.bands)} figures are as in the last {bands.runs} whole crawls"


def _failure_lines(facts: CrawlFacts) -> Iterator[str]:
    for outcome, urls in facts.failures.items():
        for url in urls[:_URLS_SHOWN]:
            yield f"  {outcome:<9} {url}" + (f" ({facts.reasons[url]})" if facts.reasons.get(url) else "")
        if len(urls) > _URLS_SHOWN:
            yield f"  {outcome:<9} ... and {len(urls) - _URLS_SHOWN:,} more"


def _list_lines(facts: CrawlFacts) -> Iterator[str]:
    kinds = (("lost", facts.lost_lists), ("stalled", facts.stalled_lists), ("max_pages", facts.cut_lists))
    for kind, urls in kinds:
        for url in list(urls)[:_URLS_SHOWN]:
            yield f"  list      {kind}: {url}"
        if len(urls) > _URLS_SHOWN:
            yield f"  list      {kind}: ... and {len(urls) - _URLS_SHOWN:,} more"


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


def _plain(value: Any) -> Any:
    """Lists for tuples, as JSON would have them."""
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return value
