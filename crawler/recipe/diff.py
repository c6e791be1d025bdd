"""What two versions of a recipe make of the same saved pages: rows added, gone and changed, and how full fields are.

Rows are compared page by page. Those of an item with a key are the same row if its key is; without a key, or where the
versions do not share one, rows are matched by their order: those with the same values in the fields that both versions
know, as lines of two texts are, and between two such pairs the first with the first. Values are compared as they would
be written, so 1.5 and 1.50 differ. A field that only one version knows is missing in the rows of the other one.

Pure, as the engine is: it runs both recipes in this process. Texts of strangers are compared in a process of their own,
see `crawler.trials`.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from crawler.errors import InputError, PageError
from crawler.recipe.check import links_by_page
from crawler.recipe.values import Value, is_missing
from crawler.recipe.whole_page import whole_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crawler.recipe.contract import ItemContract
    from crawler.recipe.model import PageResult, Recipe, Reject, Row
    from crawler.recipe.saved_pages import SavedPage

RowKind: TypeAlias = Literal["added", "gone", "changed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One value that differs; None = missing."""

    path: str  # a field, or a fact of a page: "error", "outcome", "next", "follow.PAGE", "rejects"
    old: Value
    new: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDiff:
    """One row that differs.

    Attributes:
        kind: what became of it.
        item: its type.
        number: where it stands among the rows of the page: of the new version, of one that is gone of the old one.
        key: the fields that identify it; empty without a key.
        values: the whole row that was added or is gone; empty of one that has changed.
        changes: its fields that differ, if it has changed.
        reasons: why the other version refuses the row of this key, if it does.
    """

    kind: RowKind
    item: str
    number: int
    key: Mapping[str, Value]
    values: Mapping[str, Value] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PageDiff:
    """What differs on one page."""

    saved: SavedPage
    facts: tuple[Change, ...]
    rows: tuple[RowDiff, ...]

    @property
    def is_same(self) -> bool:
        """Whether both versions give the same."""
        return not self.facts and not self.rows


@dataclass(kw_only=True, slots=True)
class FieldFigures:
    """A field over all pages. A version that does not know it fills it in no row.

    Attributes:
        old_filled: rows of the old version that have it.
        new_filled: rows of the new version that have it.
        filled: rows of both versions that have it only now.
        emptied: rows of both versions that had it only before.
        changed: rows of both versions that have another value now.
    """

    old_filled: int = 0
    new_filled: int = 0
    filled: int = 0
    emptied: int = 0
    changed: int = 0


@dataclass(kw_only=True, slots=True)
class ItemFigures:
    """An item over all pages: how many rows there are, and what became of them; and its fields, in contract order."""

    old_rows: int = 0
    new_rows: int = 0
    same: int = 0
    changed: int = 0
    added: int = 0
    gone: int = 0
    old_rejects: int = 0
    new_rejects: int = 0
    fields: dict[str, FieldFigures] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeDiff:
    """What differs between two versions, by page and by item."""

    pages: tuple[PageDiff, ...]
    items: Mapping[str, ItemFigures]

    @property
    def is_same(self) -> bool:
        """Whether both versions give the same on all pages."""
        return all(page.is_same for page in self.pages)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """What one version gave of one page: a result, or why there is none."""

    result: PageResult | None = None
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)
    error: str | None = None

    def rows(self, item: str) -> list[Row]:
        return [] if self.result is None else [row for row in self.result.rows if row.item == item]

    def rejects(self, item: str) -> list[Reject]:
        return [] if self.result is None else [reject for reject in self.result.rejects if reject.item == item]


def diff_recipes(old: Recipe, new: Recipe, pages: Iterable[SavedPage]) -> RecipeDiff:
    """What differs between two versions over these pages. A page that one cannot be run on is a fact of that page."""
    items = {name: ItemFigures() for name in dict.fromkeys([*old.items, *new.items])}
    for name, figures in items.items():
        figures.fields = {known: FieldFigures() for known in _fields(old.items.get(name), new.items.get(name))}
    found = []
    for saved in pages:
        before, after = _side(old, saved), _side(new, saved)
        rows: list[RowDiff] = []
        for name, figures in items.items():
            key = _common_key(old.items.get(name), new.items.get(name))
            rows += _rows(name, figures, key, before, after)
        found.append(PageDiff(saved=saved, facts=tuple(_facts(before, after)), rows=tuple(rows)))
    return RecipeDiff(pages=tuple(found), items=items)


def _side(recipe: Recipe, saved: SavedPage) -> _Side:
    if saved.page not in recipe.pages:
        return _Side(error=f"there is no page type {saved.page}")
    try:
        result = whole_page(recipe, saved.input_of(recipe), saved.answer)
    except InputError as error:
        return _Side(error=f"inputs: {error}")
    except PageError as error:
        return _Side(error=f"{type(error).__name__}: {error}")
    return _Side(result=result, links=links_by_page(recipe, result))


# --- facts of a page -------------------------------------------------------------------------------------------------


def _facts(old: _Side, new: _Side) -> Iterator[Change]:
    for path, before, after in _compared(old, new):
        if before != after:
            yield Change(path=path, old=before, new=after)


def _compared(old: _Side, new: _Side) -> Iterator[tuple[str, Value, Value]]:
    yield "error", old.error, new.error
    if old.result is None or new.result is None:
        return
    yield "outcome", old.result.outcome, new.result.outcome
    yield "next", _next(old.result), _next(new.result)
    yield "rejects", len(old.result.rejects), len(new.result.rejects)
    for page in dict.fromkeys([*old.links, *new.links]):
        before, after = old.links.get(page, ()), new.links.get(page, ())
        if set(before) != set(after):  # which links, not in which order
            lost, found = set(before) - set(after), set(after) - set(before)
            yield f"follow.{page}", _ones(before, lost), _ones(after, found)


def _next(result: PageResult) -> str | None:
    return None if result.next is None else result.next.url


def _ones(links: Sequence[str], own: set[str]) -> dict[str, Value]:
    """How many links there are, and those of them that the other version does not have."""
    return {"count": len(links), "only": [link for link in links if link in own]}


# --- rows ------------------------------------------------------------------------------------------------------------


def _fields(*contracts: ItemContract | None) -> list[str]:
    return list(dict.fromkeys(name for contract in contracts if contract is not None for name in contract.fields))


def _common_key(old: ItemContract | None, new: ItemContract | None) -> tuple[str, ...]:
    """The fields by which rows of both versions are told apart; empty if there are none."""
    if old is None or new is None:
        return ()
    for key, other in ((new.key, old), (old.key, new)):
        if key and other.fields.keys() >= set(key):
            return key
    return ()


def _rows(item: str, figures: ItemFigures, key: tuple[str, ...], old: _Side, new: _Side) -> list[RowDiff]:
    """The rows of one item that differ on one page; counts all of them."""
    before, after = old.rows(item), new.rows(item)
    figures.old_rows += len(before)
    figures.new_rows += len(after)
    figures.old_rejects += len(old.rejects(item))
    figures.new_rejects += len(new.rejects(item))
    for name, field_figures in figures.fields.items():
        field_figures.old_filled += sum(not is_missing(row.values.get(name)) for row in before)
        field_figures.new_filled += sum(not is_missing(row.values.get(name)) for row in after)
    numbers = {id(row): number for rows in (before, after) for number, row in enumerate(rows, 1)}
    found: list[RowDiff] = []
    for left, right in _by_key(before, after, key) if key else _by_order(before, after):
        if left is None and right is not None:
            figures.added += 1
            found.append(_lone("added", right, numbers[id(right)], key, old.rejects(item)))
        elif right is None and left is not None:
            figures.gone += 1
            found.append(_lone("gone", left, numbers[id(left)], key, new.rejects(item)))
        elif left is not None and right is not None:
            changes = tuple(_changes(figures, left, right))
            figures.changed += bool(changes)
            figures.same += not changes
            if changes:
                number = numbers[id(right)]
                found.append(RowDiff(kind="changed", item=item, number=number, key=_key(right, key), changes=changes))
    return found


def _lone(kind: RowKind, row: Row, number: int, key: tuple[str, ...], rejects: Sequence[Reject]) -> RowDiff:
    """A row of one version only, and why the other one refuses it."""
    own = _key(row, key)
    reasons = [
        f"{reason.field} {reason.message}"
        for reject in rejects
        if key and all(_text(reject.values.get(name)) == _text(value) for name, value in own.items())
        for reason in reject.reasons
    ]
    return RowDiff(kind=kind, item=row.item, number=number, key=own, values=row.values, reasons=tuple(reasons))


def _key(row: Row, key: tuple[str, ...]) -> dict[str, Value]:
    return {name: row.values.get(name) for name in key}


def _changes(figures: ItemFigures, old: Row, new: Row) -> Iterator[Change]:
    for name, counted in figures.fields.items():
        before, after = old.values.get(name), new.values.get(name)
        if is_missing(before) and is_missing(after):
            continue
        if is_missing(before):
            counted.filled += 1
        elif is_missing(after):
            counted.emptied += 1
        elif written(before) != written(after):
            counted.changed += 1
        else:
            continue
        yield Change(path=name, old=before, new=after)


_Pair: TypeAlias = "tuple[Row | None, Row | None]"


def _by_key(old: Sequence[Row], new: Sequence[Row], key: tuple[str, ...]) -> Iterator[_Pair]:
    """Rows of one key in pairs, in the order of the new version, then what is left of the old one."""
    waiting: defaultdict[str, deque[Row]] = defaultdict(deque)
    for row in old:
        waiting[written(list(_key(row, key).values()))].append(row)
    matched: set[int] = set()
    for row in new:
        same = waiting.get(written(list(_key(row, key).values())))
        left = same.popleft() if same else None
        matched.add(id(left))
        yield left, row
    for row in old:
        if id(row) not in matched:
            yield row, None


def _by_order(old: Sequence[Row], new: Sequence[Row]) -> Iterator[_Pair]:
    """Rows as lines of two texts: equal ones in their order, and what stands between two such in pairs."""
    shared = set(old[0].values if old else ()) & set(new[0].values if new else ())
    lines = [[written({name: row.values[name] for name in shared}) for row in rows] for rows in (old, new)]
    matcher = difflib.SequenceMatcher(None, lines[0], lines[1])
    for _, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        left, right = old[old_from:old_to], new[new_from:new_to]
        for number in range(max(len(left), len(right))):
            yield (
                left[number] if number < len(left) else None,
                right[number] if number < len(right) else None,
            )


def written(value: Value) -> str:
    """A value as text that differs wherever two files would: keys in order, digits kept, a number is no text."""
    return json.dumps(value, sort_keys=True, default=_exact)


def _exact(value: Any) -> Any:
    return {"decimal": f"{value:f}"} if isinstance(value, Decimal) and value.is_finite() else {"other": str(value)}


def _text(value: Value) -> str:
    return "" if is_missing(value) else str(value).strip()
