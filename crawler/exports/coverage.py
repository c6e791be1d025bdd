"""Counts how often fields have a value, as rows pass by: once for each row, whoever reads them and for whatever else.

In a fleet the rows pass when files are composed of them (`CountedRows`), on a laptop when the crawl has accepted them.
Empty are null, text without characters, and lists and objects without members; 0 and false are values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crawler.exports.figures import Covered
from crawler.exports.joined import JoinedRows
from crawler.recipe.quality_plan import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crawler.exports.objects import ObjectStore
    from crawler.exports.segments import ReadRow
    from crawler.jobs.segments import Segment
    from crawler.recipe.model import Recipe


class Coverage:
    """The counts of one run. Fields with a bound are counted; with `bands`, all fields of the contracts too."""

    def __init__(self, recipe: Recipe | None) -> None:
        """`recipe`: of the rows; of an ordinary spider's nothing is counted."""
        self._items: dict[str, _Item] = {}
        quality = recipe.quality if recipe is not None else None
        if recipe is None or quality is None:
            return
        wanted = {(bound.item, bound.path): bound.steps for bound in quality.coverage}
        if quality.bands is not None:
            for item, contract in recipe.items.items():
                wanted |= {(item, name): (Step(name),) for name in contract.fields if (item, name) not in wanted}
        for (item, path), steps in wanted.items():
            self._items.setdefault(item, _Item()).want(path, steps)

    def add(self, item: str, row: Mapping[str, Any]) -> None:
        """Counts one row."""
        counts = self._items.get(item)
        if counts is not None:
            counts.add(row)

    def cover(self, item: str, row: Mapping[str, Any]) -> str:
        """Which fields of one row have a value, for `add_covers`; the row is not counted."""
        counts = self._items.get(item)
        return "" if counts is None else counts.cover(row)

    def add_covers(self, covers: Iterable[tuple[str, str, int]]) -> None:
        """Counts rows of which only their item, what `cover` has said and their number is known.

        It has to have been said by the same recipe.
        """
        for item, cover, times in covers:
            if item in self._items and cover:
                self._items[item].add_cover(cover, times)

    def covered(self) -> tuple[Covered, ...]:
        """What was counted so far."""
        return tuple(
            Covered(item=item, field=path, places=places, filled=filled)
            for item, counts in self._items.items()
            for path, places, filled in counts.counted()
        )


def with_carried(
    covered: tuple[Covered, ...], covers: Iterable[tuple[str, str, int]], recipe: Recipe
) -> tuple[Covered, ...]:
    """The coverage of rows that were read and of rows that were carried on: see `Coverage.add_covers`."""
    carried = Coverage(recipe)
    carried.add_covers(covers)
    more = {(each.item, each.field): each for each in carried.covered()}
    together = []
    for each in covered:
        other = more[each.item, each.field]
        together.append(replace(each, places=each.places + other.places, filled=each.filled + other.filled))
    return tuple(together)


class CountedRows(JoinedRows):
    """Rows whose coverage is counted as they are read; `covered` is that of the last time they were read to the end."""

    def __init__(
        self,
        objects: ObjectStore,
        parts: Sequence[Sequence[Segment]],
        *,
        recipe: Recipe | None,
        keys: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """See `JoinedRows`."""
        super().__init__(objects, parts, keys=keys)
        self.recipe = recipe
        self.covered: tuple[Covered, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """Those that the recipe has, whether there are rows of them or not."""
        return tuple(self.recipe.items) if self.recipe is not None else ()

    def with_notes(self) -> Iterator[ReadRow]:
        """See `JoinedRows`."""
        counting = Coverage(self.recipe)
        for row in super().with_notes():
            counting.add(row.item, row.values)
            yield row
        self.covered = counting.covered()


class _Item:
    """The counts of one item. Its own fields are most of them, and cost little: only gaps are counted."""

    __slots__ = ("_deep", "_gaps", "_order", "_rows")

    def __init__(self) -> None:
        self._rows = 0
        self._gaps: dict[str, int] = {}
        self._deep: dict[str, _Deep] = {}
        self._order: list[str] = []

    def want(self, path: str, steps: Sequence[Step]) -> None:
        """Counts a field, too."""
        self._order.append(path)
        if len(steps) == 1 and not steps[0].each:
            self._gaps[steps[0].name] = 0
        else:
            self._deep[path] = _Deep(steps)

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows += 1
        gaps = self._gaps
        for name in gaps:
            value = row.get(name)
            if not value and _is_empty(value):
                gaps[name] += 1
        for deep in self._deep.values():
            deep.add(row)

    def cover(self, row: Mapping[str, Any]) -> str:
        """A digit for each field of its own, then places and filled ones of each deeper field."""
        own = "".join("0" if not (value := row.get(name)) and _is_empty(value) else "1" for name in self._gaps)
        deeper = [deep.alone(row) for deep in self._deep.values()]
        return ";".join([own, *(f"{places}/{filled}" for places, filled in deeper)])

    def add_cover(self, cover: str, times: int) -> None:
        """Counts so many rows that are so."""
        own, *deeper = cover.split(";")
        self._rows += times
        for name, has_value in zip(self._gaps, own, strict=True):
            self._gaps[name] += times * (has_value == "0")
        for deep, said in zip(self._deep.values(), deeper, strict=True):
            places, filled = said.split("/")
            deep.places += times * int(places)
            deep.filled += times * int(filled)

    def counted(self) -> Iterator[tuple[str, int, int]]:
        """Path, places and filled ones."""
        for path in self._order:
            if path in self._gaps:
                yield path, self._rows, self._rows - self._gaps[path]
            else:
                yield path, self._deep[path].places, self._deep[path].filled


class _Deep:
    """The counts of a field in objects or lists of a row."""

    __slots__ = ("_steps", "filled", "places")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.places = 0
        self.filled = 0
        self._steps = tuple(steps)

    def add(self, row: Mapping[str, Any]) -> None:
        self._walk(row, 0)

    def alone(self, row: Mapping[str, Any]) -> tuple[int, int]:
        """Places and filled ones of one row, which is not counted."""
        single = _Deep(self._steps)
        single.add(row)
        return single.places, single.filled

    def _walk(self, value: Any, at: int) -> None:
        """Counts below a value. What is not there has no value further down either; a list that is empty, no places."""
        step = self._steps[at]
        found = value.get(step.name) if isinstance(value, dict) else None
        is_last = at == len(self._steps) - 1
        if step.each:
            for member in found if isinstance(found, list) else ():
                if is_last:
                    self._count(member)
                else:
                    self._walk(member, at + 1)
        elif is_last:
            self._count(found)
        else:
            self._walk(found, at + 1)

    def _count(self, value: Any) -> None:
        self.places += 1
        self.filled += not _is_empty(value)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict | tuple) and not value)
