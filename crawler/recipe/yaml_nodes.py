"""Nodes of a recipe's YAML: values that know their file, line, column and how they were quoted.

`yaml_reader` makes them; everything that reads a recipe works on them. They know nothing of what a recipe means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

Style: TypeAlias = Literal["plain", "single", "double", "literal", "folded"]


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One file as read: its name and its text without a byte order mark."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """Lines as the parser counts them: it also breaks at NEL, LS and PS."""
        text = self.text.replace("\r\n", "\n")
        for other in ("\r", "\x85", "\u2028", "\u2029"):
            text = text.replace(other, "\n")
        return text.split("\n")

    def line(self, number: int) -> str:
        """Text of line `number` (from 1), empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


class Mark(Struct, frozen=True, eq=False):
    """A place in a file; line and column from 1."""

    source: SourceFile
    line: int
    column: int

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.source.name


class Scalar(Struct, frozen=True, kw_only=True, eq=False):
    """One value: `value` is str, int, Decimal, bool or None; `raw` is the text between the quotes, if any."""

    mark: Mark
    end: Mark
    value: str | int | Decimal | bool | None
    raw: str
    style: Style


class Entry(Struct, frozen=True, kw_only=True, eq=False):
    """One key of a map and its value. `key` is the key's text: `1: x` has the key "1"."""

    key: str
    at: Scalar
    node: Node

    @property
    def mark(self) -> Mark:
        """Where the key stands."""
        return self.at.mark


@dataclass(frozen=True, kw_only=True, eq=False)
class MapNode:
    """A map, in file order, keys unique. It is not `complete` if keys of it were refused: nothing is truly absent."""

    mark: Mark
    entries: tuple[Entry, ...]
    flow: bool = False
    end: Mark | None = None
    complete: bool = True

    @cached_property
    def by_key(self) -> dict[str, Entry]:
        """Entries by the text of their key."""
        return {entry.key: entry for entry in self.entries}

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def get(self, key: str) -> Node | None:
        """Value of `key`, None if it is not there."""
        entry = self.by_key.get(key)
        return None if entry is None else entry.node


class ListNode(Struct, frozen=True, kw_only=True, eq=False):
    """A list."""

    mark: Mark
    items: tuple[Node, ...]
    flow: bool = False
    end: Mark | None = None


class Broken(Struct, frozen=True, kw_only=True, eq=False):
    """Stands where a value was refused, so that its name is still known and nothing is said twice."""

    mark: Mark


Node: TypeAlias = Scalar | MapNode | ListNode | Broken


def plain(node: Node) -> Any:
    """The value as Python data: dict, list, str, int, Decimal, bool, None. Refused parts are left out."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, MapNode):
        return {entry.key: plain(entry.node) for entry in node if not isinstance(entry.node, Broken)}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items if not isinstance(item, Broken)]
    return None
