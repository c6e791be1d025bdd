"""The figures that a run is judged by: what was counted of its rows and pages. Values, and how they are said."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.jobs.outcomes import FETCHED, HTTP_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """How often a field has a value.

    Attributes:
        item: whose field it is.
        field: its path: `price`, `variants[].price`.
        places: where it could have one: rows, or members of the lists on its way.
        filled: where it has one that is not empty.
    """

    item: str
    field: str
    places: int
    filled: int

    @property
    def share(self) -> float | None:
        """Fraction of the places; None without any."""
        return self.filled / self.places if self.places else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What was counted of a run.

    Attributes:
        rows: kept ones, by item.
        rejected: rows that broke their contract.
        fetched: pages that the site was asked for, see `crawler.jobs.outcomes.FETCHED`, and those that it need not be
            asked for because they are known to be unchanged.
        http_errors: of them, those that it answered with an error or not at all, by outcome.
        coverage: of fields with a bound, or of all that are learned.
    """

    rows: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    fetched: int = 0
    http_errors: dict[str, int] = field(default_factory=dict)
    coverage: tuple[Covered, ...] = ()

    @property
    def rejected_share(self) -> float:
        """Fraction of the rows that were seen; 0 of none."""
        seen = sum(self.rows.values()) + self.rejected
        return self.rejected / seen if seen else 0.0

    @property
    def errors(self) -> int:
        """Pages that the site answered with an error or not at all."""
        return sum(self.http_errors.values())

    @property
    def error_share(self) -> float:
        """Fraction of the pages that were fetched; 0 of none."""
        return self.errors / self.fetched if self.fetched else 0.0


def figures_of(
    *,
    rows: Mapping[str, int],
    rejected: int,
    settled: Mapping[str, int],
    coverage: tuple[Covered, ...] = (),
    with_start: bool = False,
    unasked: int = 0,
) -> Figures:
    """The figures of a run.

    Args:
        rows: kept ones, by item.
        rejected: rows that broke their contract.
        settled: pages by outcome.
        coverage: of its rows.
        with_start: one of the pages that ended `ok` is none of the site: what made the first requests.
        unasked: pages that are known to be unchanged without having been asked for.
    """
    fetched = sum(count for outcome, count in settled.items() if outcome in FETCHED)
    return Figures(
        rows=dict(rows),
        rejected=rejected,
        fetched=max(0, fetched - (1 if with_start and settled.get("ok") else 0)) + unasked,
        http_errors={outcome: settled[outcome] for outcome in HTTP_ERRORS if settled.get(outcome)},
        coverage=coverage,
    )


def percent(share: float) -> str:
    """A share for people; what is not all is never called 100 %."""
    return f"{math.floor(share * 1000 + 1e-9) / 10:.1f}%"
