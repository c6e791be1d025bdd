"""The difference between two versions of a recipe as plain data, of a size that somebody can read and an API can send.

Figures are of everything; single differences are told up to a number, and long values are cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.diff import written
from crawler.recipe.shortened import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crawler.recipe.diff import Change, FieldFigures, ItemFigures, PageDiff, RecipeDiff, RowDiff
    from crawler.recipe.model import Recipe

#: Differences that are told one by one, unless another number is asked for; and characters of all of them, about.
MAX_TOLD: Final = 200
_MAX_CHARACTERS: Final = 1024 * 1024


def diff_report(
    old: Recipe, new: Recipe, diff: RecipeDiff, *, absent: Sequence[str] = (), most: int = MAX_TOLD
) -> dict[str, Any]:
    """The difference as plain data.

    Args:
        old: the version before.
        new: the version after.
        diff: what `diff_recipes` found.
        absent: names of saved pages that are not there.
        most: differences to tell one by one.
    """
    told: list[dict[str, Any]] = []
    number = size = 0
    for entry in (entry for page in diff.pages for entry in _entries(page)):
        number += 1
        size += len(written(entry)) if size <= _MAX_CHARACTERS and len(told) < most else 0
        if size <= _MAX_CHARACTERS and len(told) < most:
            told.append(entry)
    return {
        "old": _version(old),
        "new": _version(new),
        "same": diff.is_same,
        "pages": len(diff.pages),
        "pages_changed": sum(not page.is_same for page in diff.pages),
        "pages_absent": list(absent),
        "items": {name: _item(figures) for name, figures in diff.items.items()},
        "differences": told,
        "left_out": number - len(told),
    }


def _version(recipe: Recipe) -> dict[str, str]:
    return {"name": recipe.name, "version": recipe.version, "sha256": recipe.sha256}


def _item(figures: ItemFigures) -> dict[str, Any]:
    rows = {
        "old": figures.old_rows,
        "new": figures.new_rows,
        "same": figures.same,
        "changed": figures.changed,
        "added": figures.added,
        "gone": figures.gone,
    }
    return {
        "rows": rows,
        "rejects": {"old": figures.old_rejects, "new": figures.new_rejects},
        "fields": {name: _field(figures, one) for name, one in figures.fields.items()},
    }


def _field(item: ItemFigures, figures: FieldFigures) -> dict[str, Any]:
    return {
        "old": {"filled": figures.old_filled, "rate": rate(figures.old_filled, item.old_rows)},
        "new": {"filled": figures.new_filled, "rate": rate(figures.new_filled, item.new_rows)},
        "filled": figures.filled,
        "emptied": figures.emptied,
        "changed": figures.changed,
    }


def rate(filled: int, rows: int) -> float | None:
    """The share of rows that have a field, to four digits; None without rows."""
    return round(filled / rows, 4) if rows else None


def _entries(page: PageDiff) -> Iterator[dict[str, Any]]:
    where = {"page": page.saved.page, "snapshot": page.saved.name, "url": page.saved.url}
    if page.facts:
        yield where | {"kind": "page", "changes": _changes(page.facts)}
    for row in page.rows:
        yield where | _row(row)


def _row(row: RowDiff) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": row.kind, "item": row.item, "row": row.number, "key": _values(row.key)}
    if row.changes:
        told["changes"] = _changes(row.changes)
    if row.values:
        told["values"] = _values(row.values)
    if row.reasons:
        told["reasons"] = [shortened(reason) for reason in row.reasons]
    return told


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [{"path": one.path, "old": shortened(one.old), "new": shortened(one.new)} for one in changes]


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shortened(value) for name, value in values.items()}
