"""`extends`: a recipe's tree laid over its parent's.

Maps merge; a rule, a list of steps and any list replace as a whole; `field: null` removes. Which maps merge is read
from the shapes: those with known keys and those with names of the author's choice; everything else is one value. Every
node keeps the file it came from, so that problems point into the right one.
"""

from __future__ import annotations

from dataclasses import replace

from crawler.recipe.shape import Named, NamedMap, Shape, UserMap
from crawler.recipe.yaml_nodes import Entry, MapNode, Node, Scalar

#: Keys that a recipe has for itself: a parent's tests belong to the parent's saved pages.
OWN_KEYS = frozenset({"name", "version", "extends", "tests", "description"})


def merged(child: Node, parent: Node, shape: Shape) -> Node:
    """`child` over `parent`, as far as `shape` says that they merge."""
    while isinstance(shape, Named):
        shape = shape.shape()
    if not isinstance(child, MapNode) or not isinstance(parent, MapNode):
        return child
    if not isinstance(shape, NamedMap | UserMap):
        return child
    entries: dict[str, Entry] = {entry.key: entry for entry in parent}
    for entry in child:
        below = _below(shape, entry.key)
        inherited = entries.get(entry.key)
        if isinstance(entry.node, Scalar) and entry.node.value is None and inherited is not None:
            del entries[entry.key]
        elif inherited is not None and below is not None:
            node = merged(entry.node, inherited.node, below)
            entries[entry.key] = Entry(key=entry.key, at=entry.at, node=node)
        else:
            entries[entry.key] = entry
    return replace(child, entries=tuple(entries.values()), complete=child.complete and parent.complete)


def without_own(parent: MapNode) -> MapNode:
    """A parent's tree without what is not inherited."""
    return replace(parent, entries=tuple(entry for entry in parent if entry.key not in OWN_KEYS))


def _below(shape: NamedMap | UserMap, key: str) -> Shape | None:
    if isinstance(shape, UserMap):
        return shape.value
    found = shape.key(key)
    return None if found is None else found.shape
