"""Candidates from a page that shows its items itself: repeated elements with the same parts, such as quotes or jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.propose_dom import (
    SeenPage,
    children,
    classes_of,
    common_selectors,
    is_around,
    price_in,
    simple_selectors,
    text_of,
)
from crawler.recipe.propose_item import field_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

_MIN_ROWS: Final = 3
_MIN_TEXT: Final = 30
_MAX_FIELDS: Final = 10
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_PRICE: Final[dict[str, Any]] = {"type": "decimal", "minimum": 0}
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class RowField:
    """A part that rows have: its rule inside the row, its contract, and in how many rows it is."""

    name: str
    rule: Any
    spec: dict[str, Any]
    filled: int
    sample: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDraft:
    """Repeated elements of a page, and their parts."""

    each: str
    count: int
    fields: tuple[RowField, ...]


def row_draft(page: SeenPage) -> RowDraft | None:
    """The repeated elements that hold most of a page's text, if they have at least two parts."""
    best: tuple[int, RowDraft] | None = None
    for rows in _repeated(page):
        size = sum(len(text_of(row)) for row in rows)
        if best is not None and size <= best[0]:
            continue
        each = next((name for name in common_selectors(rows) if len(page.select(name)) == len(rows)), None)
        fields = tuple(_fields(rows))
        if each is not None and len(fields) >= 2:
            best = (size, RowDraft(each=each, count=len(rows), fields=fields))
    return None if best is None else best[1]


def _repeated(page: SeenPage) -> Iterator[list[LexborNode]]:
    """Children of one element that share tag and class."""
    for parent in page.body.traverse():
        if parent.tag in ("head", "script", "style", "select", "svg"):
            continue
        alike: dict[tuple[str, str], list[LexborNode]] = {}
        for child in children(parent):
            for name in classes_of(child):
                alike.setdefault((str(child.tag), name), []).append(child)
        for rows in alike.values():
            if len(rows) < _MIN_ROWS or is_around(rows[0]):
                continue
            if sum(len(text_of(row)) for row in rows) >= _MIN_TEXT * len(rows):
                yield rows


def _fields(rows: list[LexborNode]) -> Iterator[RowField]:
    """Parts by the class or itemprop that names them, in the order of the first row that has them."""
    counts: Counter[str] = Counter()
    present: Counter[str] = Counter()
    samples: dict[str, LexborNode] = {}
    for row in rows:
        inside: Counter[str] = Counter()
        for node in row.traverse():
            if node.mem_id == row.mem_id or not text_of(node):
                continue
            for name in simple_selectors(node):
                if name.startswith((".", "[itemprop")):
                    inside[name] += 1
                    samples.setdefault(name, node)
        counts.update(inside)
        present.update(inside.keys())
    taken: dict[str, None] = {}
    shown: set[int] = set()
    for selector, node in samples.items():
        name = field_name(selector.strip(".[]").removeprefix("itemprop="))
        if present[selector] * 2 < len(rows) or not name or name in taken or node.mem_id in shown:
            continue
        # An element that only holds other parts says nothing of its own.
        if any(node.mem_id != other.mem_id and _holds(node, other) for other in samples.values()):
            continue
        taken[name] = None
        shown.add(node.mem_id)
        many = counts[selector] > present[selector]
        priced = not many and price_in(text_of(node)) is not None
        rule: Any = {"css": selector}
        if many:
            rule["all"] = True
        elif priced:
            rule["process"] = ["price"]
        yield RowField(
            name=name,
            rule=rule,
            spec=_TEXTS if many else _PRICE if priced else _TEXT,
            filled=present[selector],
            sample=text_of(node),
        )
        if len(taken) == _MAX_FIELDS:
            return


def _holds(outer: LexborNode, inner: LexborNode) -> bool:
    above = inner.parent
    while above is not None:
        if above.mem_id == outer.mem_id:
            return True
        above = above.parent
    return False
