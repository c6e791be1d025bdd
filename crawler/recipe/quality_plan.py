"""`quality`, compiled: when the rows of a run are good enough to be published. Values only.

Knows nothing of runs: what is counted, and how it is held against these bounds, is `crawler.exports.quality`.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class Step(NamedTuple):
    """One step of a path into a row: a field, or each member of the list that is there."""

    name: str
    each: bool = False


class CoverageBound(Struct, frozen=True, kw_only=True):
    """One entry of `quality.coverage`.

    Attributes:
        name: as it is written: `price`, `variants[].price`, `product.price`.
        item: whose rows are looked at.
        steps: from the row to the value.
        minimum_share: fraction of the places that have a value, at least.
    """

    name: str
    item: str
    steps: tuple[Step, ...]
    minimum_share: float

    @property
    def path(self) -> str:
        """The steps as text, without the name of the item."""
        return ".".join(step.name + ("[]" if step.each else "") for step in self.steps)


class BandsRule(Struct, frozen=True, kw_only=True):
    """`quality.bands`: how a run is compared with earlier ones.

    Attributes:
        window: so many earlier runs count, the newest ones.
        minimum_runs: with fewer, nothing is compared.
        deviations: a figure may be so many (robust) standard deviations off.
    """

    window: int = 20
    minimum_runs: int = 5
    deviations: float = 4.0


class Quality(Struct, frozen=True, kw_only=True):
    """`quality`. Shares are fractions: of the rows seen (accepted and rejected), and of the pages that were fetched."""

    items_minimum: int | None = None
    items_maximum: int | None = None
    rejected_maximum: int | None = None
    rejected_maximum_share: float | None = None
    http_errors_maximum: int | None = None
    http_errors_maximum_share: float | None = None
    coverage: tuple[CoverageBound, ...] = ()
    bands: BandsRule | None = None
