"""Bands: between what figures a run should be, as the earlier runs of its series have shown.

A band is the median of a figure in earlier runs, and so many robust standard deviations to each side: 1.4826 times the
median of the absolute deviations from the median (MAD) estimates the standard deviation of normal values, and half of
the runs may be anything without moving either (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation",
Journal of the American Statistical Association 88, 1993; Iglewicz and Hoaglin, "How to Detect and Handle Outliers",
1993, who call a value beyond 3.5 of them an outlier). Runs that were all alike have no deviation; a band is never
narrower than `ROWS_FLOOR` or `SHARE_FLOOR` for that.

Pure: earlier runs are given. Where they are kept is `crawler.exports.history`.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crawler.exports.figures import Figures, percent
from crawler.recipe.quality_plan import BandsRule  # noqa: TC001 - msgspec reads the types of `BandsInForce`

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: MAD of normal values times this is their standard deviation.
NORMAL: Final = 1.4826

#: A number of rows may always be off by this fraction of the median, and by one row.
ROWS_FLOOR: Final = 0.05

#: A share may always be off by one percentage point.
SHARE_FLOOR: Final = 0.01

_ROWS, _COVERAGE = "rows", "coverage"
_REJECTED, _HTTP_ERRORS = "rejected", "http_errors"


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierRun:
    """A run that teaches.

    Attributes:
        job: which.
        at_ms: when it ended, ms since 1970.
        figures: what was counted of it.
        is_overridden: its figures were not what was expected, and a person has published it all the same.
    """

    job: str
    at_ms: int
    figures: Figures
    is_overridden: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Where one figure should be.

    Attributes:
        figure: `rows.ITEM`, `rejected`, `http_errors` or `coverage.ITEM.FIELD`; all but rows are shares.
        runs: so many earlier runs have it.
        median: of them.
        low: the run should not be below this; None = it may be as low as it likes.
        high: ditto, above.
        value: of this run; None if it has none, or for a run to come.
    """

    figure: str
    runs: int
    median: float
    low: float | None = None
    high: float | None = None
    value: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the run is inside."""
        if self.value is None:
            return True
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)

    @property
    def is_of_rows(self) -> bool:
        """Whether it counts rows; other figures are shares."""
        return self.figure.startswith(f"{_ROWS}.")

    def shown(self, value: float | None) -> str:
        """A value of the figure for people; "-" for none."""
        if value is None:
            return "-"
        return f"{value:,.0f}" if self.is_of_rows else percent(value)

    @property
    def range(self) -> str:
        """Both ends for people."""
        if self.low is None or self.high is None:
            return f"at most {self.shown(self.high)}" if self.low is None else f"at least {self.shown(self.low)}"
        return f"{self.shown(self.low)} to {self.shown(self.high)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BandsInForce:
    """What a run was compared with.

    Attributes:
        series: see `crawler.exports.series`; "" for a run that teaches nothing.
        rule: of its recipe; None if that learns nothing.
        runs: earlier ones that count.
        bands: one for each figure; empty before.
        sentence: why there are none.
    """

    series: str = ""
    rule: BandsRule | None = None
    runs: int = 0
    bands: tuple[Band, ...] = field(default_factory=tuple)
    sentence: str = ""

    @property
    def minimum_runs(self) -> int:
        """Nothing is compared before there are so many; 0 for a recipe that learns nothing."""
        return self.rule.minimum_runs if self.rule is not None else 0

    @property
    def missed(self) -> list[str]:
        """A sentence for each figure that is outside."""
        return [_missed(band) for band in self.bands if not band.is_kept]


def bands_for(
    earlier: Sequence[EarlierRun], rule: BandsRule, *, series: str = "", of: Figures | None = None
) -> BandsInForce:
    """The bands that earlier runs make, and where a run is in them.

    What a person has published although it was outside is inside from then on, as long as it is among the runs that
    count.

    Args:
        earlier: runs that teach; the newest `rule.window` of them count.
        rule: of the recipe.
        series: of which they are.
        of: the run that is compared; None for one to come.
    """
    runs = sorted(earlier, key=lambda run: (run.at_ms, run.job))[-rule.window :]
    if len(runs) < rule.minimum_runs:
        sentence = f"nothing is compared before {rule.minimum_runs} whole runs; there were {len(runs)} so far"
        return BandsInForce(series=series, rule=rule, runs=len(runs), sentence=sentence)
    values = [(values_of(run.figures), run.is_overridden) for run in runs]
    names = dict.fromkeys(name for found, _ in values for name in found)
    here = values_of(of) if of is not None else {}
    bands = []
    for name in names:
        seen = [found[name] for found, _ in values if name in found]
        if len(seen) >= rule.minimum_runs and (of is None or name in here):
            published = [found[name] for found, overridden in values if overridden and name in found]
            bands.append(_band(name, seen, published, rule.deviations, here.get(name)))
    return BandsInForce(series=series, rule=rule, runs=len(runs), bands=tuple(bands))


def values_of(figures: Figures) -> dict[str, float]:
    """The figures that have a band, by name."""
    found: dict[str, float] = {f"{_ROWS}.{item}": float(count) for item, count in figures.rows.items()}
    found |= {_REJECTED: figures.rejected_share, _HTTP_ERRORS: figures.error_share}
    for each in figures.coverage:
        if each.share is not None:
            found[f"{_COVERAGE}.{each.item}.{each.field}"] = each.share
    return found


def _band(name: str, seen: Sequence[float], published: Sequence[float], deviations: float, value: float | None) -> Band:
    median = statistics.median(seen)
    mad = statistics.median(abs(each - median) for each in seen)
    is_of_rows, is_coverage = name.startswith(f"{_ROWS}."), name.startswith(f"{_COVERAGE}.")
    floor = max(ROWS_FLOOR * median, 1.0) if is_of_rows else SHARE_FLOOR
    width = max(deviations * NORMAL * mad, floor)
    low = min([median - width, *(each - floor for each in published)])
    high = max([median + width, *(each + floor for each in published)])
    if is_of_rows:
        ends: Mapping[str, float] = {"low": max(0.0, low), "high": high}
    else:
        ends = {"low": max(0.0, low)} if is_coverage else {"high": min(1.0, high)}
    return Band(figure=name, runs=len(seen), median=median, value=value, **ends)


def _missed(band: Band) -> str:
    what = {_REJECTED: "of the rows were rejected", _HTTP_ERRORS: "of the pages came to an error"}.get(band.figure)
    kind, _, name = band.figure.partition(".")
    if what is None:
        what = f"rows of {name}" if kind == _ROWS else f"coverage of {name}"
    last = f"the last {band.runs} whole runs had {band.shown(band.median)} (median), so {band.range} is expected"
    return f"quality.bands: {band.shown(band.value)} {what}; {last}"


def lines_of(found: BandsInForce) -> Iterator[tuple[str, str, str, str]]:
    """Figure, median, band and value of this run for people."""
    for band in found.bands:
        yield band.figure, band.shown(band.median), band.range, band.shown(band.value)
