"""Finding a cell of a table row by the text of its column's header, on any tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

NodeT = TypeVar("NodeT")

#: As many columns as browsers let one cell span.
_MAX_COLSPAN: Final = 1000
_ROW_GROUPS: Final = frozenset({"thead", "tbody", "tfoot"})


class Table(Protocol[NodeT]):
    """What a tree must be able to do."""

    def tag(self, node: NodeT) -> str:
        """The element's name in lower case."""

    def key(self, node: NodeT) -> object:
        """What identifies the element."""

    def parent(self, node: NodeT) -> NodeT | None:
        """The element that holds this one."""

    def children(self, node: NodeT) -> list[NodeT]:
        """The elements directly inside."""

    def attribute(self, node: NodeT, name: str) -> str | None:
        """The attribute's value; None without one."""

    def text(self, node: NodeT) -> str:
        """The visible text."""


def cell_under(table: Table[NodeT], row: NodeT, header: str) -> NodeT | None:
    """The cell of `row` (a <tr>) that stands under the column headed `header`, or None.

    Headers are the rows of <thead>, or without one the first row of the table; their text is compared without case.
    Column spans count, row spans do not.
    """
    wanted = " ".join(header.split()).casefold()
    for header_row in _header_rows(table, row):
        for column, cell in _columns(table, header_row):
            if " ".join(table.text(cell).split()).casefold() == wanted:
                return _cell_at(table, row, column)
    return None


def _header_rows(table: Table[NodeT], row: NodeT) -> list[NodeT]:
    whole = table.parent(row)
    while whole is not None and table.tag(whole) != "table":
        whole = table.parent(whole)
    if whole is None or table.tag(row) != "tr":
        return []
    groups = [child for child in table.children(whole) if table.tag(child) in _ROW_GROUPS]
    heads = [group for group in groups if table.tag(group) == "thead"]
    rows = [child for group in heads or [whole, *groups] for child in table.children(group) if table.tag(child) == "tr"]
    return rows if heads else [first for first in rows[:1] if table.key(first) != table.key(row)]


def _columns(table: Table[NodeT], row: NodeT) -> Iterator[tuple[int, NodeT]]:
    """Each cell with the number of its first column."""
    column = 0
    for cell in table.children(row):
        if table.tag(cell) in {"td", "th"}:
            yield column, cell
            column += _span(table, cell)


def _cell_at(table: Table[NodeT], row: NodeT, column: int) -> NodeT | None:
    for start, cell in _columns(table, row):
        if start <= column < start + _span(table, cell):
            return cell
    return None


def _span(table: Table[NodeT], cell: NodeT) -> int:
    written = (table.attribute(cell, "colspan") or "").strip()
    return min(int(written), _MAX_COLSPAN) if written.isdecimal() and len(written) < 6 and int(written) else 1
