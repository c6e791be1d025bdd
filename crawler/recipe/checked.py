"""Reads values out of a tree that its shape has checked: a key that is there has the right type, or is `Broken`.

So nothing here reports; what is absent or broken comes back as None, empty or the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.recipe.yaml_nodes import Broken, ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path
    from crawler.recipe.yaml_nodes import Entry, Node


def text(node: MapNode | None, key: str) -> str | None:
    """Text of a key."""
    found = scalar(node, key)
    return found.value if found is not None and isinstance(found.value, str) else None


def scalar(node: MapNode | None, key: str) -> Scalar | None:
    """The scalar of a key, with its place."""
    found = node.get(key) if node is not None else None
    return found if isinstance(found, Scalar) else None


def integer(node: MapNode | None, key: str) -> int | None:
    """Whole number of a key."""
    found = scalar(node, key)
    if found is None or isinstance(found.value, bool) or not isinstance(found.value, int):
        return None
    return found.value


def boolean(node: MapNode | None, key: str) -> bool | None:
    """Truth value of a key."""
    found = scalar(node, key)
    return found.value if found is not None and isinstance(found.value, bool) else None


def mapping(node: MapNode | None, key: str) -> MapNode | None:
    """Map of a key."""
    found = node.get(key) if node is not None else None
    return found if isinstance(found, MapNode) else None


def entries(node: MapNode | None, key: str) -> Iterator[Entry]:
    """Entries of the map of a key, broken ones left out."""
    found = mapping(node, key)
    for entry in found or ():
        if not isinstance(entry.node, Broken):
            yield entry


def maps(node: MapNode | None, key: str) -> Iterator[tuple[str, MapNode, Entry]]:
    """Names and maps of a map of maps."""
    for entry in entries(node, key):
        if isinstance(entry.node, MapNode):
            yield entry.key, entry.node, entry


def members(node: Node | None, path: Path) -> Iterator[tuple[Path, Node]]:
    """Members of a list with their paths, or the one value itself; broken ones left out."""
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            if not isinstance(item, Broken):
                yield (*path, index), item
    elif node is not None and not isinstance(node, Broken):
        yield path, node


def scalars(node: MapNode | None, key: str, path: Path) -> Iterator[tuple[Path, Scalar]]:
    """Scalars of a key that holds one or a list of them, with their paths."""
    found = node.get(key) if node is not None else None
    for where, item in members(found, (*path, key)):
        if isinstance(item, Scalar):
            yield where, item


def names(node: MapNode | None, key: str) -> list[str]:
    """Keys of the map of a key, broken values included: a name is known even if its value is wrong."""
    found = mapping(node, key)
    return [entry.key for entry in found or ()]
