"""Reads values out of the nodes of an imported file, where anything may stand anywhere.

What is not of the form that is asked for is as good as absent; a format says what that means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.recipe.language_texts import name_problem, version_problem
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path
    from crawler.recipe.importing.draft import Draft
    from crawler.recipe.importing.findings import Findings
    from crawler.recipe.yaml_nodes import Entry, Node

_NOT_NAME: Final = re.compile(r"[^a-z0-9]+")
_NOT_FIELD: Final = re.compile(r"[^a-z0-9]+")
_SMALL_FIRST: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A map of the imported file, where it stands, and what is made of it."""

    node: MapNode
    path: Path
    found: Findings
    draft: Draft

    def below(self, key: str) -> Part | None:
        """The map at `key`, None if there is none."""
        node = self.node.get(key)
        if not isinstance(node, MapNode):
            return None
        return Part(node=node, path=(*self.path, key), found=self.found, draft=self.draft)

    def entry(self, key: str) -> Entry | None:
        """The key and its value."""
        return self.node.by_key.get(key)

    def text(self, key: str) -> str | None:
        """The text at `key`; of a number its digits."""
        return text_of(self.node.get(key))

    def number(self, key: str) -> int | None:
        """The whole number at `key`, also one in quotes."""
        text = self.text(key)
        return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None

    def flag(self, key: str) -> bool:
        """Whether `true` stands at `key`."""
        node = self.node.get(key)
        return isinstance(node, Scalar) and (node.value is True or node.raw.lower() == "true")

    def scalars(self, key: str) -> list[tuple[Path, Scalar]]:
        """The values at `key`, one or a list, with their paths."""
        return scalars_of(self.node.get(key), (*self.path, key))


def text_of(node: Node | None) -> str | None:
    """The text of a scalar that is not null."""
    return node.raw if isinstance(node, Scalar) and node.value is not None else None


def scalars_of(node: Node | None, path: Path) -> list[tuple[Path, Scalar]]:
    """The scalars of one value or of a list; null is none."""
    if isinstance(node, Scalar):
        return [(path, node)] if node.value is not None else []
    if isinstance(node, ListNode):
        members = enumerate(node.items)
        return [((*path, i), item) for i, item in members if isinstance(item, Scalar) and item.value is not None]
    return []


def maps_of(node: Node | None, path: Path) -> Iterator[tuple[Path, MapNode]]:
    """The maps of one value or of a list."""
    if isinstance(node, MapNode):
        yield path, node
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            if isinstance(item, MapNode):
                yield (*path, index), item


def recipe_name(text: str, *, otherwise: str) -> str:
    """A recipe's name made from any text: `Modern Bags (IL)` is `modern-bags-il`."""
    for candidate in (text, otherwise):
        name = _NOT_NAME.sub("-", candidate.lower()).strip("-")[:64].strip("-").lstrip("0123456789-")
        if name and name_problem(name) is None:
            return name
    return "recipe"


def field_name(text: str, taken: set[str], *, otherwise: str = "field") -> str:
    """A field's name made from any text: `Price (old)` is `price_old`; a number is added to one that is taken."""
    name = _NOT_FIELD.sub("_", _SMALL_FIRST.sub("_", text).lower()).strip("_")[:56].strip("_") or otherwise
    if name[0].isdigit():
        name = f"n{name}"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    taken.add(unique)
    return unique


def version_of(text: str | None) -> str | None:
    """The version if it is a semantic one; `1.2` is `1.2.0`."""
    if text is None:
        return None
    for candidate in (text, f"{text}.0", f"{text}.0.0"):
        if version_problem(candidate) is None:
            return candidate
    return None
