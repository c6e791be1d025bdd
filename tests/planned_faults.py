"""Faults of this process for the length of a block, and the points that it came to; children know nothing of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from unittest.mock import patch

from crawler import faults
from crawler.fault_points import POINTS, kinds_at

if TYPE_CHECKING:
    from collections.abc import Iterator


class PlannedFaults:
    """A plan of `crawler.faults`.

    Attributes:
        points: those that exist, in the order in which this process came to them.
    """

    def __init__(self, kinds: dict[str, str]) -> None:
        for point, kind in kinds.items():
            assert kind in kinds_at(point), (point, kind)
        self.points: list[str] = []
        self._kinds = dict(kinds)

    def due(self, point: str) -> str | None:
        if point in POINTS:
            self.points.append(point)
        return self._kinds.pop(point, None)


@contextlib.contextmanager
def planned(kinds: dict[str, str] | None = None) -> Iterator[PlannedFaults]:
    """`kinds` of faults by their points: each happens once, the first time."""
    faults.read_once()
    plan = PlannedFaults(kinds or {})
    with patch.object(faults, "_plan", plan):
        yield plan
